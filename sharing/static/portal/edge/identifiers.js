// The canonical form of each type of identifier: sharing/signal_types in the browser. Refusals carry the same codes.
// Tests run the published vectors of both sides.
import { canonicalDomain } from "./domains.js";
import { canonicalPayment } from "./payments.js";
import { asciiDigits, folded, lengthOf, Refused, tidied } from "./texts.js";

const bytesOf = (text) => new TextEncoder().encode(text).length;

// --- E-mail addresses ---
const LOCAL_PART = /^[^\s@"(),:;<>[\]\\]+$/u;
const LONGEST_LOCAL_PART = 64;
const LONGEST_ADDRESS = 254;

const email = (text) => {
  const at = text.lastIndexOf("@");
  const local = folded(text.slice(0, Math.max(at, 0)));
  const domain = at < 0 ? null : canonicalDomain(text.slice(at + 1));
  const address = `${local}@${domain}`;
  const fits = bytesOf(local) <= LONGEST_LOCAL_PART && bytesOf(address) <= LONGEST_ADDRESS;
  if (domain === null || !LOCAL_PART.test(local) || !fits) throw new Refused("not_an_email");
  return `email:${address}`;
};

// --- Phone numbers ---
const PHONE = /^\+[0-9\s().\-/\u2010-\u2015]{5,40}$/;

const phone = async (text) => {
  const digits = asciiDigits(text);
  if (!digits.startsWith("+")) throw new Refused("no_country_code");
  if (!PHONE.test(digits)) throw new Refused("not_a_phone_number");
  // Half a megabyte of numbering plans: only for who needs them.
  const { canonicalPhone } = await import("./phones.js");
  const number = canonicalPhone(digits);
  if (number === null) throw new Refused("not_a_phone_number");
  return `phone:${number}`;
};

// --- User names ---
const PLATFORM = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/;
const LONGEST_USERNAME = 128;

const username = (text, platform) => {
  const slug = platform.trim().toLowerCase();
  if (slug === "") throw new Refused("platform_missing");
  if (!PLATFORM.test(slug)) throw new Refused("bad_platform");
  const handle = folded(text.replace(/^@/, ""));
  const isName = /[\p{L}\p{N}]/u.test(handle) && !/[\s/\\]/u.test(handle) && lengthOf(handle) <= LONGEST_USERNAME;
  if (!isName) throw new Refused("not_a_username");
  return `username:${slug}:${handle}`;
};

// --- Devices ---
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAC = new RegExp(
  "^(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\\.[0-9a-f]{4}){2}|[0-9a-f]{12})$",
);
const SHARED_BY_MANY = new Set([
  "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "00:00:00:00:00:00",
  "02:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "004999010640000", ..."0123456789".split("").map((one) => one.repeat(15)),
]);

export const isLuhn = (digits) => {
  const values = Array.from(digits).reverse().map((digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return value > 9 ? value - 9 : value;
  });
  return values.reduce((sum, value) => sum + value, 0) % 10 === 0;
};

const device = (text) => {
  const [kind, identifier] = recognised(asciiDigits(text).toLowerCase());
  if (SHARED_BY_MANY.has(identifier)) throw new Refused("shared_by_many");
  return `${kind}:${identifier}`;
};

const recognised = (text) => {
  if (UUID.test(text)) return ["uuid", text];
  if (MAC.test(text)) return ["mac", text.replace(/[:.-]/g, "").match(/../g).join(":")];
  const digits = text.replace(/[\s./-]/gu, "");
  if (!/^[0-9]{15}$/.test(digits)) throw new Refused("not_a_device");
  if (!isLuhn(digits)) throw new Refused("bad_check_digit");
  return ["imei", digits];
};

// --- Payment accounts ---
const payment = (text) => canonicalPayment(asciiDigits(text), isLuhn);

const RULES = { email, phone, username, device, payment };

// What the oblivious function is asked about. Throws Refused.
export const canonical = async (type, value, platform = "") => RULES[type](tidied(value), platform);
