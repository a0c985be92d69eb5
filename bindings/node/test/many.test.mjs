// Verbs that take many records refuse what is no list of them before anything changes: "no records" in the place of
// one is an empty journal.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import test from 'node:test'
import { Journal, Transaction } from 'untorn'
import { directory, file, lines } from './support.mjs'

const process_ = { durability: 'process' }

const NO_LIST = {
  'an object': () => ({ only: 'one' }),
  'an object that looks like an array': () => ({ length: 2, 0: 'x', 1: 'y' }),
  'a number': () => 5,
  'a string': () => 'ab',
  'a String object': () => new String('ab'),
  'a Buffer': () => Buffer.from('ab'),
  'a promise of an array': () => Promise.resolve([1, 2]),
  'a function': () => () => [1],
  'undefined': () => undefined,
  'null': () => null,
}

const COMES_LATER = {
  'an async generator': () => (async function* () { yield 8; yield 9 })(),
  'a Readable': () => Readable.from([8, 9]),
}

/** A journal with three records, with JSON's own encoder and with one of the caller's. */
const kinds = { plain: process_, 'with stringify': { ...process_, stringify: (value) => JSON.stringify(value) } }

for (const [kind, options] of Object.entries(kinds)) {
  test(`what is no list is refused, and nothing is changed: ${kind}`, async (t) => {
    const name = file(t, 'j.jsonl')
    const journal = await Journal.open(name, options)
    await journal.appendAll([1, 2, 3])
    const fold = await journal.fold(() => 0, (sum) => sum + 1)
    const before = fs.readFileSync(name)
    const refused = { name: 'InvalidArgumentError', code: 'UNTORN_INVALID_ARGUMENT', message: /many records.*nothing was changed/ }
    for (const [what, make] of Object.entries(NO_LIST)) {
      await assert.rejects(journal.appendAll(make()), refused, what)
      await assert.rejects(journal.replace(make()), refused, what)
      await assert.rejects(fold.appendAll(make()), refused, what)
      assert.throws(() => journal.appendAllSync(make()), refused, what)
      assert.throws(() => journal.replaceSync(make()), refused, what)
      assert.throws(() => fold.appendAllSync(make()), refused, what)
      if (make() != null) await assert.rejects(fold.update(() => ({ then: undefined, what })), refused)
      await assert.rejects(journal.compact(() => (what === 'a promise of an array' ? 5 : make())), /nothing was changed|can be iterated/)
    }
    for (const [what, make] of Object.entries(COMES_LATER)) {
      assert.throws(() => journal.appendAllSync(make()), refused, what)
      assert.throws(() => journal.replaceSync(make()), refused, what)
    }
    assert.deepEqual(fs.readFileSync(name), before)
    assert.equal(fold.state, 3)
  })

  test(`what comes later is taken whole by what is awaited: ${kind}`, async (t) => {
    const name = file(t, 'j.jsonl')
    const journal = await Journal.open(name, options)
    for (const make of Object.values(COMES_LATER)) {
      await journal.replace([1])
      await journal.appendAll(make())
      assert.deepEqual(lines(name), [1, 8, 9])
      await journal.replace(make())
      assert.deepEqual(lines(name), [8, 9])
    }
    const broken = async function* () { yield 1; throw new Error('the source is gone') }
    await assert.rejects(journal.replace(broken()), /the source is gone/)
    await assert.rejects(journal.appendAll(broken()), /the source is gone/)
    assert.deepEqual(lines(name), [8, 9])
  })
}

test('in a transaction', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'j.jsonl')
  fs.writeFileSync(name, '1\n')
  const tx = await Transaction.begin(dir, process_)
  const refused = { code: 'UNTORN_INVALID_ARGUMENT', message: /many records/ }
  for (const make of Object.values(NO_LIST)) {
    await assert.rejects(tx.appendAll('j.jsonl', make()), refused)
    assert.throws(() => tx.appendAllSync('j.jsonl', make()), refused)
  }
  for (const make of Object.values(COMES_LATER)) assert.throws(() => tx.appendAllSync('j.jsonl', make()), refused)
  await tx.appendAll('j.jsonl', COMES_LATER['an async generator']())
  await tx.appendAll('j.jsonl', new Set([10]))
  await tx.commit()
  assert.deepEqual(lines(name), [1, 8, 9, 10])
})

test('messages say what to do', async (t) => {
  const journal = await Journal.open(file(t), process_)
  await assert.rejects(journal.replace(Promise.resolve([])), /a promise: await it first/)
  await assert.rejects(journal.appendAll({}), /put one record into an array/)
  assert.throws(() => journal.replaceSync(Readable.from([])), /asynchronous twin/)
})

test('a promise is no record and no document', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, process_)
  const record = async () => ({ a: 1 })
  await assert.rejects(journal.append(record()), { code: 'UNTORN_INVALID_RECORD', message: /a promise: await it/ })
  assert.throws(() => journal.appendSync(record()), { code: 'UNTORN_INVALID_RECORD' })
  await assert.rejects(journal.appendAll([1, record()]), { code: 'UNTORN_INVALID_RECORD' })
  assert.equal(fs.existsSync(name), false)
})
