// What is read and given back as it was keeps its bytes; what JavaScript can't take is told of and stays; and reading goes on.

import assert from 'node:assert/strict'
import { constants } from 'node:buffer'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory, file } from './support.mjs'

const process_ = { durability: 'process' }

// None of them is what JSON.stringify would make of what JSON.parse makes of it.
const STRANGE = [
  '{"id":12345678901234567890}',
  '{"big":1e999,"small":-1e999}',
  '{"n":1.0,"e":1E5,"z":-0}',
  '{ "spaced" : [ 1 , 2 ] }',
  '{"a":"\\u0061\\/"}',
  '{"half":"\\ud800"}',
  '{"twice":1,"twice":2}',
  '12345678901234567891',
  '"\\u0062"',
  `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  '{"__proto__":{"a":1.0}}',
]
const text = STRANGE.map((line) => `${line}\n`).join('')

test('compact writes what it is given back as it was read, byte for byte', async (t) => {
  const name = file(t)
  const journal = await u.Journal.open(name, process_)
  const ways = [
    () => journal.compact(async function* (records) { for await (const record of records) yield record }),
    () => journal.compact((records) => records),
    () => journal.compactSync((records) => records),
    () => journal.compactSync(function* (records) { for (const record of records) yield record }),
  ]
  for (const way of ways) {
    fs.writeFileSync(name, text)
    await way()
    assert.equal(fs.readFileSync(name, 'utf8'), text, String(way))
  }
  // In an array too, but for bare numbers and strings, which are nobody's in particular.
  const objects = STRANGE.filter((line) => /^[{[]/.test(line)).map((line) => `${line}\n`).join('')
  fs.writeFileSync(name, objects)
  await journal.compact(async (records) => { const all = []; for await (const record of records) all.push(record); return all })
  assert.equal(fs.readFileSync(name, 'utf8'), objects)
})

test('what was changed is encoded anew, wherever it was changed', async (t) => {
  const name = file(t)
  const journal = await u.Journal.open(name, process_)
  fs.writeFileSync(name, '{"id":12345678901234567890,"deep":[{"a":1.0}]}\n{"b":1.0}\n{"c":[1.0]}\n{"d":1.0}\n{"e":1.0}\n{"f":{"g":1.0}}\n')
  await journal.compact(async function* (records) {
    for await (const record of records) {
      if (record.deep) record.deep[0].a = 2
      if (record.b) record.more = 1
      if (record.c) record.c.push(2)
      if (record.d) delete record.d
      if (record.f) record.f = new Date(0)
      yield record
    }
  })
  assert.equal(
    fs.readFileSync(name, 'utf8'),
    '{"id":12345678901234567000,"deep":[{"a":2}]}\n{"b":1,"more":1}\n{"c":[1,2]}\n{}\n{"e":1.0}\n{"f":"1970-01-01T00:00:00.000Z"}\n',
  )
})

test('update keeps the bytes of a value that it is given back as it was', async (t) => {
  const name = file(t)
  const document = await u.Document.open(name, process_)
  for (const line of STRANGE) {
    for (const update of [() => document.update((value) => value), () => document.updateSync((value) => value)]) {
      fs.writeFileSync(name, line)
      await update()
      assert.equal(fs.readFileSync(name, 'utf8'), line)
    }
  }
  fs.writeFileSync(name, '{\n  "n": 1.0\n}\n')
  await document.update((value) => ({ ...value, more: 1 }))
  assert.equal(fs.readFileSync(name, 'utf8'), '{"n":1,"more":1}')
})

test('nesting as deep as may be does not end reading', async (t) => {
  const name = file(t)
  const deep = `${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`
  fs.writeFileSync(name, `1\n${deep}\n{"half":"\\ud800"}\n2\n`)
  const journal = await u.Journal.open(name, process_)
  const fold = await journal.fold(() => 0, (n) => n + 1)
  assert.equal(fold.state, 4)
  assert.equal((await journal.read()).length, 4)
  assert.equal((await journal.tail(4)).length, 4)
  assert.equal((await journal.tail(2))[0].half, '\ud800')
  await journal.compact((records) => records)
  assert.equal(fs.statSync(name).size, 4 + deep.length + 1 + 18)
})

// A string holds half a gigabyte, and the record is held several times over.
const TAKES = 6 * 2 ** 30
const tooLittle = process.availableMemory() < TAKES && `it takes ${TAKES / 2 ** 30} GiB of memory`

test('a record longer than a string is told of with its bytes, and stays', { skip: tooLittle }, async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'j')
  const length = constants.MAX_STRING_LENGTH + 2
  const handle = fs.openSync(name, 'w')
  fs.writeSync(handle, '1\n"')
  const piece = Buffer.alloc(1 << 24, 'x')
  for (let left = length - 2; left > 0; left -= piece.length) fs.writeSync(handle, piece, 0, Math.min(left, piece.length))
  fs.writeSync(handle, '"\n2\n')
  fs.closeSync(handle)
  const size = fs.statSync(name).size
  const options = { ...process_, maxRecord: 2 ** 31 }
  const journal = await u.Journal.open(name, options)
  const told = []
  const onDamage = ({ kind, offset, length: bytes, bytes: raw, cause }) => told.push([kind, offset, bytes, raw?.length, cause?.code])
  const expected = [['unreadable', 2, length + 1, length, 'ERR_STRING_TOO_LONG']]
  assert.deepEqual(await journal.read({ onDamage }), [1, 2])
  assert.deepEqual(told.splice(0), expected)
  assert.deepEqual(journal.tailSync(3, { onDamage }), [1, 2])
  assert.deepEqual(told.splice(0), expected)
  const fold = await journal.fold(() => 0, (sum, n) => sum + n, { onDamage })
  assert.deepEqual([fold.state, told.splice(0)], [3, expected])
  await fold.close()
  await journal.compact(async function* (records) {
    for await (const record of records) yield record * 10
  }, { onDamage })
  assert.deepEqual(told.splice(0), expected)
  assert.equal(fs.statSync(name).size, size + 2)
  assert.deepEqual(await journal.read({ onDamage }), [10, 20])
  const document = await u.Document.open(name, process_)
  await assert.rejects(document.load(), { code: 'UNTORN_LIMIT_EXCEEDED', message: /loadRaw returns them/ })
})
