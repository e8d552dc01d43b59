// Domain names as the hub writes them: lower case, ASCII, IDNA 2008 (sharing/signal_types/hosts.py).
import { decodePunycode } from "../vendor/noble/noble.js";

const LABEL = /^[a-z0-9_-]{1,63}$/;
const NUMERIC = /^(?:[0-9]+|0x[0-9a-f]*)$/;
const LONGEST = 253;
const FEWEST_LABELS = 2;
// The browser maps and encodes by UTS 46, which lets more through than IDNA 2008 (RFC 5892), symbols for example. Rare
// characters that RFC 5892 takes only beside certain others, such as joiners, are refused here altogether.
const LETTERS = /^[-a-z0-9\u00df\u03c2\u06fd\u06fe\u0f0b\u3007\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}]+$/u;
const REFUSED = new RegExp(
  "[\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b\\u0660-\\u0669\\u06f0-\\u06f9\\u034f" +
  "\\u1100-\\u11ff\\ua960-\\ua97f\\ud7b0-\\ud7ff\\u17b4\\u17b5" +
  "\\u180b-\\u180f\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]", "u",
);

// The canonical name, or null.
export const canonicalDomain = (text) => {
  const mapped = /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : encoded(text);
  if (mapped === null) return null;
  const name = mapped.replace(/\.$/, "");
  const labels = name.split(".");
  if (labels.length < FEWEST_LABELS || name.length > LONGEST || NUMERIC.test(labels.at(-1))) return null;
  return labels.every((label) => LABEL.test(label)) ? name : null;
};

const encoded = (text) => {
  // Only names go to the address parser: to it, a slash would begin a path.
  if (/[\x00-\x7f]/.test(text.replace(/[A-Za-z0-9._-]/g, ""))) return null;
  let name;
  try {
    name = new URL(`http://${text}/`).hostname;
  } catch {
    return null;
  }
  return name.split(".").every(isLetters) ? name : null;
};

const isLetters = (label) => {
  if (!label.startsWith("xn--")) return true;
  const shown = decodePunycode(label.slice(4));
  if (/^-|-$|^..--/u.test(shown) || /^\p{M}/u.test(shown)) return false;
  return LETTERS.test(shown) && !REFUSED.test(shown);
};
