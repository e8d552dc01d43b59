// What the pages use of these packages. See ../VENDORED.md for how noble.js is made of it.
export { ristretto255_oprf } from "@noble/curves/ed25519.js";
export { sha256 } from "@noble/hashes/sha2.js";
export { md5 } from "@noble/hashes/legacy.js";
export { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
export { bech32, bech32m, createBase58check } from "@scure/base";
export { decode as decodePunycode } from "punycode/punycode.es6.js";
