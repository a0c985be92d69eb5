'use strict'

// What every realm is to see the same: Node's own, a `vm` context, and those that Jest and Vitest make. `Error`,
// `Uint8Array`, `Promise` and so on are this realm's here; the addon makes those of the realm that Node began with.

const assert = require('node:assert')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const vm = require('node:vm')
const u = require('untorn')

const process_ = { durability: 'process' }

function directory() {
  return fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'untorn-'))
}

/** The error that a call ends with, thrown or rejected. */
async function errorOf(call) {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error(`it went well: ${call}`)
}

async function fails(call, Class, code) {
  const error = await errorOf(call)
  const what = `${call}: ${error?.constructor?.name} ${error?.code} ${error?.message}`
  assert.ok(error instanceof Class, what)
  assert.ok(error instanceof u.UntornError && error instanceof Error, what)
  assert.equal(error.code, code, what)
  assert.ok(!error.message.startsWith('{'), what)
  return error
}

/** Of yet another realm. */
const foreign = vm.runInNewContext(`({
  bytes: new Uint8Array([123, 125]),
  array: [1, 2],
  set: new Set([3]),
  error: new Error('theirs'),
  object: { a: [1] },
  position: { generation: 0, offset: 0 },
  options: { durability: 'process', parents: true },
  promise: Promise.resolve(1),
  *generator() { yield 4 },
  async *later() { yield 5 },
})`)

