// Between the page, its worker and the hub: carries files and identifiers to the worker, and from there nothing but
// hashes, blinded elements and tokens on to the hub.

export class Failure extends Error {
  // `code` of a refusal, or a `sentence` of the hub's.
  constructor({ code = "", sentence = "" }) {
    super(code || sentence);
    Object.assign(this, { code, sentence });
  }
}

// --- The worker ---
export class Helper {
  constructor(url) {
    this.calls = new Map();
    this.last = 0;
    this.worker = new Worker(url, { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.answered(data));
    // A module that does not load or can't run here: nobody waits for it in vain.
    this.worker.addEventListener("error", () => {
      this.isBroken = true;
      for (const call of this.calls.values()) call.reject(new Failure({ code: "failed" }));
      this.calls.clear();
    });
  }

  call(task, about, progress = () => {}) {
    if (this.isBroken) return Promise.reject(new Failure({ code: "failed" }));
    const id = (this.last += 1);
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject, progress });
      this.worker.postMessage({ id, task, ...about });
    });
  }

  answered({ id, bytes, done, failed }) {
    const call = this.calls.get(id);
    if (!call) return;
    if (bytes !== undefined) {
      call.progress(bytes);
      return;
    }
    this.calls.delete(id);
    if (failed) call.reject(new Failure({ code: failed }));
    else call.resolve(done);
  }
}

// --- The hub ---
const asked = async (url, body) => {
  let answer;
  try {
    answer = await fetch(url, body ? { method: "POST", body } : {});
  } catch {
    throw new Failure({ code: "unreachable" });
  }
  // To who is not signed in any more, or has another form token by now, the hub answers with a page.
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
    throw new Failure({ code: answer.status >= 500 ? "unreachable" : "signed_out" });
  }
  const told = await answer.json();
  if (!answer.ok) throw new Failure({ sentence: told.message });
  return told;
};

// The live keys, the active one first. A key that this browser has seen under a name is the only one that it takes
// under that name: so a hub that gives one person another key than before is found out, though not at the first time.
const liveKeys = async (url) => {
  const { suite, mode, keys } = await asked(url);
  const live = keys.filter((key) => key.live).sort((one, other) => other.active - one.active);
  if (suite !== "ristretto255-SHA512" || mode !== "VOPRF" || !live[0]?.active) throw new Failure({ code: "no_key" });
  for (const key of live) {
    const name = `identifier-key:${key.key_id}`;
    const known = localStorage.getItem(name);
    if (known !== null && known !== key.public_key) throw new Failure({ code: "other_key" });
    localStorage.setItem(name, key.public_key);
  }
  return live;
};

// For each of `items` ({ type, value, platform }) its tokens, [{ key_id, token }]: one, or with `everyKey` one for each
// live key. None of them before the proof for all was right.
export const tokensOf = async (worker, items, { keys, evaluate, everyKey, csrf }) => {
  const live = await liveKeys(keys);
  const found = items.map(() => []);
  for (const key of everyKey ? live : live.slice(0, 1)) {
    const { elements, handle } = await worker.call("blind", { items });
    const body = new URLSearchParams({ csrfmiddlewaretoken: csrf, key_id: key.key_id });
    for (const element of elements) body.append("element", element);
    const told = await asked(evaluate, body);
    if (told.key_id !== key.key_id) throw new Failure({ code: "wrong_proof" });
    const answer = { handle, elements: told.elements, proof: told.proof, publicKey: key.public_key };
    const tokens = await worker.call("finalise", answer);
    tokens.forEach((token, place) => found[place].push({ key_id: key.key_id, token }));
  }
  return found;
};
