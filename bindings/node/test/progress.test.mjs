// Long calls say how far they are, and can be aborted on the way.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory, file, program, ended } from './support.mjs'

const process_ = { durability: 'process' }
const invalid = { code: 'UNTORN_INVALID_ARGUMENT' }

/** Reports that only grow, and end with all of it. */
function assertProgress(reports, total) {
  assert.ok(reports.length > 0)
  for (let i = 1; i < reports.length; i += 1) assert.ok(reports[i - 1].done <= reports[i].done)
  assert.deepEqual(reports.at(-1), { done: total, total })
}

async function filled(name, count = 50) {
  const journal = await u.Journal.open(name, process_)
  await journal.appendAll(Array.from({ length: count }, (_, n) => ({ n, text: 'x'.repeat(10_000) })))
  return journal
}

test('verify, repair and replace report how far they are, and all of it before they resolve', async (t) => {
  const name = file(t)
  const journal = await filled(name)
  const { size } = fs.statSync(name)
  const calls = {
    verify: (options) => journal.verify(options),
    repair: (options) => journal.repair(options),
  }
  for (const [what, call] of Object.entries(calls)) {
    const reports = []
    assert.equal((await call({ onProgress: (progress) => reports.push(progress) })).records, 50, what)
    assertProgress(reports, size)
  }
  const lock = await u.FileLock.acquire(name)
  const under = []
  await journal.repair({ lock, onProgress: (progress) => under.push(progress) })
  assertProgress(under, size)
  await lock.release()
  const reports = []
  const end = await journal.replace(['a', 'b'], { onProgress: (progress) => reports.push(progress) })
  assertProgress(reports, end.offset)
})

test('compact reports each chunk of records that was read', async (t) => {
  const name = file(t)
  const journal = await filled(name, 200)
  const { size } = fs.statSync(name)
  const reports = []
  await journal.compact((records) => records, { onProgress: (progress) => reports.push(progress) })
  assert.ok(reports.length > 2, `${reports.length} reports`)
  assertProgress(reports, size)
})

test('a search too', async (t) => {
  const store = await u.Store.open(path.join(directory(t), 's'), process_)
  const journal = await store.session('a').journal()
  const end = await journal.append({ text: 'needle' })
  const reports = []
  assert.equal((await store.search('needle', { onProgress: (progress) => reports.push(progress) })).length, 1)
  assertProgress(reports, end.offset)
})

test('verify is aborted by its signal', async (t) => {
  const journal = await filled(file(t), 1_000)
  const reason = new Error('enough')
  await assert.rejects(journal.verify({ signal: AbortSignal.abort(reason) }), (error) => error === reason)
  const controller = new AbortController()
  // Other checks keep the threads busy, so this one can't be over before it is aborted.
  const others = Array.from({ length: 64 }, () => journal.verify())
  const aborted = journal.verify({ signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(aborted, (error) => error === reason)
  await Promise.all(others)
})

test('a blocking call has no progress to report, and says so', async (t) => {
  const journal = await filled(file(t))
  const store = await u.Store.open(directory(t))
  const onProgress = () => {}
  for (const call of [
    () => journal.verifySync({ onProgress }), () => journal.repairSync({ onProgress }), () => journal.replaceSync([1], { onProgress }),
    () => journal.compactSync((records) => records, { onProgress }), () => store.searchSync('x', { onProgress }),
  ]) assert.throws(call, { ...invalid, message: /onProgress is for the asynchronous call/ })
  await assert.rejects(journal.verify({ onProgress: 5 }), { ...invalid, message: /onProgress must be a function, not 5/ })
  await assert.rejects(journal.append(1, { onProgress }), { ...invalid, message: /unknown option onProgress/ })
})

test('a function that throws is uncaught, and the call goes on', async (t) => {
  const name = file(t)
  await filled(name)
  const child = program(
    `import { Journal } from 'untorn'
     process.on('uncaughtException', ({ message }) => console.log(message))
     const journal = await Journal.open(process.argv[1])
     const { records } = await journal.verify({ onProgress() { throw new Error('of the function') } })
     console.log(records)`,
    name,
  )
  child.stdout.setEncoding('utf8')
  let told = ''
  child.stdout.on('data', (data) => { told += data })
  assert.equal(await ended(child), 0)
  assert.match(told, /^(of the function\n)+50\n$|^50\n(of the function\n)+$/)
})
