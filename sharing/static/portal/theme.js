// Follows the system's choice of light or dark. Runs before the page is drawn, so that it never flashes.
(() => {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  dark.addEventListener("change", apply);
  document.documentElement.classList.add("has-script");
  apply();
})();
