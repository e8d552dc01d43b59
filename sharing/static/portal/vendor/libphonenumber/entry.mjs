// What the pages use of this package. See ../VENDORED.md for how libphonenumber.js is made of it.
import library from "google-libphonenumber";
export const { PhoneNumberUtil, PhoneNumberFormat } = library;
