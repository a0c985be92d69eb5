// A live holder robbed: proper-lockfile tells by its age whether a lock is alive.
//
//     node stale_takeover.mjs
//
// A holder works for longer than the staleness limit without giving its event loop a
// turn, as a long computation, a sleeping laptop or SIGSTOP does (the limit is 10 s
// unless set; here it is the least there can be, 2 s). Then the same with untorn.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import lockfile from "proper-lockfile";
import { FileLock } from "untorn";

const STALE = 2000;

/** The holder's critical section, in a process of its own. */
async function hold(kind, path) {
  const release =
    kind === "untorn"
      ? await FileLock.acquire(path)
      : await lockfile.lock(path, { stale: STALE, onCompromised: () => console.log("compromised") });
  console.log("in");
  const end = Date.now() + STALE * 2;
  while (Date.now() < end) {
    // At work.
  }
  writeFileSync(`${path}.out`, "");
  if (kind === "untorn") release.release();
}

async function show(kind, path, acquire) {
  const holder = spawn(process.execPath, [fileURLToPath(import.meta.url), kind, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(holder, "exit");
  await once(createInterface({ input: holder.stdout }), "line");
  const began = Date.now();
  const release = await acquire();
  const robbed = !existsSync(`${path}.out`);
  console.log(
    `${kind}: acquired after ${((Date.now() - began) / 1000).toFixed(1)} s, ` +
      (robbed ? "WHILE THE HOLDER IS AT WORK" : "when the holder had let go"),
  );
  await ended;
  // With proper-lockfile the robbed holder may have taken it away as it ended.
  await release().catch(() => {});
  return robbed;
}

if (process.argv.length > 2) {
  await hold(process.argv[2], process.argv[3]);
  process.exit();
}
const directory = mkdtempSync(join(tmpdir(), "locks-"));
try {
  const theirs = join(directory, "theirs");
  writeFileSync(theirs, "");
  const robbed = await show("proper-lockfile", theirs, () =>
    lockfile.lock(theirs, { stale: STALE, retries: { forever: true, minTimeout: 100, maxTimeout: 100 } }),
  );
  const ours = join(directory, "ours");
  const alsoRobbed = await show("untorn", ours, async () => {
    const lock = await FileLock.acquire(ours);
    return async () => lock.release();
  });
  if (!robbed || alsoRobbed) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}
