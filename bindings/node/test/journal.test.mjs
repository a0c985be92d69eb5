import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { Journal, appendJson, appendJsonSync } from 'untorn'
import { directory, file, lines } from './support.mjs'

const process_ = { durability: 'process' }

test('records come back as they were appended', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const values = [{ a: 1 }, [2, '\u2028'], 'three', 4, null, true, { deep: { er: '€😀' } }]
  for (const value of values.slice(0, 3)) await journal.append(value)
  for (const value of values.slice(3)) journal.appendSync(value)
  assert.deepEqual(await journal.read(), values)
  assert.deepEqual(journal.readSync(), values)
  assert.deepEqual([...journal], values)
  const found = []
  for await (const value of journal) found.push(value)
  assert.deepEqual(found, values)
  assert.deepEqual(lines(name), values)
  assert.equal(journal.path, name)
})

test('positions: of appends, of the end, of entries', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const first = await journal.append([1])
  const second = journal.appendSync([22])
  const third = journal.appendRawSync(Buffer.from('[333]'))
  assert.deepEqual([first.offset, second.offset, third.offset], [4, 9, 15])
  assert.equal(second.generation, first.generation)
  assert.deepEqual(third, await journal.end())
  assert.deepEqual(third, journal.endSync())
  const entries = []
  for await (const entry of journal.entries({ start: first })) entries.push(entry)
  assert.deepEqual(entries, [
    { value: [22], start: first, end: second },
    { value: [333], start: second, end: third },
  ])
  assert.deepEqual([...journal.entriesSync({ start: first })], entries)
})

test('a position has another generation after the file was replaced', async (t) => {
  const name = file(t)
  const journal = Journal.openSync(name, process_)
  const before = journal.appendAllSync([1, 2])
  fs.renameSync(name, `${name}.old`)
  const after = journal.appendAllSync([1, 2])
  assert.equal(after.offset, before.offset)
  assert.notEqual(after.generation, before.generation)
  assert.deepEqual(await journal.end(), after)
  await assert.rejects(journal.appendAll([[2]], { at: before }), { code: 'UNTORN_CONFLICT', position: after })
})

test('calls that are started together keep their order', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const settled = []
  const calls = Array.from({ length: 2000 }, (_, n) => {
    const call = n % 3 === 0 ? journal.appendAll([{ n }]) : n % 3 === 1 ? journal.append({ n }) : journal.appendRaw(`{"n":${n}}`)
    return call.then(({ offset }) => settled.push([n, offset]))
  })
  await Promise.all(calls)
  assert.deepEqual(lines(name).map(({ n }) => n), Array.from({ length: 2000 }, (_, n) => n))
  const offsets = settled.sort(([a], [b]) => a - b).map(([, offset]) => offset)
  assert.deepEqual(offsets, [...offsets].sort((a, b) => a - b))
})

test('appendAll: all of it together, at an expected end', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const end = await journal.appendAll([1, 2, 3])
  assert.deepEqual(await journal.appendAll(new Set([4, 5]), { at: end }), await journal.end())
  await assert.rejects(journal.appendAll([6], { at: end }), { code: 'UNTORN_CONFLICT' })
  assert.throws(() => journal.appendAllSync([6], { at: end }), { code: 'UNTORN_CONFLICT' })
  const last = await journal.end()
  assert.deepEqual(await journal.appendAll([]), last)
  assert.deepEqual(journal.appendAllSync([6], { at: last }), await journal.end())
  assert.deepEqual(await journal.read(), [1, 2, 3, 4, 5, 6])
  // One bad value, and none of them is appended.
  await assert.rejects(journal.appendAll([7, undefined]), { code: 'UNTORN_INVALID_RECORD' })
  assert.deepEqual(await journal.tail(1), [6])
})

test('what is no record is refused', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const cycle = {}
  cycle.self = cycle
  for (const value of [undefined, () => 1, Symbol('s'), cycle, 1n]) {
    await assert.rejects(journal.append(value), { name: 'InvalidRecordError', code: 'UNTORN_INVALID_RECORD', path: name })
    assert.throws(() => journal.appendSync(value), { code: 'UNTORN_INVALID_RECORD' })
    assert.throws(() => journal.appendAllSync([value]), { code: 'UNTORN_INVALID_RECORD' })
  }
  for (const raw of ['', '{', '{"a":1}\n', '1 2', '"\ud800"', Buffer.from([0x22, 0xff, 0x22]), 7, {}]) {
    await assert.rejects(journal.appendRaw(raw), { code: 'UNTORN_INVALID_RECORD' }, String(raw))
    assert.throws(() => journal.appendRawSync(raw), { code: 'UNTORN_INVALID_RECORD' }, String(raw))
  }
  assert.equal(fs.existsSync(name), false)
  await assert.rejects((await Journal.open(name, { ...process_, maxRecord: 10 })).append('12345678901'), {
    code: 'UNTORN_LIMIT_EXCEEDED',
  })
})

