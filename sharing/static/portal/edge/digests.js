// SHA-256 and MD5 of a file in one reading, in pieces: a file of any size needs little memory. The browser's own
// SHA-256 wants the whole file at once, and a page that came over HTTPS.
import { bytesToHex, md5, sha256 } from "../vendor/noble/noble.js";

const PIECE = 4 * 1024 * 1024;

// `progress` is told how many bytes were read.
export const digests = async (file, progress) => {
  const sums = { sha256: sha256.create(), md5: md5.create() };
  for (let start = 0; start < file.size; start += PIECE) {
    const piece = new Uint8Array(await file.slice(start, start + PIECE).arrayBuffer());
    for (const sum of Object.values(sums)) sum.update(piece);
    progress(Math.min(start + PIECE, file.size));
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, bytesToHex(sum.digest())]));
};
