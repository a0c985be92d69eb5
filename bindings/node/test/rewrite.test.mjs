import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { FileLock, Journal } from 'untorn'
import { directory, file, isPending, lines } from './support.mjs'

const process_ = { durability: 'process' }

test('rewind, rotate, replace: promises and blocking', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'j.jsonl')
  const journal = await Journal.open(name, process_)
  const one = await journal.append(1)
  await journal.appendAll([2, 3])
  assert.equal(await journal.rewind(one), path.join(dir, 'j_1.jsonl'))
  assert.deepEqual([lines(name), lines(path.join(dir, 'j_1.jsonl'))], [[1], [1, 2, 3]])
  assert.equal(await journal.rewind(await journal.end()), null)
  const position = await journal.end()
  await assert.rejects(journal.rewind(one), { code: 'UNTORN_CONFLICT', position })
  assert.equal(await journal.rotate(), path.join(dir, 'j_2.jsonl'))
  assert.equal(await journal.rotate(), null)
  assert.deepEqual(await journal.replace(new Set([4, 5])), await journal.end())
  assert.deepEqual(await journal.read(), [4, 5])
  assert.equal(journal.rewindSync({ generation: 0, offset: 0 }), path.join(dir, 'j_3.jsonl'))
  assert.equal(journal.rotateSync(), null)
  assert.deepEqual(journal.replaceSync([6]), journal.endSync())
  assert.equal(journal.rotateSync(), path.join(dir, 'j_4.jsonl'))
  await assert.rejects(journal.rewind({ generation: 1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(journal.replace([1, undefined]), { code: 'UNTORN_INVALID_RECORD' })
  assert.throws(() => journal.replaceSync([1, undefined]), { code: 'UNTORN_INVALID_RECORD' })
})

test('rotation by size and count', async (t) => {
  const dir = directory(t)
  const journal = await Journal.open(path.join(dir, 'e.jsonl'), { ...process_, maxBytes: 3, keep: 1 })
  for (const n of [10, 20, 30, 40, 50]) await journal.append(n)
  assert.deepEqual(fs.readdirSync(dir).sort(), ['e.jsonl', 'e.jsonl.lock', 'e.jsonl.rotated', 'e_2.jsonl'])
  assert.deepEqual(await journal.read(), [50])
})

test('compact: generators, async generators, arrays, promises of them', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const all = Array.from({ length: 5000 }, (_, n) => ({ n, text: 'x'.repeat(n % 50) }))
  await journal.appendAll(all)
  const end = await journal.compact(async function* (records) {
    for await (const record of records) if (record.n % 2 === 0) yield record
  })
  assert.deepEqual(end, await journal.end())
  assert.deepEqual(await journal.read(), all.filter(({ n }) => n % 2 === 0))
  await journal.compact(async (records) => {
    const found = []
    for await (const record of records) found.push(record)
    return found.slice(-3)
  })
  assert.deepEqual((await journal.read()).map(({ n }) => n), [4994, 4996, 4998])
  await journal.compact(function* () { yield* all })
  assert.equal((await journal.read()).length, 5000)
  journal.compactSync(function* (records) {
    for (const record of records) if (record.n < 2000) yield record
  })
  assert.equal(journal.readSync().length, 2000)
  assert.deepEqual(journal.compactSync(() => [{ n: 0 }]), journal.endSync())
  assert.deepEqual(journal.readSync(), [{ n: 0 }])
})

test('compact: whatever the function does, all or nothing, and the lock is free', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  await journal.appendAll([1, 2, 3])
  const before = fs.readFileSync(name)
  const own = new Error('mine')
  const bad = [
    () => { throw own },
    async () => { throw own },
    async function* (records) { for await (const record of records) { if (record === 3) throw own; yield record } },
  ]
  for (const keep of bad) await assert.rejects(journal.compact(keep), (error) => error === own)
  assert.throws(() => journal.compactSync(() => { throw own }), (error) => error === own)
  for (const keep of [() => undefined, () => 'text', () => 7]) {
    await assert.rejects(journal.compact(keep), { code: 'UNTORN_INVALID_ARGUMENT' })
  }
  assert.throws(() => journal.compactSync(async () => []), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(journal.compact(7), { code: 'UNTORN_INVALID_ARGUMENT' })
  for (const value of [undefined, 1n]) {
    await assert.rejects(journal.compact(() => [1, value]), { code: 'UNTORN_INVALID_RECORD' })
    assert.throws(() => journal.compactSync(() => [1, value]), { code: 'UNTORN_INVALID_RECORD' })
  }
  assert.deepEqual(fs.readFileSync(name), before)
  assert.deepEqual(fs.readdirSync(path.dirname(name)).sort(), ['f', 'f.lock'])
  FileLock.acquireSync(name, { timeout: 0 }).releaseSync()
  const raw = await Journal.open(name, { ...process_, stringify: (value) => value })
  await assert.rejects(raw.compact(() => ['[1]', '[1']), { code: 'UNTORN_INVALID_RECORD' })
  assert.deepEqual(fs.readFileSync(name), before)
})

test('while a journal is compacted others wait, and lose nothing', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const other = await Journal.open(name, process_)
  await journal.appendAll([1, 2])
  let waiting
  await journal.compact(async function* (records) {
    waiting = [other.append(3), journal.append(4), other.rotate({ timeout: 0 }).catch(({ code }) => code)]
    assert.throws(() => journal.appendSync(5), { code: 'UNTORN_DEADLOCK' })
    assert.ok(await isPending(waiting[0]))
    yield* records
  })
  assert.equal((await Promise.all(waiting))[2], 'UNTORN_LOCKED')
  assert.deepEqual((await journal.read()).sort(), [1, 2, 3, 4])
})

test('compact under a lock that is held already', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  await journal.appendAll([1, 2])
  const lock = await FileLock.acquire(name)
  await journal.compact(async function* (records) { yield* records; yield 3 }, { lock })
  journal.compactSync((records) => [...records, 4], { lock })
  assert.equal(lock.held, true)
  await lock.release()
  assert.deepEqual(await journal.read(), [1, 2, 3, 4])
})

test('a compaction that is aborted in the middle changes nothing', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  await journal.appendAll([1, 2])
  const before = fs.readFileSync(name)
  const controller = new AbortController()
  const reason = new Error('changed my mind')
  const compacted = journal.compact(
    async function* (records) {
      yield* records
      controller.abort(reason)
      yield 3
    },
    { signal: controller.signal },
  )
  await assert.rejects(compacted, (error) => error === reason)
  assert.deepEqual(fs.readFileSync(name), before)
  await journal.append(3, { timeout: 0 })
})