test('raw records: strings, Buffers, Uint8Arrays', async (t) => {
  const journal = await Journal.open(file(t), process_)
  await journal.appendRaw('{"a": 1}')
  await journal.appendRaw(Buffer.from('{"b": "ä"}'))
  journal.appendRawSync(new Uint8Array(Buffer.from('[1,  2]')).subarray(0, 7))
  journal.appendRawSync('"s"')
  // The caller may write over its buffer as soon as the call is made.
  const buffer = Buffer.from('[7]')
  const call = journal.appendRaw(buffer)
  buffer.fill(0)
  await call
  assert.deepEqual(await journal.read(), [{ a: 1 }, { b: 'ä' }, [1, 2], 's', [7]])
})

test('another stringify and parse', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, {
    ...process_,
    stringify: (value) => `{"v":${value}}`,
    parse: (text) => JSON.parse(text).v,
  })
  await journal.append(1)
  journal.appendSync(2)
  journal.appendAllSync([3, 4])
  assert.deepEqual(await journal.read(), [1, 2, 3, 4])
  // What a stringify gives is checked, and what it throws comes through.
  await assert.rejects(journal.append('\n'), { code: 'UNTORN_INVALID_RECORD' })
  const own = new Error('mine')
  const failing = await Journal.open(name, { ...process_, stringify: () => { throw own }, parse: () => { throw own } })
  await assert.rejects(failing.append(1), (error) => error === own)
  await assert.rejects(failing.read(), (error) => error === own)
  assert.throws(() => failing.readSync(), (error) => error === own)
  assert.equal(lines(name).length, 4)
})

test('format lines: bytes in, bytes out', async (t) => {
  const journal = await Journal.open(file(t), { ...process_, format: 'lines' })
  await journal.append('no JSON')
  journal.appendSync(Buffer.from([0xff, 0xfe]))
  await journal.appendAll(['a', Buffer.from('b')])
  await assert.rejects(journal.append({ a: 1 }), { code: 'UNTORN_INVALID_RECORD' })
  const found = (await journal.read()).map((record) => record.toString('latin1'))
  assert.deepEqual(found, ['no JSON', '\xff\xfe', 'a', 'b'])
})

test('damage is skipped, and told of in file order with the records', async (t) => {
  const name = file(t)
  const damaged = Buffer.concat([
    Buffer.from('[1]\n{"a":\n[2]\n\0\0\0\n[3][4]\n\n[5]\r\n"'),
    Buffer.from([0xc3]),
    Buffer.from('"\n'),
    Buffer.from([0xa9]),
    Buffer.from('\n[6]\n[7'),
  ])
  fs.writeFileSync(name, damaged)
  const journal = await Journal.open(name, process_)
  const expected = [
    1,
    'not_json 4 6',
    2,
    'nul_run 14 4',
    'glued 18 7',
    5,
    'not_utf8 31 4',
    'not_utf8 35 2',
    6,
    'torn_tail 41 2',
  ]
  const seen = []
  const onDamage = ({ kind, offset, length }) => seen.push(`${kind} ${offset} ${length}`)
  for await (const [n] of journal.records({ onDamage })) seen.push(n)
  assert.deepEqual(seen, expected)
  seen.length = 0
  for (const [n] of journal.recordsSync({ onDamage })) seen.push(n)
  assert.deepEqual(seen, expected)
  // Nobody has to listen.
  assert.deepEqual(await journal.read(), [[1], [2], [5], [6]])
  assert.deepEqual(journal.readSync(), [[1], [2], [5], [6]])
  const report = await journal.verify()
  assert.deepEqual(report, journal.verifySync())
  assert.equal(report.records, 4)
  assert.equal(report.damageCount, 6)
  assert.equal(report.repaired, null)
  assert.deepEqual(report.damage.map(({ kind }) => kind), expected.filter((x) => typeof x === 'string').map((x) => x.split(' ')[0]))
  assert.deepEqual(await journal.tail(2), [[5], [6]])
  assert.deepEqual(journal.tailSync(3), [[2], [5], [6]])
  // `repair` cuts the tail and nothing else.
  const repaired = await journal.repair()
  assert.deepEqual(repaired.repaired, { offset: 41, cut: 2, newlineAdded: false })
  assert.equal(repaired.damageCount, 5)
  assert.equal(journal.repairSync().repaired, null)
  assert.deepEqual(fs.readFileSync(name), damaged.subarray(0, 41))
})

