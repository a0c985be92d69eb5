// A writer of the torture, in Node: see `torture.py`.

import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { Journal } from 'untorn'

const [path, logPath, number, seed, seconds] = process.argv.slice(2)
const self = Number(number)
const journal = await Journal.open(path, { durability: 'process' })
const log = createWriteStream(logPath)

/** Numbers below 1, the same for the same seed (mulberry32). */
let mixed = Number(seed)
function random() {
  mixed = (mixed + 0x6d2b79f5) | 0
  let t = Math.imul(mixed ^ (mixed >>> 15), 1 | mixed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const one = (choices) => choices[Math.floor(random() * choices.length)]
const filler = (n, length) => String.fromCharCode(97 + (n % 26)).repeat(length)

/** How many records, a hash of their order, and the last of each writer. */
const nothing = () => ({ count: 0, hash: 0, last: {} })

/** The next record, which must be whole, and not before one of its writer's. */
function take(state, { w, n, length, filler: text }) {
  assert.equal(text, filler(n, length))
  assert.ok(n > (state.last[w] ?? -1), `${w}:${n} after ${JSON.stringify(state.last)}`)
  state.last[w] = n
  state.count += 1
  state.hash = (Math.imul(state.hash, 31) + w * 1_000_003 + n) >>> 0
}

let next = 0
let ends = []
const fold = await journal.fold(nothing, take)

/** What came of an operation that is over. */
const note = (op, more) => log.write(`${JSON.stringify({ op, ...more })}\n`)

/** The next records of this writer. */
function records(count) {
  return Array.from({ length: count }, (_, i) => {
    const n = next + i
    const length = one([0, 10, 100, 100, n % 50 === 0 ? 9_000 : 30])
    return { w: self, n, length, filler: filler(n, length) }
  })
}

function appended(count, { generation, offset }, more) {
  const from = next
  next += count
  ends = [...ends.slice(-7), { n: next - 1, end: { generation, offset } }]
  note('append', { from, to: next - 1, generation, end: offset, ...more })
}

const look = (op) => note(op, { count: fold.state.count, hash: fold.state.hash })

const verbs = [
  [430, async () => appended(1, await journal.append(records(1)[0]))],
  [
    130,
    async () => {
      const many = records(one([2, 3, 4, 5, 6]))
      appended(many.length, await journal.appendAll(many))
    },
  ],
  [
    140,
    async () => {
      appended(1, await fold.append(records(1)[0]))
      look('fold')
    },
  ],
  [
    80,
    async () => {
      // The state that is decided on is that of all records before this one.
      let seen
      const end = await fold.update(({ count, hash }) => {
        seen = [count, hash]
        return records(1)
      })
      appended(1, end, { seen })
    },
  ],
  [
    120,
    async () => {
      // One pass over the file, without the lock. An append in flight looks torn.
      const state = nothing()
      const onDamage = (damage) => assert.equal(damage.kind, 'torn_tail')
      for await (const record of journal.records({ onDamage })) take(state, record)
      note('view', { count: state.count, hash: state.hash })
    },
  ],
  [
    60,
    async () => {
      await fold.refresh()
      look('fold')
    },
  ],
  [
    15,
    async () => {
      if (ends.length === 0) return
      const { n, end } = one(ends)
      try {
        const kept = await journal.rewind(end)
        note('rewind', { n, generation: end.generation, end: end.offset, kept: kept && basename(kept) })
      } catch (error) {
        if (error.code !== 'UNTORN_CONFLICT') throw error
        note('refused')
      }
    },
  ],
  [
    7,
    async () => {
      const kept = await journal.rotate()
      note('rotate', { kept: kept && basename(kept) })
    },
  ],
  [
    18,
    async () => {
      const before = []
      const after = []
      const enough = new Error('enough')
      try {
        const end = await journal.compact(async function* (old) {
          for await (const record of old) {
            before.push([record.w, record.n])
            if (before.length === 1 || random() < 0.8) {
              after.push([record.w, record.n])
              yield record
            }
          }
          if (before.length === 0 || random() < 0.25) throw enough
        })
        note('compact', { before, after, generation: end.generation })
      } catch (error) {
        if (error !== enough) throw error
        note('gave up')
      }
    },
  ],
]

const until = performance.now() + Number(seconds) * 1_000
while (performance.now() < until) {
  let at = random() * verbs.reduce((sum, [weight]) => sum + weight, 0)
  await verbs.find(([weight]) => (at -= weight) < 0)[1]()
}
console.log('done')
const input = createInterface({ input: process.stdin })
await new Promise((told) => input.once('line', told))
input.close()
await fold.refresh()
look('final')
log.end()
