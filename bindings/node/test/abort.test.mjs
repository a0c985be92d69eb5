import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { getEventListeners } from 'node:events'
import { Document, FileLock, Journal, saveJson } from 'untorn'
import { file, foreignLock, isPending, lines } from './support.mjs'

const process_ = { durability: 'process' }
const reason = new Error('changed my mind')

/** Every kind of call that can wait, on the file `name`. */
async function waits(name) {
  const journal = await Journal.open(name, { ...process_, headerPrefix: '{"header"' })
  const document = await Document.open(name, process_)
  return {
    acquire: (options) => FileLock.acquire(name, options),
    acquireShared: (options) => FileLock.acquire(name, { ...options, shared: true }),
    at: (options) => FileLock.at(`${name}.lock`, options),
    append: (options) => journal.append(1, options),
    appendAll: (options) => journal.appendAll([1, 2], options),
    appendRaw: (options) => journal.appendRaw('1', options),
    repair: (options) => journal.repair(options),
    setHeader: (options) => journal.setHeader({ header: 1 }, options),
    rewind: (options) => journal.rewind({ generation: 0, offset: 0 }, options),
    rotate: (options) => journal.rotate(options),
    clear: (options) => journal.clear(options),
    replace: (options) => journal.replace([1], options),
    compact: (options) => journal.compact(() => [1], options),
    fold: (options) => journal.fold(() => 0, () => {}, options),
    save: (options) => document.save(1, options),
    create: (options) => document.create(1, options),
    update: (options) => document.update(() => 1, options),
    remove: (options) => document.remove(options),
    saveJson: (options) => saveJson(name, 1, options),
  }
}

test('already aborted: nothing is begun', async (t) => {
  const name = file(t)
  for (const [verb, call] of Object.entries(await waits(name))) {
    await assert.rejects(call({ signal: AbortSignal.abort(reason) }), (error) => error === reason, verb)
  }
  assert.equal(fs.existsSync(name), false)
  assert.equal(fs.existsSync(`${name}.lock`), false)
})

test('aborted while it waits, and while it is queued behind others that wait', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  for (const [verb, call] of Object.entries(await waits(name))) {
    const controllers = [1, 2, 3].map(() => new AbortController())
    const calls = controllers.map(({ signal }) => call({ signal }))
    const outcome = calls.map((promise) => promise.then(() => 'done', (error) => error))
    assert.ok(await isPending(calls[0]), verb)
    // The last first: those are in a queue. The first one waits in the kernel.
    for (const controller of controllers.reverse()) controller.abort(reason)
    assert.deepEqual(await Promise.all(outcome), [reason, reason, reason], verb)
    for (const { signal } of controllers) assert.equal(getEventListeners(signal, 'abort').length, 0)
  }
  // Whoever was cancelled holds nothing now, nor later.
  await foreign.release()
  ;(await FileLock.acquire(name)).releaseSync()
  assert.equal(fs.existsSync(name), false)
})

test('one that is cancelled does not take the others along', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const lock = await FileLock.acquire(name)
  const controller = new AbortController()
  const calls = [0, 1, 2, 3, 4, 5].map((n) => journal.append(n, n % 2 === 0 ? { signal: controller.signal } : undefined))
  const outcomes = Promise.allSettled(calls)
  assert.ok(await isPending(calls[0]))
  controller.abort(reason)
  await lock.release()
  const results = await outcomes
  assert.deepEqual(results.map(({ status }) => status), ['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
  assert.ok(results.every((result) => result.status === 'fulfilled' || result.reason === reason))
  assert.deepEqual(lines(name), [1, 3, 5])
})

test('a signal that is never used, or used too late, leaves no listener and no harm', async (t) => {
  const name = file(t)
  const controller = new AbortController()
  const { signal } = controller
  const journal = await Journal.open(name, process_)
  await Promise.all([1, 2, 3].map((n) => journal.append(n, { signal })))
  const lock = await FileLock.acquire(name, { signal })
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  controller.abort(reason)
  assert.equal(lock.held, true)
  await lock.release()
  assert.deepEqual(lines(name), [1, 2, 3])
})

test('AbortSignal.timeout and the default reason', async (t) => {
  const name = file(t)
  const lock = await FileLock.acquire(name)
  await assert.rejects(FileLock.acquire(name, { signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' })
  const controller = new AbortController()
  const call = FileLock.acquire(name, { signal: controller.signal })
  controller.abort()
  await assert.rejects(call, { name: 'AbortError' })
  await lock.release()
})

test('a storm of cancelled calls leaves the lock free', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  let appended = 0
  for (let round = 0; round < 200; round += 1) {
    const controllers = Array.from({ length: 6 }, () => new AbortController())
    const calls = controllers.map(async ({ signal }, n) => {
      if (n % 2 === 0) {
        await journal.append(round, { signal })
        appended += 1
      } else {
        const lock = await FileLock.acquire(name, { signal })
        await new Promise((resolve) => setImmediate(resolve))
        await lock.release()
      }
    })
    const outcomes = Promise.allSettled(calls)
    if (round % 3 !== 0) await new Promise((resolve) => setImmediate(resolve))
    controllers.forEach((controller, n) => n !== round % 6 && controller.abort(reason))
    for (const outcome of await outcomes) assert.ok(outcome.status === 'fulfilled' || outcome.reason === reason, outcome.reason)
  }
  ;(await FileLock.acquire(name)).releaseSync()
  // What was acknowledged is there; what was cancelled is not.
  assert.equal(fs.existsSync(name) ? lines(name).length : 0, appended)
})
