import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { Document, FileLock, Journal } from 'untorn'
import { file, foreignLock, isPending, lines } from './support.mjs'

const process_ = { durability: 'process' }

test('a lock: held, known, let go', async (t) => {
  const name = file(t)
  const lock = await FileLock.acquire(name, { label: 'nightly' })
  assert.deepEqual([lock.path, lock.lockPath, lock.shared, lock.held], [name, `${name}.lock`, false, true])
  const holder = await FileLock.holder(name)
  assert.deepEqual([holder.pid, holder.label, holder.alive], [process.pid, 'nightly', 'alive'])
  assert.deepEqual(FileLock.holderSync(name), holder)
  await assert.rejects(FileLock.acquire(name, { timeout: 0 }), (error) => {
    assert.equal(error.name, 'LockedError')
    assert.deepEqual(error.holder, holder)
    assert.match(error.message, /nightly/)
    return true
  })
  await lock.release()
  await lock.release()
  lock.releaseSync()
  assert.equal(lock.held, false)
  assert.equal(await FileLock.holder(name), null)
  FileLock.acquireSync(name, { timeout: 0 }).releaseSync()
})

test('waiters get it one after another, in order', async (t) => {
  const name = file(t)
  const first = await FileLock.acquire(name)
  const order = []
  const waiting = Array.from({ length: 10 }, async (_, n) => {
    const lock = await FileLock.acquire(name)
    order.push(n)
    await lock.release()
  })
  assert.ok(await isPending(waiting[0]))
  await first.release()
  await Promise.all(waiting)
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('shared locks', async (t) => {
  const name = file(t)
  const readers = await Promise.all([1, 2, 3].map(() => FileLock.acquire(name, { shared: true })))
  readers.push(FileLock.acquireSync(name, { shared: true, timeout: 0 }))
  assert.ok(readers.every(({ shared }) => shared))
  const writer = FileLock.acquire(name)
  assert.ok(await isPending(writer))
  for (const reader of readers) await reader.release()
  await (await writer).release()
})

test('a timeout names the holder', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  for (const acquire of [
    () => FileLock.acquire(name, { timeout: 20 }),
    async () => FileLock.acquireSync(name, { timeout: 20 }),
  ]) {
    await assert.rejects(acquire, (error) => {
      assert.equal(error.name, 'LockTimeoutError')
      assert.equal(error.code, 'UNTORN_LOCK_TIMEOUT')
      assert.equal(error.operation, 'lock')
      assert.equal(error.holder.pid, foreign.pid)
      return true
    })
  }
})

test('an append waits for the lock, or is refused in time, each by itself', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const foreign = await foreignLock(t, `${name}.lock`)
  const forEver = journal.append('for ever')
  const limited = await Promise.allSettled([1, 2, 3].map((n) => journal.append(n, { timeout: 20 })))
  for (const { reason } of limited) {
    assert.equal(reason?.code, 'UNTORN_LOCK_TIMEOUT')
    assert.equal(reason.operation, 'append')
    assert.equal(reason.holder.pid, foreign.pid)
  }
  assert.ok(await isPending(forEver))
  const impatient = await Journal.open(name, { ...process_, timeout: 20 })
  await assert.rejects(impatient.append(4), { code: 'UNTORN_LOCK_TIMEOUT' })
  assert.throws(() => impatient.appendSync(4), { code: 'UNTORN_LOCK_TIMEOUT' })
  assert.throws(() => impatient.appendRawSync(Buffer.from('4')), { code: 'UNTORN_LOCK_TIMEOUT' })
  await assert.rejects(impatient.append(4, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  await foreign.release()
  await forEver
  assert.deepEqual(lines(name), ['for ever'])
})

test('a blocking call on a lock that this event loop holds is a deadlock', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  for (const acquire of [() => FileLock.acquire(name), () => FileLock.acquireSync(name)]) {
    const lock = await acquire()
    assert.throws(() => FileLock.acquireSync(name), { name: 'DeadlockError', code: 'UNTORN_DEADLOCK' })
    assert.throws(() => journal.appendSync(1), { code: 'UNTORN_DEADLOCK', operation: 'append' })
    const queued = journal.append('queued')
    assert.ok(await isPending(queued))
    // Also while an asynchronous one waits.
    assert.throws(() => journal.appendSync(1), { code: 'UNTORN_DEADLOCK' })
    await lock.release()
    await queued
  }
  assert.deepEqual(lines(name), ['queued', 'queued'])
})

test('verbs under a lock that is held', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const lock = await FileLock.acquire(name)
  const waiting = journal.append('after')
  await journal.append(1, { lock })
  journal.appendSync(2, { lock })
  const calls = [journal.append(3, { lock }), journal.appendAll([4, 5], { lock }), journal.appendRaw('6', { lock })]
  // Behind what was begun under it.
  await Promise.all([...calls, journal.repair({ lock }), lock.release()])
  await waiting
  assert.deepEqual(lines(name), [1, 2, 3, 4, 5, 6, 'after'])
  await assert.rejects(journal.append(7, { lock }), { code: 'UNTORN_INVALID_ARGUMENT' })

  const other = file(t)
  const document = await Document.open(other, process_)
  const exclusive = FileLock.acquireSync(other)
  const blocked = document.save('last')
  await document.save(1, { lock: exclusive })
  await document.update((n) => n + 1, { lock: exclusive })
  document.updateSync((n) => n + 1, { lock: exclusive })
  assert.equal(await document.load(), 3)
  await assert.rejects(journal.append(7, { lock: exclusive }), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(journal.append(7, { lock: {} }), { code: 'UNTORN_INVALID_ARGUMENT' })
  exclusive.releaseSync()
  await blocked
  assert.equal(await document.load(), 'last')
})

test('at locks exactly that file; a path of a lock file is refused', async (t) => {
  const name = file(t)
  await assert.rejects(FileLock.acquire(`${name}.lock`), { code: 'UNTORN_INVALID_ARGUMENT' })
  const lock = await FileLock.at(`${name}.lock`)
  assert.equal(lock.lockPath, `${name}.lock`)
  await assert.rejects(FileLock.acquire(name, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  assert.equal(fs.existsSync(`${name}.lock.lock`), false)
  lock.releaseSync()
  FileLock.atSync(`${name}.lock`, { timeout: 0 }).releaseSync()
})