const suite = {
  async 'errors are errors of this library, and of this realm'(dir) {
    const at = (name) => path.join(dir, name)
    const journal = await u.Journal.open(at('j'), process_)
    await journal.append({ a: 1 })
    const document = await u.Document.open(at('d'), process_)
    document.createSync(1)
    const lock = u.FileLock.acquireSync(at('l'))
    const store = u.Store.openSync(at('s'))
    await fails(() => u.Journal.openSync(at('no/j')), u.NotFoundError, 'UNTORN_NOT_FOUND')
    await fails(() => u.Journal.open(at('no/j')), u.NotFoundError, 'UNTORN_NOT_FOUND')
    await fails(() => journal.appendRawSync('{bad'), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => journal.appendRawSync(Buffer.from('{bad')), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => journal.appendRaw('{bad'), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => journal.append(undefined), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => journal.appendSync(1n), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => journal.appendAllSync([1], { at: { generation: 5, offset: 0 } }), u.ConflictError, 'UNTORN_CONFLICT')
    await fails(() => journal.appendAll([1], { at: { generation: 5, offset: 0 } }), u.ConflictError, 'UNTORN_CONFLICT')
    await fails(() => journal.recordsSync({ start: { generation: 5, offset: 0 } }).next(), u.ConflictError, 'UNTORN_CONFLICT')
    await fails(() => document.createSync(2), u.AlreadyExistsError, 'UNTORN_ALREADY_EXISTS')
    await fails(() => document.create(2), u.AlreadyExistsError, 'UNTORN_ALREADY_EXISTS')
    await fails(() => document.saveSync(3, { expect: '0'.repeat(32) }), u.ConflictError, 'UNTORN_CONFLICT')
    await fails(() => document.saveSync(3, { expect: 'x' }), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    await fails(() => document.updateSync(async () => 1), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    await fails(() => u.FileLock.acquireSync(at('l'), { timeout: 0 }), u.LockedError, 'UNTORN_LOCKED')
    await fails(() => u.FileLock.acquireSync(at('l')), u.DeadlockError, 'UNTORN_DEADLOCK')
    await fails(() => u.FileLock.acquire(at('l'), { timeout: 0 }), u.LockedError, 'UNTORN_LOCKED')
    await fails(() => u.FileLock.acquire(at('l'), { timeout: 20 }), u.LockTimeoutError, 'UNTORN_LOCK_TIMEOUT')
    await fails(() => u.transactionSync(dir, (tx) => tx.saveSync('../x', 1)), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    await fails(() => u.snapshotSync(at('no')), u.NotFoundError, 'UNTORN_NOT_FOUND')
    await fails(() => u.Process.from('{'), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    await fails(() => store.session('a').mediaSync('\ud800'), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    const strange = await u.Journal.open(at('k'), { ...process_, stringify: () => '{bad' })
    await fails(() => strange.append(1), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => strange.appendSync(1), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => strange.replaceSync([1]), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => strange.compact(() => [1]), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    lock.releaseSync()
  },

  async 'a timeout ends where the clocks of the realm stand still'(dir) {
    const lock = u.FileLock.acquireSync(path.join(dir, 'l'))
    const { setTimeout, clearTimeout } = globalThis
    Object.assign(globalThis, { setTimeout: () => 0, clearTimeout: () => {} })
    try {
      await fails(() => u.FileLock.acquire(path.join(dir, 'l'), { timeout: 20 }), u.LockTimeoutError, 'UNTORN_LOCK_TIMEOUT')
    } finally {
      Object.assign(globalThis, { setTimeout, clearTimeout })
      lock.releaseSync()
    }
  },

  async 'a default is given where the file is not there'(dir) {
    const name = path.join(dir, 'd')
    const document = u.Document.openSync(name)
    assert.deepStrictEqual(document.loadSync({ default: { x: 1 } }), { x: 1 })
    assert.deepStrictEqual(await document.load({ default: 0 }), 0)
    assert.deepStrictEqual(u.loadJsonSync(name, { default: [] }), [])
    assert.deepStrictEqual(await u.loadJson(name, { default: null }), null)
  },

  async 'what a function of the caller throws comes through as it is'(dir) {
    const mine = new TypeError('mine')
    const journal = await u.Journal.open(path.join(dir, 'j'), { ...process_, stringify: () => { throw mine } })
    const document = await u.Document.open(path.join(dir, 'd'), process_)
    for (const error of [mine, foreign.error]) {
      const fail = () => { throw error }
      assert.equal(await errorOf(() => document.update(fail)), error)
      assert.equal(await errorOf(() => document.updateSync(fail)), error)
      assert.equal(await errorOf(() => u.transaction(dir, fail)), error)
    }
    assert.equal(await errorOf(() => journal.append(1)), mine)
    assert.equal(await errorOf(() => journal.appendSync(1)), mine)
  },

  async 'values of other realms are taken for what they are'(dir) {
    const at = (name) => path.join(dir, name)
    const journal = await u.Journal.open(new URL(`file://${at('j')}`), foreign.options)
    await journal.appendRaw(foreign.bytes)
    journal.appendRawSync(foreign.bytes)
    await journal.appendRaw(Buffer.from('{}'))
    await journal.append(foreign.object)
    await journal.appendAll(foreign.array)
    await journal.appendAll(foreign.set)
    await journal.appendAll(foreign.generator())
    await journal.appendAll(foreign.later())
    assert.deepStrictEqual(await journal.read(), [{}, {}, {}, { a: [1] }, 1, 2, 3, 4, 5])
    await fails(() => journal.append(foreign.promise), u.InvalidRecordError, 'UNTORN_INVALID_RECORD')
    await fails(() => journal.replace(foreign.promise), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    await fails(() => journal.replace(foreign.bytes), u.InvalidArgumentError, 'UNTORN_INVALID_ARGUMENT')
    await journal.rewind(foreign.position)
    const lines = await u.Journal.open(at('l'), { ...process_, format: 'lines' })
    await lines.append(Buffer.from('hi'))
    await lines.append(foreign.bytes)
    await lines.append(new Uint8Array([65]))
    assert.deepStrictEqual((await lines.read()).map(String), ['hi', '{}', 'A'])
    const bytes = await u.Document.open(at('d'), { ...process_, stringify: () => foreign.bytes })
    await bytes.save(1)
    assert.deepStrictEqual(bytes.loadSync(), {})
    const { signal } = new AbortController()
    await journal.append(1, { signal })
    const controller = new AbortController()
    controller.abort()
    assert.equal((await errorOf(() => u.FileLock.acquire(at('f'), { signal: controller.signal }))).name, 'AbortError')
    const following = new AbortController()
    const follow = journal.follow({ signal: following.signal })
    await follow.ready()
    const next = follow.next()
    following.abort()
    assert.equal((await errorOf(() => next)).name, 'AbortError')
  },

  async 'what is given is of this realm'(dir) {
    const journal = await u.Journal.open(path.join(dir, 'j'), process_)
    const first = await journal.append({ a: [1] })
    assert.deepStrictEqual(await journal.end(), first)
    assert.deepStrictEqual(journal.endSync(), { generation: first.generation, offset: first.offset })
    const start = { generation: first.generation, offset: 0 }
    assert.deepStrictEqual(await journal.tailEntries(1), [{ value: { a: [1] }, start, end: first }])
    assert.deepStrictEqual(journal.tailEntriesSync(1), [{ value: { a: [1] }, start, end: first }])
    const report = await journal.verify()
    assert.deepStrictEqual([report.damage, report.end], [[], first])
    const fold = await journal.fold(() => [], (state) => { state.push(1) })
    assert.deepStrictEqual([fold.state, fold.position], [[1], first])
    const follow = journal.follow({ start: first })
    await follow.ready()
    assert.deepStrictEqual(follow.position, first)
    await follow.return()
    fs.appendFileSync(path.join(dir, 'j'), 'bad\n1\n')
    const damage = []
    assert.deepStrictEqual(await journal.read({ onDamage: (found) => damage.push(found) }), [{ a: [1] }, 1])
    assert.deepStrictEqual(damage, [{ kind: 'not_json', offset: first.offset, length: 4 }])
    const taken = u.snapshotSync(dir)
    assert.deepStrictEqual(taken.names, ['j'])
    taken.closeSync()
    const store = await u.Store.open(path.join(dir, 's'), process_)
    assert.deepStrictEqual(await store.keys(), [])
    const one = await store.session('one').journal()
    await one.append('needle')
    assert.deepStrictEqual((await store.search('needle')).map(({ key, range }) => [key, range]), [['one', [1, 7]]])
    const checks = (await u.selftest(dir)).checks
    assert.equal(Object.getPrototypeOf(checks), Array.prototype)
    assert.equal(Object.getPrototypeOf(checks[0]), Object.prototype)
  },

  async 'a nested call is told of'(dir) {
    const document = await u.Document.open(path.join(dir, 'd'), process_)
    await fails(() => document.update(async () => { await document.save(1); return 2 }), u.DeadlockError, 'UNTORN_DEADLOCK')
  },
}

/** The tests, each of which makes its directory and removes it. */
exports.tests = Object.entries(suite).map(([name, work]) => [
  name,
  async () => {
    const dir = directory()
    try {
      await work(dir)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  },
])
