// What the tests share. They find `untorn` as any program does: in the project
// that they run in.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** An own directory, removed after the test. */
export function directory(t) {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'untorn-')))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A path in an own directory. */
export const file = (t, name = 'f') => path.join(directory(t), name)

/** Another Node process that runs `source`, an ES module; `process.argv` has `args` from 1 on. */
export function program(source, ...args) {
  return spawn(process.execPath, ['--input-type=module', '--eval', source, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** Waits for a process to end; gives its exit code, or the signal. */
export async function ended(child) {
  const [code, signal] = child.exitCode === null && child.signalCode === null ? await once(child, 'exit') : [child.exitCode, child.signalCode]
  return signal ?? code
}

/** A process without this library that holds the lock file. */
export async function foreignLock(t, lockPath) {
  const child = spawn('flock', [lockPath, 'sh', '-c', 'echo; read -r _'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const release = async () => {
    child.stdin.end()
    await ended(child)
  }
  t.after(release)
  return { pid: child.pid, release }
}

/** The lines of a file as values, read by nothing of this library. */
export function lines(name) {
  const text = fs.readFileSync(name, 'utf8')
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
}

/** Whether a promise is settled after all that could settle it by itself has run. */
export async function isPending(promise) {
  const pending = Symbol('pending')
  await new Promise((resolve) => setImmediate(resolve))
  return (await Promise.race([promise.then(() => 0, () => 0), Promise.resolve(pending)])) === pending
}
