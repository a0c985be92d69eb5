// A function of the caller's runs while a lock is held for it. To await, in there, what waits for that lock would be to
// wait for ever.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory } from './support.mjs'

const process_ = { durability: 'process' }
const deadlock = { name: 'DeadlockError', code: 'UNTORN_DEADLOCK', message: /would wait for itself and never return/ }

async function scene(t) {
  const dir = directory(t)
  const name = path.join(dir, 'd.json')
  const document = await u.Document.open(name, process_)
  await document.save(1)
  return { dir, name, document }
}

test('awaiting a change of the same file inside of update is a deadlock, and nothing is changed', async (t) => {
  const { dir, name, document } = await scene(t)
  const other = await u.Document.open(name, process_)
  fs.symlinkSync(name, path.join(dir, 'link'))
  const calls = [
    () => document.save(2), () => document.create(2), () => document.remove(), () => document.update((value) => value),
    () => other.save(2), () => other.update((value) => value, { timeout: 60_000 }), () => u.saveJson(name, 2), () => u.saveJson(path.join(dir, 'link'), 2),
    () => u.FileLock.acquire(name), () => u.appendJson(name, 2), () => Promise.all([document.save(2), 3]),
    async () => { const saved = document.save(2); await saved },
    async () => { await new Promise((resolve) => setImmediate(resolve)); await other.save(2) },
    () => u.transaction(dir, (tx) => tx.load('d.json')), () => u.transaction(dir, (tx) => tx.save('d.json', 2)),
    async () => document.saveSync(2), async () => u.saveJsonSync(name, 2), async () => other.updateSync(() => 2),
  ]
  for (const call of calls) {
    await assert.rejects(document.update(async () => { await call(); return 3 }), deadlock, String(call))
    assert.equal(fs.readFileSync(name, 'utf8'), '1', String(call))
  }
  await assert.rejects(document.update(async () => { await document.save(2); return 3 }), /change the value instead of saving/)
  await document.save(4)
})

test('what is not awaited there, or tries once, or is of another file, goes on', async (t) => {
  const { dir, document } = await scene(t)
  let later
  await document.update(async () => {
    later = document.save(5)
    await assert.rejects(document.save(9, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
    await u.saveJson(path.join(dir, 'e.json'), 1, process_)
    assert.equal(await document.load(), 1)
    return 2
  })
  await later
  assert.equal(await document.load(), 5)
  let end
  let after
  await document.update(async () => {
    // Begun in there, and carried out when the update is over.
    after = new Promise((resolve) => { end = resolve }).then(async () => { await document.save(7) })
    return 6
  })
  end()
  await after
  assert.equal(await document.load(), 7)
})

test('under a lock that is held already it is none', async (t) => {
  const { name, document } = await scene(t)
  const lock = await u.FileLock.acquire(name)
  await document.update(async (value) => { await document.save(8, { lock }); return value + 1 }, { lock })
  await lock.release()
  assert.equal(await document.load(), 2)
})

test('in compact, fold and transaction too', async (t) => {
  const { dir, document } = await scene(t)
  const journal = await u.Journal.open(path.join(dir, 'j'), process_)
  await journal.append(1)
  const fold = await journal.fold(() => 0, (sum) => sum + 1)
  await assert.rejects(journal.compact(async function* (records) { yield* records; await journal.append(2) }), deadlock)
  await assert.rejects(journal.compact(async () => { await journal.replace([]); return [] }), deadlock)
  await assert.rejects(fold.update(async () => { await fold.append(2) }), deadlock)
  await assert.rejects(fold.update(async () => { await journal.appendAll([2]) }), deadlock)
  await assert.rejects(u.transaction(dir, async (tx) => { await tx.load('d.json'); await document.save(2) }), deadlock)
  await assert.rejects(u.transaction(dir, async () => { await u.transaction(dir, () => {}) }), deadlock)
  await assert.rejects(u.transaction(dir, async () => { await u.snapshot(dir) }), deadlock)
  // What a transaction does not have it does not keep from others.
  await u.transaction(dir, async (tx) => { await document.save(3); await tx.load('j') })
  assert.deepEqual([await journal.read(), fold.state, await document.load()], [[1], 1, 3])
})
