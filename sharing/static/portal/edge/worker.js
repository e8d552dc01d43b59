// The one place where files are read and identifiers become tokens. Nothing leaves it but hashes, blinded elements and
// tokens: its content policy, which hub/edge.py sends with this file, lets it make no request but for its own scripts.
import { digests } from "./digests.js";
import { canonical } from "./identifiers.js";
import { pictureHash } from "./pictures.js";
import { blind, elementOf, finalised } from "./tokens.js";

const MOST_BYTES = 1024 ** 3;
// What was blinded, by the number of its request, until it is finalised.
const waiting = new Map();

const tasks = {
  // { file } -> { sha256, md5, pdq?: { hash, quality } }
  async hash({ file }, progress) {
    if (file.size === 0) throw Object.assign(new Error(), { code: "empty_file" });
    if (file.size > MOST_BYTES) throw Object.assign(new Error(), { code: "too_many_bytes" });
    const pdq = await pictureHash(file);
    return { ...(await digests(file, progress)), ...(pdq && { pdq }) };
  },

  // { items: [{ type, value, platform }] } -> for each its canonical form is right, or the code of its refusal
  async check({ items }) {
    return Promise.all(items.map(async (item) => {
      try {
        await canonical(item.type, item.value, item.platform);
        return null;
      } catch (error) {
        if (!error.code) throw error;
        return error.code;
      }
    }));
  },

  // { items } -> { elements, handle }
  async blind({ items }, _progress, handle) {
    const sent = [];
    for (const { type, value, platform } of items) sent.push(blind(type, await canonical(type, value, platform)));
    waiting.set(handle, sent);
    return { elements: sent.map(elementOf), handle };
  },

  // { handle, elements, proof, publicKey } -> tokens
  finalise({ handle, elements, proof, publicKey }) {
    const sent = waiting.get(handle);
    waiting.delete(handle);
    return finalised(sent, elements, proof, publicKey);
  },
};

self.addEventListener("message", async ({ data: { id, task, ...about } }) => {
  try {
    const done = await tasks[task](about, (bytes) => self.postMessage({ id, bytes }), id);
    self.postMessage({ id, done });
  } catch (error) {
    // The code alone: the text of an unforeseen error might repeat what it was about.
    self.postMessage({ id, failed: error.code && typeof error.code === "string" ? error.code : "failed" });
  }
});
