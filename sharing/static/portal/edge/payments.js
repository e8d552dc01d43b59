// IBANs and Bitcoin addresses with their checksums: sharing/signal_types/payment.py in the browser.
import { bech32, bech32m, createBase58check, sha256 } from "../vendor/noble/noble.js";
import { Refused } from "./texts.js";

// How the account number of each country is built (SWIFT's IBAN registry): so many n digits, a capitals, c of both. A
// test holds it against the hub's.
const COUNTRIES =
  "AD:4n4n12c AE:3n16n AL:8n16c AT:5n11n AZ:4a20c BA:3n3n8n2n BE:3n7n2n BG:4a4n2n8c BH:4a14c BI:5n5n11n2n " +
  "BR:8n5n10n1a1c BY:4c4n16c CH:5n12c CR:4n14n CY:3n5n16c CZ:4n16n DE:8n10n DJ:5n5n11n2n DK:4n9n1n DO:4c20n " +
  "EE:2n14n EG:4n4n17n ES:4n4n1n1n10n FI:3n11n FK:2a12n FO:4n9n1n FR:5n5n11c2n GB:4a6n8n GE:2a16n GI:4a15c " +
  "GL:4n9n1n GR:3n4n16c GT:4c20c HN:4a20n HR:7n10n HU:3n4n1n15n1n IE:4a6n8n IL:3n3n13n IQ:4a3n12n IS:4n2n6n10n " +
  "IT:1a5n5n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c LC:4a24c LI:5n12c LT:5n11n LU:3n13c LV:4a13c LY:3n3n15n " +
  "MC:5n5n11c2n MD:2c18c ME:3n13n2n MK:3n10c2n MN:4n12n MR:5n5n11n2n MT:4a5n18c MU:4a2n2n12n3n3a NI:4a20n NL:4a10n " +
  "NO:4n6n1n OM:3n16c PK:4a16c PL:8n16n PS:4a21c PT:4n4n11n2n QA:4a21c RO:4a16c RS:3n13n2n RU:9n5n15c SA:2n18c " +
  "SC:4a2n2n16n3a SD:2n12n SE:3n16n1n SI:5n8n2n SK:4n6n10n SM:1a5n5n12c SO:4n3n12n ST:4n4n11n2n SV:4a20n TL:3n14n2n " +
  "TN:2n3n13n2n TR:5n1n16c UA:6n19c VA:3n15n VG:4a16n XK:4n10n2n YE:4a4n18c";
const CLASSES = { n: "[0-9]", a: "[A-Z]", c: "[A-Z0-9]" };
const STRUCTURES = new Map(COUNTRIES.split(" ").map((entry) => {
  const [country, structure] = entry.split(":");
  const parts = structure.replace(/([0-9]+)([nac])/g, (_all, count, kind) => `${CLASSES[kind]}{${count}}`);
  return [country, new RegExp(`^${parts}$`)];
}));

const base58check = createBase58check(sha256);
const BASE58_BYTES = 21; // a version and a hash of 20
const LAST_WITNESS_VERSION = 16;

// `isLuhn` tells card numbers, which are always refused.
export const canonicalPayment = (plain, isLuhn) => {
  const digits = plain.replace(/[^\p{L}\p{N}]/gu, "");
  if (/^[0-9]{13,19}$/.test(digits) && isLuhn(digits)) throw new Refused("card_number");
  const bare = plain.replace(/^(?:iban|bitcoin)[\s:]*/iu, "");
  const account = bare.replace(/[\s.-]/gu, "").toUpperCase();
  if (isIban(account)) return `iban:${account}`;
  const address = bare.startsWith("BC1") && bare === bare.toUpperCase() ? bare.toLowerCase() : bare;
  if (isBitcoin(address)) return `btc:${address}`;
  throw new Refused("not_a_payment_account");
};

const isIban = (account) => {
  if (!/^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/.test(account)) return false;
  const moved = account.slice(4) + account.slice(0, 4);
  const number = moved.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return BigInt(number) % 97n === 1n && (STRUCTURES.get(account.slice(0, 2))?.test(account.slice(4)) ?? false);
};

const isBitcoin = (address) => {
  try {
    if (/^[13][1-9A-HJ-NP-Za-km-z]{25,34}$/.test(address)) return base58check.decode(address).length === BASE58_BYTES;
    const found = /^bc1([02-9ac-hj-np-z])[02-9ac-hj-np-z]{10,86}$/.exec(address);
    if (!found) return false;
    // Version 0, whose letter is q, has the older checksum (BIP 173), later ones the newer (BIP 350).
    const form = found[1] === "q" ? bech32 : bech32m;
    const [version, ...words] = form.decode(address).words;
    const size = form.fromWords(words).length;
    return version === 0 ? size === 20 || size === 32 : version <= LAST_WITNESS_VERSION && size >= 2 && size <= 40;
  } catch {
    return false;
  }
};
