// What the pages gain where scripts run. Everything here has a way without it.
(() => {
  "use strict";

  // --- Copying a hash ---
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    let done = false;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      done = true;
    } catch {
      // The clipboard is refused on plain HTTP and by some browsers: mark the text, so that Ctrl+C takes it.
      source.closest("details")?.setAttribute("open", "");
      select(source);
    }
    const before = button.textContent;
    button.textContent = done ? button.dataset.done : button.dataset.marked;
    window.setTimeout(() => { button.textContent = before; }, 2000);
  };

  // --- Indicator rows ---
  const fitRow = (row) => {
    const choice = row.querySelector("select");
    if (!choice) return;
    for (const part of row.querySelectorAll("[data-for-types]")) {
      const wanted = part.dataset.forTypes.split(" ").includes(choice.value);
      const filled = [...part.querySelectorAll("input")].some((input) => input.value !== "");
      const wrong = part.querySelector("[aria-invalid=true]") !== null;
      part.hidden = !(wanted || filled || wrong);
    }
  };

  const addRow = (list) => {
    const total = document.getElementById(list.dataset.total);
    const number = Number(total.value);
    if (number >= Number(list.dataset.max)) return;
    const template = document.getElementById(list.dataset.template);
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", String(number)).replaceAll("__number__", String(number + 1));
    const row = holder.firstElementChild;
    list.append(row);
    total.value = String(number + 1);
    fitRow(row);
    row.querySelector("select").focus();
  };

  const fitRows = (root) => {
    for (const row of root.querySelectorAll("[data-indicator-row]")) fitRow(row);
  };

  // Empty rows that help those without scripts are one click away for everybody else.
  const foldRows = () => {
    for (const list of document.querySelectorAll("[data-indicator-rows]")) {
      const total = document.getElementById(list.dataset.total);
      const rows = [...list.querySelectorAll("[data-indicator-row]")];
      while (rows.length > 1) {
        const last = rows.at(-1);
        const used = [...last.querySelectorAll("input, select, textarea")].some((field) => field.value !== "");
        if (used || last.querySelector(".errorlist")) break;
        last.remove();
        rows.pop();
      }
      total.value = String(rows.length);
    }
  };

  // --- Telling of failures that htmx meets ---
  const tell = (kind) => {
    const place = document.getElementById("trouble");
    if (!place) return;
    place.textContent = place.dataset[kind];
    place.hidden = false;
  };

  document.addEventListener("click", (event) => {
    const copyButton = event.target.closest("[data-copy]");
    if (copyButton) copy(copyButton);
    const addButton = event.target.closest("[data-add-row]");
    if (addButton) addRow(document.getElementById(addButton.dataset.addRow));
  });
  document.addEventListener("change", (event) => {
    const row = event.target.closest("[data-indicator-row]");
    if (row) fitRow(row);
  });
  document.addEventListener("htmx:responseError", () => tell("refused"));
  document.addEventListener("htmx:sendError", () => tell("unreachable"));
  document.addEventListener("htmx:beforeRequest", () => {
    const place = document.getElementById("trouble");
    if (place) place.hidden = true;
  });

  foldRows();
  fitRows(document);
  document.getElementById("error-summary")?.focus();
})();
