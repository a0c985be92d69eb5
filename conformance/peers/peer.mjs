// A holder and waiter in Node: `node peer.mjs KIND PATH COUNTER`. What it is told
// and answers is in peers.py.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

const [kind, path, counter] = process.argv.slice(2);

/** Each takes the lock, or gives undefined if it is held and was only to be tried. */
const kinds = {
  async untorn(once) {
    const { FileLock } = await import("untorn");
    try {
      const lock = await FileLock.acquire(path, once ? { timeout: 0 } : {});
      return () => lock.release();
    } catch (error) {
      if (once && error.code === "UNTORN_LOCKED") return undefined;
      throw error;
    }
  },
  // Its lock is a directory `PATH.lock`.
  async "proper-lockfile"(once) {
    const { default: lockfile } = await import("proper-lockfile");
    try {
      return await lockfile.lock(path, { retries: once ? 0 : { forever: true, minTimeout: 1, maxTimeout: 5 } });
    } catch (error) {
      if (once && error.code === "ELOCKED") return undefined;
      throw error;
    }
  },
};

/** Not atomic by itself: one that is done in between is lost. */
function addOne() {
  const next = Number(readFileSync(counter, "utf8")) + 1;
  const file = openSync(counter, "r+");
  writeSync(file, String(next), 0);
  closeSync(file);
}

const say = (word) => process.stdout.write(`${word}\n`);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
for (;;) {
  const { value: line, done } = await input.next();
  if (done) break;
  const [word, times] = line.split(" ");
  if (word === "count") {
    for (let i = 0; i < Number(times); i++) {
      const release = await kinds[kind](false);
      addOne();
      await release();
    }
    say("counted");
    continue;
  }
  try {
    const release = await kinds[kind](word === "try");
    if (release === undefined) {
      say("busy");
      continue;
    }
    say("locked");
    await input.next();
    await release();
    say("unlocked");
  } catch (error) {
    say(`error ${error.code}`);
  }
}
