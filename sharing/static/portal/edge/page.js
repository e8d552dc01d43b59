// The page's part of hashing and blinding in the browser: files become rows of hashes, and when the form is sent,
// identifiers become tokens first.
import { Failure, Helper, tokensOf } from "./courier.js";
import { Rows } from "./rows.js";

const form = document.querySelector("[data-edge-form]");
const data = JSON.parse(document.querySelector("[data-edge]").dataset.edge);
const { words } = data;
const rows = new Rows(data);
const helper = new Helper(new URL("worker.js", import.meta.url));
const status = document.querySelector("[data-edge-status]");
const problems = document.querySelector("[data-edge-problems]");
const files = document.getElementById("edge-files");

const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]).replaceAll("%%", "%");
const sentence = (error) => (error instanceof Failure && error.sentence) || words[error.code] || words.failed;

const tellOf = (text) => {
  const line = document.createElement("li");
  line.textContent = text;
  problems.append(line);
  problems.hidden = false;
};

// --- Files ---
const hashed = async (file) => {
  const tell = (bytes) => {
    const percent = Math.floor((100 * bytes) / Math.max(file.size, 1));
    status.textContent = filled(words.hashing, { name: file.name, percent });
  };
  tell(0);
  const found = await helper.call("hash", { file }, tell);
  if (!found.pdq && file.type.startsWith("image/")) tellOf(`${file.name}: ${words.no_picture}`);
  return [
    ...(found.pdq ? [["pdq", found.pdq.hash, found.pdq.quality]] : []),
    ["sha256", found.sha256],
    ["md5", found.md5],
  ];
};

const putHashes = (file, hashes) => {
  for (const [type, value, quality] of hashes) {
    if (rows.holds(type, value)) continue;
    const row = rows.empty();
    if (!row) throw new Failure({ code: "too_many_rows" });
    row.putHash(type, value, quality, filled(words.from_file, { name: file.name }));
  }
};

const takeFiles = async () => {
  problems.replaceChildren();
  problems.hidden = true;
  let number = 0;
  for (const file of [...files.files]) {
    try {
      putHashes(file, await hashed(file));
      number += 1;
    } catch (error) {
      // One that can't be hashed is named, and the others go on.
      tellOf(`${file.name}: ${error.code === "failed" ? words.unread : sentence(error)}`);
    }
  }
  status.textContent = filled(words.hashed, { number });
  files.value = "";
  files.focus();
};

// --- Sending ---
let isReady = false;

const refused = (row, code) => {
  row.refuse(code);
  return row;
};

// Rows that can't be sent as they are, each told why.
const wrongOnes = async (plain) => {
  const untyped = rows.all().filter((row) => row.lacksType).map((row) => refused(row, "no_type"));
  const mistyped = rows.all().filter((row) => row.isNoHash).map((row) => refused(row, "no_hash"));
  const codes = await helper.call("check", { items: plain.map((row) => row.identifier) });
  return [...untyped, ...mistyped, ...plain.filter((row, place) => codes[place] && refused(row, codes[place]))];
};

const makeTokens = async (plain) => {
  const csrf = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const found = await tokensOf(helper, plain.map((row) => row.identifier), { ...data, csrf });
  plain.forEach((row, place) => {
    const [active, ...older] = found[place];
    // First what needs room: a row whose older tokens find none stays as it was, and nothing is sent.
    for (const twin of row.twins.splice(0)) twin.clear();
    for (const token of older) {
      const twin = rows.twinOf(row);
      if (!twin) throw new Failure({ code: "too_many_rows" });
      twin.putToken(row.type.value, token, words.older_key);
    }
    row.putToken(row.type.value, active, filled(words.token_made, { token: active.token.slice(0, 8) }));
  });
};

const send = async (button) => {
  const plain = rows.all().filter((row) => row.isPlain);
  if (plain.length) status.textContent = words.working;
  const wrong = await wrongOnes(plain);
  if (wrong.length === 0 && plain.length) await makeTokens(plain);
  status.textContent = "";
  form.inert = false;
  if (wrong.length) {
    wrong[0].wrongField.focus();
    return;
  }
  isReady = true;
  form.requestSubmit(button);
  isReady = false;
};

// Before anybody else sees the event: htmx would send the form as it is.
document.addEventListener("submit", async (event) => {
  if (event.target !== form || isReady) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  // Nothing may change between what became a token and what is sent.
  form.inert = true;
  try {
    await send(event.submitter);
  } catch (error) {
    form.inert = false;
    status.textContent = "";
    problems.replaceChildren();
    tellOf(sentence(error));
    problems.focus();
  }
}, { capture: true });

document.addEventListener("htmx:afterSwap", () => {
  document.querySelector("#results-heading, #error-summary")?.focus();
});
files.addEventListener("change", takeFiles);
document.documentElement.classList.add("has-edge");
