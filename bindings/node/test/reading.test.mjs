// Records are decoded by the chunk: what is damaged, not ASCII or not UTF-8 must neither move nor hide its neighbours.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { Journal } from 'untorn'
import { file } from './support.mjs'

/** Lines, and what a reader makes of each: a value, or the kind of damage. */
const LINES = [
  ['{"a":"ä€𝄞"}', { value: { a: 'ä€𝄞' } }],
  ['not json', { kind: 'not_json' }],
  ['"plain"', { value: 'plain' }],
  ['\ufeff1', { kind: 'not_json' }],
  ['{"a":1}{"b":2}', { kind: 'glued' }],
  ['"é\\n\\u2028"', { value: 'é\n\u2028' }],
  ['"\u2028 \u0085"', { value: '\u2028 \u0085' }],
  ['null', { value: null }],
]
const NOT_UTF8 = Buffer.from([0x22, 0xff, 0x22])

function scene(t, { withBytes }) {
  const name = file(t)
  const parts = []
  const expected = []
  let offset = 0
  const add = (bytes, outcome) => {
    parts.push(bytes, Buffer.from('\n'))
    expected.push({ ...outcome, start: offset, end: offset + bytes.length + 1 })
    offset += bytes.length + 1
  }
  // More than one chunk.
  for (let i = 0; i < 2500; i += 1) {
    const [text, outcome] = LINES[i % LINES.length]
    add(Buffer.from(text), outcome)
    // Long ones end a part of a chunk, or are longer than one.
    if (i % 97 === 50) {
      const value = 'ö'.repeat(i === 1505 ? 600_000 : i * 11)
      add(Buffer.from(JSON.stringify(value)), { value })
    }
    if (withBytes && i % 1700 === 900) add(NOT_UTF8, { kind: 'not_utf8' })
  }
  fs.writeFileSync(name, Buffer.concat(parts))
  return { name, expected }
}

for (const withBytes of [false, true]) {
  test(`each record is read from its own place, with its damage before it: ${withBytes ? 'bytes that are not UTF-8' : 'text'}`, async (t) => {
    const { name, expected } = scene(t, { withBytes })
    const journal = await Journal.open(name)
    const seen = []
    const onDamage = ({ kind, offset, length }) => seen.push({ kind, start: offset, end: offset + length })
    for (const { value, start, end } of journal.entriesSync({ onDamage })) seen.push({ value, start: start.offset, end: end.offset })
    assert.deepEqual(seen.splice(0), expected)
    for await (const { value, start, end } of journal.entries({ onDamage })) seen.push({ value, start: start.offset, end: end.offset })
    assert.deepEqual(seen.splice(0), expected)
    const values = expected.filter((one) => 'value' in one).map(({ value }) => value)
    const silent = { onDamage() {} }
    assert.deepEqual(journal.readSync(silent), values)
    assert.deepEqual(await journal.read(silent), values)
    assert.deepEqual(journal.foldSync(() => [], (all, value) => { all.push(value) }, silent).state, values)
    const own = await Journal.open(name, { parse: (text) => JSON.parse(text) })
    assert.deepEqual(own.readSync(silent), values)
    assert.deepEqual(journal.tailSync(3, silent), journal.readSync(silent).slice(-3))
  })
}

test('chunks share their memory, and no record changes when the next is read', async (t) => {
  const name = file(t)
  // Some chunks have only ASCII, and one record is longer than a chunk. A part of a number is one, too.
  const values = Array.from({ length: 3000 }, (_, i) => {
    if (i % 7 === 3) return 1e9 + i * i * i
    return `${i}`.repeat(i === 1999 ? 50_000 : 30) + (i % 1000 === 0 ? 'é' : '')
  })
  fs.writeFileSync(name, values.map((value) => `${JSON.stringify(value)}\n`).join(''))
  const journal = await Journal.open(name)
  assert.deepEqual(journal.readSync(), values)
  assert.deepEqual(await journal.read(), values)
  // Two readers at once do not share theirs.
  const [one, other] = [journal.recordsSync(), journal.recordsSync()]
  for (const value of values.slice(0, 1500)) assert.equal(other.next().value, value)
  for (const [i, value] of values.slice(1500).entries()) {
    assert.deepEqual([one.next().value, other.next().value], [values[i], value])
  }

  const lines = await Journal.open(name, { format: 'lines' })
  const texts = values.map((value) => JSON.stringify(value))
  assert.deepEqual(lines.readSync().map(String), texts)
  assert.deepEqual((await lines.read()).map(String), texts)
})

/** A journal of two chunks, with damage in both. */
function twoChunks(t) {
  const name = file(t)
  const lines = Array.from({ length: 1500 }, (_, i) => (i % 500 === 400 ? 'not json' : `${i}`))
  fs.writeFileSync(name, lines.map((line) => `${line}\n`).join(''))
  return { name, values: lines.filter((line) => line !== 'not json').map(Number) }
}

test('records that are asked for at once come in order', async (t) => {
  const { name, values } = twoChunks(t)
  const journal = await Journal.open(name)
  const records = journal.records({ onDamage() {} })
  const first = Array.from({ length: 50 }, () => records.next())
  await first[0]
  // The others are still on their way.
  first.push(records.next())
  const asked = await Promise.all(first)
  for (const many of [1, 3, 1, 1, 2000]) {
    const together = Array.from({ length: many }, () => records.next())
    asked.push(...(await Promise.all(together)))
  }
  assert.deepEqual(asked.filter(({ done }) => !done).map(({ value }) => value), values)
  assert.deepEqual(await records.next(), { value: undefined, done: true })
})

test('a reader that is ended in a chunk stays ended', async (t) => {
  const { name } = twoChunks(t)
  const journal = await Journal.open(name)
  const ends = {
    return: async (records) => assert.deepEqual(await records.return(7), { value: 7, done: true }),
    throw: (records) => assert.rejects(records.throw(new Error('enough')), /enough/),
    // Nobody waits for the record that is asked for at the same time.
    'return behind a record': async (records) => {
      const [record, end] = await Promise.all([records.next(), records.return(7)])
      assert.deepEqual([record, end], [{ value: 3, done: false }, { value: 7, done: true }])
    },
    'damage that is not borne': async (records) => {
      await assert.rejects(async () => {
        for await (const value of records) assert.ok(value < 400)
      }, /at 1490/)
    },
  }
  for (const [name, end] of Object.entries(ends)) {
    const onDamage = ({ offset }) => { throw new Error(`at ${offset}`) }
    const records = journal.records({ onDamage })
    for (const value of [0, 1, 2]) assert.deepEqual(await records.next(), { value, done: false }, name)
    await end(records)
    assert.deepEqual(await records.next(), { value: undefined, done: true }, name)
  }
})
