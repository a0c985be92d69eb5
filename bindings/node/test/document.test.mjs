import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { Document, loadJson, loadJsonSync, saveJson, saveJsonSync } from 'untorn'
import { directory, file, foreignLock } from './support.mjs'

const process_ = { durability: 'process' }

test('load, save, version, compare-and-swap', async (t) => {
  const name = file(t)
  const document = await Document.open(name, process_)
  assert.equal(document.version, undefined)
  await assert.rejects(document.load(), { name: 'NotFoundError', code: 'UNTORN_NOT_FOUND' })
  assert.throws(() => document.loadSync(), { code: 'UNTORN_NOT_FOUND' })
  assert.equal(await document.load({ default: undefined }), undefined)
  assert.deepEqual(document.loadSync({ default: [] }), [])
  assert.equal(document.version, null)

  const first = await document.save({ n: 1 }, { expect: document.version })
  assert.match(first, /^[0-9a-f]{32}$/)
  assert.equal(document.version, first)
  assert.deepEqual(await document.load(), { n: 1 })
  const second = document.saveSync({ n: 2 }, { expect: first })
  await assert.rejects(document.save({ n: 3 }, { expect: first }), { name: 'ConflictError', code: 'UNTORN_CONFLICT' })
  assert.equal(document.version, second)
  await assert.rejects(document.save({ n: 3 }, { expect: null }), { code: 'UNTORN_ALREADY_EXISTS' })
  await assert.rejects(document.create({ n: 3 }), { name: 'AlreadyExistsError' })
  assert.throws(() => document.createSync({ n: 3 }), { name: 'AlreadyExistsError' })
  await assert.rejects(document.save(1, { expect: 'not a version' }), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.deepEqual(document.loadSync(), { n: 2 })
  assert.equal(fs.readFileSync(name, 'utf8'), '{"n":2}')

  await assert.rejects(document.remove({ expect: first }), { code: 'UNTORN_CONFLICT' })
  assert.equal(await document.remove({ expect: second }), true)
  assert.equal(document.removeSync(), false)
  assert.equal(document.version, null)
  await document.create('again')
  assert.equal(document.loadSync(), 'again')
})

test('saves on one document keep their order', async (t) => {
  const document = await Document.open(file(t), process_)
  const versions = await Promise.all(Array.from({ length: 100 }, (_, n) => document.save({ n })))
  assert.deepEqual(await document.load(), { n: 99 })
  assert.equal(document.version, versions[99])
})

test('update loses no update', async (t) => {
  const name = file(t)
  const documents = await Promise.all([1, 2, 3].map(() => Document.open(name, process_)))
  const increment = async (count = 0) => {
    await new Promise((resolve) => setImmediate(resolve))
    return count + 1
  }
  await Promise.all(Array.from({ length: 60 }, (_, n) => documents[n % 3].update(increment)))
  documents[0].updateSync((count) => count + 1)
  assert.equal(await documents[1].load(), 61)
})

test('an update that fails changes nothing and lets the lock go', async (t) => {
  const document = await Document.open(file(t), process_)
  await document.save(1)
  const own = new Error('mine')
  await assert.rejects(document.update(async () => { throw own }), (error) => error === own)
  assert.throws(() => document.updateSync(() => { throw own }), (error) => error === own)
  await assert.rejects(document.update(() => {}), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.throws(() => document.updateSync(async () => 2), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.equal(document.loadSync(), 1)
  document.saveSync(2, { timeout: 0 })
})

test('inside an update: a blocking call is a deadlock, an asynchronous one waits', async (t) => {
  const document = await Document.open(file(t), process_)
  let later
  await document.update(async () => {
    assert.throws(() => document.saveSync('no'), { name: 'DeadlockError', code: 'UNTORN_DEADLOCK' })
    later = document.save('later')
    return 'now'
  })
  await later
  assert.equal(await document.load(), 'later')
})

test('a save under a lock of another waits, or is refused in time', async (t) => {
  const name = file(t)
  const document = await Document.open(name, process_)
  const foreign = await foreignLock(t, `${name}.lock`)
  await assert.rejects(document.save(1, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  assert.throws(() => document.saveSync(1, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  const waiting = document.save('first')
  // Queued behind the one that waits, and gives up all the same.
  const error = await document.save('second', { timeout: 20 }).catch((error) => error)
  assert.equal(error.code, 'UNTORN_LOCK_TIMEOUT')
  assert.equal(error.operation, 'save')
  assert.equal(error.path, name)
  await assert.rejects(document.update(() => 'third', { timeout: 20 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  await foreign.release()
  await waiting
  assert.equal(await document.load(), 'first')
})

test('what can not be a document, and what is none', async (t) => {
  const name = file(t)
  const document = await Document.open(name, process_)
  await assert.rejects(document.save(undefined), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.equal(fs.existsSync(name), false)
  fs.writeFileSync(name, '{"half":')
  await assert.rejects(document.load(), (error) => error.code === 'UNTORN_CORRUPT' && error.cause instanceof SyntaxError)
  fs.writeFileSync(name, Buffer.from([0x22, 0xff, 0x22]))
  assert.throws(() => document.loadSync(), { name: 'CorruptError', path: name })
  assert.deepEqual(await document.loadRaw(), Buffer.from([0x22, 0xff, 0x22]))
  await document.close()
  await assert.rejects(document.save(1), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('a byte order mark is none of the value', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '\ufeff{"a":1}')
  const document = await Document.open(name, process_)
  assert.deepEqual(await document.load(), { a: 1 })
  await document.update((value) => ({ ...value, b: 2 }))
  assert.deepEqual(await document.load(), { a: 1, b: 2 })
  fs.writeFileSync(name, Buffer.from('\ufeff{"a":1}', 'utf16le'))
  await assert.rejects(document.load(), { code: 'UNTORN_CORRUPT' })
})

test('stringify and parse', async (t) => {
  const name = file(t)
  const document = await Document.open(name, {
    ...process_,
    stringify: (value) => `${JSON.stringify(value, null, 2)}\n`,
    parse: (text) => ({ parsed: JSON.parse(text) }),
  })
  await document.save({ a: 1 })
  assert.equal(fs.readFileSync(name, 'utf8'), '{\n  "a": 1\n}\n')
  assert.deepEqual(await document.load(), { parsed: { a: 1 } })
})

test('saveJson and loadJson', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'a', 'b.json')
  const value = { b: [1, 'ä'], a: null, left: undefined }
  const version = await saveJson(name, value, { space: 2 })
  assert.equal(fs.readFileSync(name, 'utf8'), JSON.stringify(value, null, 2))
  assert.deepEqual(await loadJson(name), { b: [1, 'ä'], a: null })
  await assert.rejects(saveJson(name, 1, { expect: null }), { code: 'UNTORN_ALREADY_EXISTS' })
  saveJsonSync(name, value, { expect: version, replacer: ['a'] })
  assert.deepEqual(loadJsonSync(name), { a: null })
  await assert.rejects(loadJson(path.join(dir, 'c')), { code: 'UNTORN_NOT_FOUND' })
  assert.equal(await loadJson(path.join(dir, 'c'), { default: 7 }), 7)
  assert.equal(loadJsonSync(path.join(dir, 'c'), { default: 7 }), 7)
  await assert.rejects(saveJson(path.join(dir, 'no', 'c'), 1, { parents: false }), { code: 'UNTORN_NOT_FOUND' })
  await Promise.all(Array.from({ length: 30 }, (_, n) => saveJson(name, n, process_)))
  assert.equal(await loadJson(name), 29)
})
