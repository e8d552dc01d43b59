// Unicode rules of identifiers: sharing/signal_types/unicode_rules.py and keyed.py in the browser.
//
// A token that differs from everybody's matches nothing, and nobody notices. So where the two could differ, this side
// refuses: it may refuse more than the hub does, but what it takes has the same form.

export class Refused extends Error {
  // `code` is that of the hub's refusal; the page has the words for it.
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const LONGEST = 512;
const EDGE = "[\\s\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060\\u2066-\\u2069\\ufeff]+";
const EDGES = new RegExp(`^${EDGE}|${EDGE}$`, "gu");
const CONTROL = /[\u0001-\u001f\u007f-\u009f]/;
// More marks count here than there, where only those count that combine.
const MARKS = /\p{M}{31}/u;

export const lengthOf = (text) => [...text].length;

// The text in NFKC, without format characters; refuses what no type can take.
export const tidied = (value) => {
  if (lengthOf(value) > LONGEST) throw new Refused("too_long");
  if (/\p{Surrogate}/u.test(value)) throw new Refused("not_unicode");
  if (value.includes("\0")) throw new Refused("nul");
  const bare = value.replace(EDGES, "");
  if (bare === "") throw new Refused("empty");
  if (CONTROL.test(bare)) throw new Refused("control_character");
  if (MARKS.test(bare.normalize("NFKD"))) throw new Refused("too_many_marks");
  const text = bare.replace(/\p{Cf}/gu, "").normalize("NFKC").trim();
  if (text === "") throw new Refused("empty");
  if (looksLikeDigest(text)) throw new Refused("unkeyed_hash");
  return text;
};

// Full case folding, which browsers lack. Up and down again comes to the same, but for the Turkish i without a dot,
// which has no other case in folding, and for Cherokee, which folds to capitals. A test holds every character of
// Unicode against Python's.
const foldedCharacter = (char) => {
  if (char === "\u0131") return char;
  const upper = char.toLowerCase().toUpperCase();
  return /\p{Script=Cherokee}/u.test(char) ? upper : Array.from(upper, (one) => one.toLowerCase()).join("");
};

export const folded = (text) =>
  Array.from(text.normalize("NFKC"), foldedCharacter).join("").normalize("NFKC");

// Decimal digits of every script as 0 to 9. In Unicode they come in tens that begin with zero, so the value of one is
// how many stand before it.
export const asciiDigits = (text) => text.replace(/\p{Nd}/gu, (digit) => {
  let before = 0;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(digit.codePointAt(0) - before - 1))) before += 1;
  return String(before % 10);
});

// --- Hashes that were made without a key: they protect nobody ---
const BEFORE_DIGEST = /^@?(?:0x|\\x|\{?(?:md5|sha-?[0-9]{1,3}|blake[23][bs]?)\}?[:=$-]?)?/i;
const SIZES = [16, 20, 28, 32, 48, 64];
const HEX_LENGTHS = new Set(SIZES.map((size) => 2 * size));
const BASE64_LENGTHS = new Set(SIZES.map((size) => Math.floor((8 * size + 5) / 6)));
const LEAST_OF_EACH_CASE = 3;

const isHexDigest = (text) => {
  const digits = text.replace(/[\s:]/g, "");
  return HEX_LENGTHS.has(digits.length) && /^[0-9A-Fa-f]+$/.test(digits);
};

const isBase64Digest = (text) => {
  const found = /^([A-Za-z0-9+/_-]+)(={0,2})$/.exec(text);
  if (!found || !BASE64_LENGTHS.has(found[1].length)) return false;
  const count = (pattern) => (found[1].match(pattern) ?? []).length;
  const cases = Math.min(count(/[A-Z]/g), count(/[a-z]/g));
  return found[2] !== "" || (cases >= LEAST_OF_EACH_CASE && count(/[0-9]/g) >= 1);
};

const looksLikeDigest = (text) => {
  const bare = text.replace(BEFORE_DIGEST, "");
  return isHexDigest(bare) || isBase64Digest(bare) || isBase64Digest(text);
};