test('a long journal is read in chunks, and limits say where they were reached', async (t) => {
  const journal = await Journal.open(file(t), process_)
  const count = 20_000
  await journal.appendAll(Array.from({ length: count }, (_, n) => ({ n, pad: 'x'.repeat(n % 100) })))
  await journal.append({ n: count, pad: 'y'.repeat(1 << 20) })
  let next = 0
  for await (const { n } of journal.records()) assert.equal(n, next++)
  assert.equal(next, count + 1)
  next = 0
  for (const { n } of journal.recordsSync()) assert.equal(n, next++)
  assert.equal(next, count + 1)
  const error = await journal.read({ maxRecords: 9000 }).catch((error) => error)
  assert.equal(error.code, 'UNTORN_LIMIT_EXCEEDED')
  const rest = await journal.read({ start: error.position })
  assert.equal(rest.length, count + 1 - 9000)
  assert.equal(rest[0].n, 9000)
  await assert.rejects(journal.read({ maxBytes: 100 }), { code: 'UNTORN_LIMIT_EXCEEDED' })
  assert.throws(() => journal.readSync({ maxBytes: 100 }), { code: 'UNTORN_LIMIT_EXCEEDED' })
  assert.equal((await journal.read({ maxRecords: count + 1 })).length, count + 1)
  assert.deepEqual((await journal.tail(3)).map(({ n }) => n), [count - 2, count - 1, count])
  assert.deepEqual(journal.tailSync(0), [])
})

test('reading may stop early', async (t) => {
  const journal = await Journal.open(file(t), process_)
  await journal.appendAll([1, 2, 3])
  for await (const value of journal.records()) {
    assert.equal(value, 1)
    break
  }
  for (const value of journal.recordsSync()) {
    assert.equal(value, 1)
    break
  }
})

test('power durability, sync, close', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name)
  await Promise.all([journal.append(1), journal.append(2)])
  await journal.sync()
  journal.syncSync()
  const last = journal.append(3)
  await Promise.all([journal.close(), last])
  await journal.close()
  journal.closeSync()
  await assert.rejects(journal.append(4), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.throws(() => journal.appendSync(4), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.deepEqual(lines(name), [1, 2, 3])
})

test('many appends that queue up are committed together', async (t) => {
  const journal = await Journal.open(file(t))
  await journal.append(0)
  // Each is durable when it settles; alone each would need a sync of its own.
  // Those that one sync served settle in one turn of the event loop.
  let turns = 0
  let pending = true
  const calls = Promise.all(Array.from({ length: 1000 }, (_, n) => journal.append(n))).then(() => (pending = false))
  let settledInTurn = 0
  while (pending) {
    await new Promise((resolve) => setImmediate(resolve))
    const { offset } = await journal.end()
    if (offset !== settledInTurn) {
      settledInTurn = offset
      turns += 1
    }
  }
  await calls
  assert.ok(turns < 500, `${turns} commits for 1000 appends`)
})

test('open options, paths', async (t) => {
  const dir = directory(t)
  await assert.rejects(Journal.open(path.join(dir, 'no', 'j')), { code: 'UNTORN_NOT_FOUND', errno: -2 })
  await assert.rejects(Journal.open(path.join(dir, 'j'), { create: false }), { code: 'UNTORN_NOT_FOUND' })
  await assert.rejects(Journal.open(dir), { code: 'UNTORN_INVALID_ARGUMENT' })
  const journal = await Journal.open(pathToFileURL(path.join(dir, 'a', 'b', 'j')), { parents: true, mode: 0o600, ...process_ })
  await journal.append(1)
  assert.equal(fs.statSync(path.join(dir, 'a', 'b', 'j')).mode & 0o777, 0o600)
  for (const bad of [{ durability: 'none' }, { format: 'xml' }, { maxRecord: -1 }, { timeout: -1 }, { timeout: '5' }, { stringify: 1 }]) {
    await assert.rejects(Journal.open(path.join(dir, 'j'), bad), { code: 'UNTORN_INVALID_ARGUMENT' }, JSON.stringify(bad))
    assert.throws(() => Journal.openSync(path.join(dir, 'j'), bad), { code: 'UNTORN_INVALID_ARGUMENT' }, JSON.stringify(bad))
  }
  for (const bad of [undefined, 7, '', Buffer.from('j'), 'a\0b']) {
    await assert.rejects(Journal.open(bad), { code: 'UNTORN_INVALID_ARGUMENT' }, String(bad))
  }
  assert.throws(() => new Journal(), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('appendJson: one call, parents made, order kept', async (t) => {
  const name = path.join(directory(t), 'a', 'j')
  const calls = Array.from({ length: 50 }, (_, n) => appendJson(name, { n }, process_))
  const positions = await Promise.all(calls)
  assert.deepEqual(lines(name).map(({ n }) => n), Array.from({ length: 50 }, (_, n) => n))
  assert.deepEqual(appendJsonSync(name, { n: 50 }, process_).generation, positions[0].generation)
  await assert.rejects(appendJson(name, undefined), { code: 'UNTORN_INVALID_RECORD' })
  assert.equal(lines(name).length, 51)
})
