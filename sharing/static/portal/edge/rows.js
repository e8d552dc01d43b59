// The rows of indicators: which of their fields are sent, and what scripts put into them.
//
// A field is sent by its name. What is typed as a value has one only while a type is chosen that is no identifier; so
// whatever else fails, a plain identifier stays in the browser.

const list = document.querySelector("[data-indicator-rows]");
const addButton = document.querySelector("[data-add-row]");

export class Row {
  constructor(element, { keyed, digits, words, refusals }) {
    const field = (name) => element.querySelector(`[id$="-${name}"]`);
    Object.assign(this, { element, keyed, digits, words, refusals, twins: [] });
    this.note = element.querySelector("[data-edge-note]");
    Object.assign(this, { type: field("type"), value: field("value"), platform: field("platform") });
    Object.assign(this, { quality: field("quality"), token: field("token"), keyId: field("key_id") });
    this.valueName = this.value.name;
    this.offerIdentifiers();
    this.nameValue();
    element.addEventListener("input", () => this.changed());
    element.addEventListener("change", () => this.changed());
  }

  // Where no script runs, the hub offers them only to who may send them in plain.
  offerIdentifiers() {
    if ([...this.type.options].some((option) => this.keyed.includes(option.value))) return;
    this.type.append(document.getElementById("edge-types").content.cloneNode(true));
  }

  nameValue() {
    const isSent = this.type.value !== "" && !this.keyed.includes(this.type.value);
    if (isSent) this.value.name = this.valueName;
    else this.value.removeAttribute("name");
  }

  changed() {
    this.nameValue();
    this.token.value = "";
    this.keyId.value = "";
    this.say("");
    for (const twin of this.twins.splice(0)) twin.clear();
  }

  clear() {
    this.value.value = "";
    this.choose("");
  }

  choose(type) {
    this.type.value = type;
    this.type.dispatchEvent(new Event("change", { bubbles: true }));
  }

  get isEmpty() {
    return this.type.value === "" && this.value.value.trim() === "" && this.token.value === "";
  }

  get lacksType() {
    return this.type.value === "" && this.value.value.trim() !== "";
  }

  // Whether something else stands where a hash belongs: perhaps an identifier, under a wrong type.
  get isNoHash() {
    const digits = this.digits[this.type.value];
    const value = this.value.value.trim();
    return digits !== undefined && value !== "" && !(value.length === digits && /^[0-9a-f]+$/i.test(value));
  }

  // Whether an identifier stands here that is no token yet.
  get isPlain() {
    return this.keyed.includes(this.type.value) && this.value.value.trim() !== "" && this.token.value === "";
  }

  get identifier() {
    return { type: this.type.value, value: this.value.value, platform: this.platform.value };
  }

  say(text, isWrong = false) {
    this.note.textContent = text;
    this.note.hidden = text === "";
    this.note.classList.toggle("is-wrong", isWrong);
    if (isWrong) this.wrongField.setAttribute("aria-invalid", "true");
    else for (const field of [this.type, this.value, this.platform]) field.removeAttribute("aria-invalid");
  }

  refuse(code) {
    const fields = { no_type: this.type, platform_missing: this.platform, bad_platform: this.platform };
    this.wrongField = fields[code] ?? this.value;
    const words = this.refusals[this.type.value]?.[code] ?? this.words[code] ?? this.words.failed;
    this.say(words.replace("%(digits)s", this.digits[this.type.value]), true);
  }

  putHash(type, value, quality, note) {
    this.choose(type);
    this.value.value = value;
    this.quality.value = quality ?? "";
    this.say(note);
  }

  putToken(type, { key_id: keyId, token }, note) {
    if (this.type.value !== type) this.choose(type);
    this.token.value = token;
    this.keyId.value = keyId;
    this.say(note);
  }
}

export class Rows {
  constructor(data) {
    this.data = data;
    this.known = new Map();
    this.all();
    // A row that is added is in order before anything can be typed in it.
    new MutationObserver(() => this.all()).observe(list, { childList: true });
  }

  all() {
    return [...list.querySelectorAll("[data-indicator-row]")].map((element) => {
      if (!this.known.has(element)) this.known.set(element, new Row(element, this.data));
      return this.known.get(element);
    });
  }

  // An empty row, or null when there is no room for another.
  empty() {
    const found = this.all().find((row) => row.isEmpty);
    if (found) return found;
    const before = this.all().length;
    addButton.click();
    const rows = this.all();
    return rows.length > before ? rows.at(-1) : null;
  }

  // A row for the same identifier under another key; it goes when the identifier changes.
  twinOf(row) {
    const twin = this.empty();
    if (twin) row.twins.push(twin);
    return twin;
  }

  holds(type, value) {
    return this.all().some((row) => row.type.value === type && row.value.value.trim().toLowerCase() === value);
  }
}
