import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { getEventListeners } from 'node:events'
import { Journal } from 'untorn'
import { ended, file, isPending, program } from './support.mjs'

const process_ = { durability: 'process' }
const reason = new Error('changed my mind')
const done = { value: undefined, done: true }

/** The next `n` values. */
async function take(follow, n) {
  const found = []
  while (found.length < n) found.push((await follow.next()).value)
  return found
}

test('records as another process appends them', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const follow = journal.follow()
  await follow.ready()
  const other = program(
    `import { Journal } from 'untorn'
    const journal = await Journal.open(process.argv[1], { durability: 'process' })
    for (let n = 0; n < 3000; n += 1) await journal.append({ n })`,
    name,
  )
  const found = []
  for await (const { n } of follow) {
    found.push(n)
    if (n === 2999) break
  }
  assert.deepEqual(found, Array.from({ length: 3000 }, (_, n) => n))
  assert.equal(await ended(other), 0)
  assert.deepEqual(await follow.next(), done)
  assert.deepEqual(follow.position, await journal.end())
})

test('from a position on, and on from where it was left', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const one = await journal.append(1)
  await journal.appendAll([2, 3, 4])
  const follow = journal.follow({ start: one })
  assert.deepEqual(await take(follow, 2), [2, 3])
  await follow.return()
  const again = journal.follow({ start: follow.position })
  assert.deepEqual(await take(again, 1), [4])
  const next = again.next()
  assert.ok(await isPending(next))
  await journal.append(5)
  assert.deepEqual(await next, { value: 5, done: false })
  await again.return()
  const lost = journal.follow({ start: { ...one, offset: 1 } })
  await assert.rejects(lost.ready(), { code: 'UNTORN_CONFLICT' })
  await assert.rejects(lost.next(), { code: 'UNTORN_CONFLICT' })
  assert.deepEqual(await lost.next(), done)
})

test('through rotation; a rewind and a rewrite are told', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const one = await journal.append(1)
  const rewound = []
  const follow = journal.follow({ start: one, onRewind: (news) => rewound.push(news) })
  const two = await journal.append(2)
  assert.deepEqual(await take(follow, 1), [2])
  await journal.rotate()
  await journal.append(3)
  assert.deepEqual(await take(follow, 1), [3])
  assert.deepEqual(rewound, [])
  const four = await journal.append(4)
  assert.deepEqual(await take(follow, 1), [4])
  await journal.rewind({ ...four, offset: 2 })
  await journal.append(5)
  assert.deepEqual(await take(follow, 1), [5])
  assert.deepEqual(rewound.map(({ from, to }) => [from.offset, to.offset]), [[4, 2]])
  assert.deepEqual(rewound[0].from, four)
  await journal.replace([6])
  assert.deepEqual(await take(follow, 1), [6])
  assert.equal(rewound.length, 2)
  assert.notEqual(two.generation, four.generation)
  await follow.return()
})

test('return ends the wait', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const follow = journal.follow()
  const waiting = [follow.next(), follow.next()]
  assert.ok(await isPending(waiting[0]))
  assert.deepEqual(await follow.return('left'), { value: 'left', done: true })
  assert.deepEqual(await Promise.all(waiting), [done, done])
  assert.deepEqual(await follow.return(), done)
})

test('a signal: aborted already, while it waits, between two records', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const isReason = (error) => error === reason
  await assert.rejects(journal.follow({ signal: AbortSignal.abort(reason) }).next(), isReason)
  const controller = new AbortController()
  const { signal } = controller
  const waiting = journal.follow({ signal })
  const between = journal.follow({ signal })
  const next = waiting.next()
  await between.ready()
  await journal.appendAll([1, 2])
  assert.equal((await between.next()).value, 1)
  await next
  const last = waiting.next().then(() => waiting.next())
  assert.ok(await isPending(last))
  controller.abort(reason)
  await assert.rejects(last, isReason)
  await assert.rejects(between.next(), isReason)
  assert.deepEqual(await between.next(), done)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('it ends with the handle', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const follow = journal.follow()
  const next = follow.next()
  assert.ok(await isPending(next))
  await journal.close()
  assert.deepEqual(await next, done)
})

test('damage is told of, and what a parser throws comes through', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const damage = []
  const follow = journal.follow({ onDamage: ({ kind }) => damage.push(kind) })
  await follow.ready()
  fs.appendFileSync(name, '{"a":\n[1]\n\0\0\n[2]\n')
  assert.deepEqual(await take(follow, 2), [[1], [2]])
  assert.deepEqual(damage, ['not_json', 'nul_run'])
  await follow.return()
  const failing = await Journal.open(name, { ...process_, parse: () => { throw reason } })
  const refused = failing.follow({ start: { generation: 0, offset: 0 } })
  await assert.rejects(refused.next(), (error) => error === reason)
  assert.deepEqual(await refused.next(), done)
})

test('ten who wait leave the pool of libuv and the loop alone', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const follows = Array.from({ length: 10 }, () => journal.follow())
  const waiting = follows.map((follow) => follow.next())
  await Promise.all(follows.map((follow) => follow.ready()))
  await Promise.all(Array.from({ length: 20 }, () => fs.promises.readFile(new URL(import.meta.url))))
  await journal.append(1)
  assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value), Array(10).fill(1))
  await Promise.all(follows.map((follow) => follow.return()))
})
