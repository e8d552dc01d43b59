// Tokens of identifiers that the hub does not learn: RFC 9497, ristretto255-SHA512, mode VOPRF (sharing/oprf).
import { bytesToHex, hexToBytes, ristretto255_oprf as suites } from "../vendor/noble/noble.js";
import { Refused } from "./texts.js";

const TOKEN_BYTES = 32;

// What stays here of an identifier (input, blind, blinded), and of that only `blinded` is sent, in hexadecimal digits.
export const blind = (type, canonical) => {
  const input = new TextEncoder().encode(`${type}\0${canonical}`);
  return { input, ...suites.voprf.blind(input) };
};

export const elementOf = (one) => bytesToHex(one.blinded);

// The tokens, after the proof was checked that the hub evaluated all of them under this public key. Throws Refused.
export const finalised = (sent, elements, proof, publicKey) => {
  if (elements.length !== sent.length) throw new Refused("wrong_proof");
  let outputs;
  try {
    const items = sent.map((one, place) => ({ ...one, evaluated: hexToBytes(elements[place]) }));
    outputs = suites.voprf.finalizeBatch(items, hexToBytes(publicKey), hexToBytes(proof));
  } catch {
    throw new Refused("wrong_proof");
  }
  return outputs.map((output) => bytesToHex(output.subarray(0, TOKEN_BYTES)));
};
