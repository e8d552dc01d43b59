// Phone numbers in E.164 form, by the library whose Python port the hub uses.
import { PhoneNumberFormat, PhoneNumberUtil } from "../vendor/libphonenumber/libphonenumber.js";

const library = PhoneNumberUtil.getInstance();

// The number, or null when its country's numbering does not allow so many digits.
export const canonicalPhone = (text) => {
  let number;
  try {
    number = library.parse(text);
  } catch {
    return null;
  }
  const verdict = library.isPossibleNumberWithReason(number);
  if (verdict !== PhoneNumberUtil.ValidationResult.IS_POSSIBLE) return null;
  return library.format(number, PhoneNumberFormat.E164);
};
