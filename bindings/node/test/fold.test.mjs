import assert from 'node:assert/strict'
import test from 'node:test'
import { FileLock, Journal } from 'untorn'
import { ended, file, foreignLock, isPending, program } from './support.mjs'

const process_ = { durability: 'process' }
const sum = (journal, options) => journal.fold(() => 0, (total, n) => total + n, options)
const reason = new Error('changed my mind')

test('a state: what is there, what is appended, by whomever', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  await journal.appendAll([1, 2])
  const total = await sum(journal)
  assert.equal(total.state, 3)
  assert.deepEqual(await total.append(10), await journal.end())
  assert.equal(total.state, 13)
  await journal.append(100)
  assert.equal(total.state, 13)
  assert.deepEqual(await total.refresh(), await journal.end())
  assert.deepEqual(total.position, await journal.end())
  assert.equal(total.state, 113)
  assert.deepEqual(total.appendAllSync([1, 1]), journal.endSync())
  journal.appendSync(5)
  assert.deepEqual(total.refreshSync(), journal.endSync())
  assert.equal(total.state, 120)
  assert.deepEqual(total.appendSync(1), total.refreshSync())
  await total.appendAll([])
  assert.equal(journal.foldSync(() => 0, (all, n) => all + n).state, 121)
})

test('one that apply changes in place, and makes anew after a rewind and a rotation', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const one = await journal.append('a')
  const fold = await journal.fold(() => [], (list, value) => { list.push(value) })
  await fold.append('b')
  assert.deepEqual(fold.state, ['a', 'b'])
  await journal.rewind(one)
  await fold.append('c')
  assert.deepEqual(fold.state, ['a', 'c'])
  await journal.rotate()
  await fold.refresh()
  assert.deepEqual(fold.state, [])
})

test('update decides on the whole state, whoever appends', async (t) => {
  const name = file(t)
  const source = `import { Journal } from 'untorn'
    const journal = await Journal.open(process.argv[1], { durability: 'process' })
    const total = await journal.fold(() => 0, (sum, n) => sum + n)
    const once = () => total.update(async (sum) => (sum < 100 ? [1] : null))
    for (let round = 0; round < 25; round += 1) await Promise.all([once(), once(), once(), once()])
    // Its own hundred would do.
    if (total.state !== 100) process.exit(3)`
  const others = [program(source, name), program(source, name)]
  assert.deepEqual(await Promise.all(others.map(ended)), [0, 0])
  const journal = await Journal.open(name, process_)
  assert.equal((await journal.read()).length, 100)
  const total = await sum(journal)
  total.updateSync((now) => [now])
  assert.equal(total.state, 200)
  assert.throws(() => total.updateSync(async () => [1]), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(total.update(7), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(total.update(() => { throw reason }), (error) => error === reason)
  assert.throws(() => total.updateSync(() => { throw reason }), (error) => error === reason)
  await assert.rejects(total.update(() => [1, undefined]), { code: 'UNTORN_INVALID_RECORD' })
  // Nothing of that was appended, and the state is still right.
  assert.deepEqual([total.state, (await journal.read()).length], [200, 101])
})

test('state and file do not part, whatever promises do at once', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const other = await Journal.open(name, process_)
  const fold = await journal.fold(() => [], (list, n) => { list.push(n) })
  const pending = []
  for (let n = 0; n < 200; n += 1) {
    const what = n % 5
    if (what === 0) pending.push(fold.append(n))
    else if (what === 1) pending.push(other.append(n))
    else if (what === 2) pending.push(fold.update((list) => [list.length]))
    else if (what === 3) pending.push(fold.refresh())
    else if (n % 25 === 4) pending.push(other.rotate())
    else pending.push(journal.appendAll([n, n]))
  }
  // At each moment the state is that of a beginning of some file.
  await Promise.all(pending)
  await fold.refresh()
  assert.deepEqual(fold.state, await journal.read())
})

test('long journals are taken in chunk by chunk, and seen only whole', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const all = Array.from({ length: 10_000 }, (_, n) => n)
  await journal.appendAll(all)
  const fold = await journal.fold(() => 0, (count) => count + 1)
  assert.equal(fold.state, 10_000)
  await journal.replace([...all, ...all])
  const seen = new Set()
  let over = false
  const refreshed = fold.refresh().then(() => (over = true))
  while (!over) {
    seen.add(fold.state)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await refreshed
  assert.deepEqual([...seen].filter((count) => count !== 10_000 && count !== 20_000), [])
  assert.equal(fold.state, 20_000)
})

test('what apply throws comes through, and the state is made anew', async (t) => {
  const journal = await Journal.open(file(t), process_)
  let refuses = true
  const fold = await journal.fold(
    () => [],
    (list, n) => {
      list.push(n)
      if (refuses && n === 2) throw reason
    },
  )
  await fold.append(1)
  await assert.rejects(fold.append(2), (error) => error === reason)
  assert.throws(() => fold.state, { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.equal(fold.position, null)
  // The record is in the journal.
  assert.deepEqual(await journal.read(), [1, 2])
  assert.throws(() => fold.refreshSync(), (error) => error === reason)
  refuses = false
  await fold.refresh()
  assert.deepEqual(fold.state, [1, 2])
  await assert.rejects(journal.fold(() => 0, async () => 1), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(journal.fold(0, () => 1), { code: 'UNTORN_INVALID_ARGUMENT' })
  await journal.append(3, { timeout: 0 })
})

test('it waits for the lock, as long as it is told to', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const fold = await sum(journal)
  const foreign = await foreignLock(t, `${name}.lock`)
  await assert.rejects(fold.append(1, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  await assert.rejects(fold.update(() => [1], { timeout: 20 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  assert.throws(() => fold.appendSync(1, { timeout: 20 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  const aborted = { signal: AbortSignal.abort(reason) }
  for (const call of [fold.append(1, aborted), fold.update(() => [1], aborted), fold.refresh(aborted), sum(journal, aborted)]) {
    await assert.rejects(call, (error) => error === reason)
  }
  const controllers = [1, 2, 3].map(() => new AbortController())
  const calls = controllers.map(({ signal }) => fold.append(1, { signal }).catch((error) => error))
  assert.ok(await isPending(calls[0]))
  for (const controller of controllers.reverse()) controller.abort(reason)
  assert.deepEqual(await Promise.all(calls), [reason, reason, reason])
  const waiting = fold.append(7)
  assert.equal(fold.state, 0)
  await foreign.release()
  await waiting
  assert.equal(fold.state, 7)
  assert.deepEqual(await journal.read(), [7])
})

test('a blocking call in the middle of a turn is a deadlock', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const fold = await sum(journal)
  await fold.update(() => {
    assert.throws(() => fold.appendSync(1), { code: 'UNTORN_DEADLOCK' })
    return [2]
  })
  assert.equal(fold.state, 2)
})

test('under a lock that is held already', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const fold = await sum(journal)
  const lock = await FileLock.acquire(name)
  const waiting = fold.append(100)
  await Promise.all([fold.append(1, { lock }), fold.append(2, { lock }), fold.update((total) => [total], { lock })])
  fold.appendSync(3, { lock })
  assert.equal(fold.state, 9)
  await lock.release()
  await waiting
  assert.deepEqual([fold.state, await journal.read()], [109, [1, 2, 3, 3, 100]])
})
