// The mistakes that people make: each is told in words that say what to do, by the right class.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory, foreignLock } from './support.mjs'

const process_ = { durability: 'process' }

async function scene(t) {
  const dir = directory(t)
  const at = (name) => path.join(dir, name)
  const journal = await u.Journal.open(at('j'), { ...process_, maxRecord: 100, headerPrefix: '{"h":' })
  await journal.append(1)
  const document = await u.Document.open(at('d'), process_)
  await document.save(1)
  fs.writeFileSync(at('empty.json'), '')
  fs.writeFileSync(at('half.json'), '{"a":1,')
  fs.mkdirSync(at('sub'))
  return { dir, at, journal, document }
}

const I = u.InvalidArgumentError
const R = u.InvalidRecordError

/** What is done, by which class it is told, and what is said. */
const MISTAKES = {
  'new Journal': [() => new u.Journal('x'), I, /use Journal\.open\(path\) or Journal\.openSync\(path\)/],
  'new Document': [() => new u.Document('x'), I, /use Document\.open\(path\)/],
  'new FileLock': [() => new u.FileLock('x'), I, /use FileLock\.acquire\(path\)/],
  'a missing directory': [({ at }) => u.Journal.open(at('no/j')), u.NotFoundError, /no\/j: No such file or directory .*the directory .*\/no does not exist: make it, or open with `parents`/],
  'a directory in the place of the file': [({ at }) => u.Journal.open(at('sub')), I, /not a regular file/],
  'an empty path': [() => u.Journal.open(''), I, /the path is empty/],
  'a path that is none': [() => u.Document.open(null), I, /a path must be a string or a file: URL, not null/],
  'update that returns nothing': [({ document }) => document.update(() => {}), I, /returned nothing; return the value.*nothing was changed/],
  'a value in the place of the function': [({ document }) => document.update({ a: 1 }), I, /update takes a function/],
  'an async function for updateSync': [({ document }) => document.updateSync(async () => 2), I, /updateSync takes a function that is not async/],
  'an async function for apply': [({ journal }) => journal.fold(() => 0, async () => 1), I, /apply must not be async/],
  'a state in the place of what makes it': [({ journal }) => journal.fold(0, (n) => n), I, /fold takes a function/],
  'an async function for transactionSync': [({ dir }) => u.transactionSync(dir, async () => {}), I, /takes a function that is not async; nothing was changed/],
  'compact that gives no list': [({ journal }) => journal.compact(() => 5), I, /the function must return the records.*nothing was changed/],
  'load of what is not there': [({ at }) => u.loadJson(at('no.json')), u.NotFoundError, /the document does not exist/],
  'load of an empty file': [({ at }) => u.loadJson(at('empty.json')), u.CorruptError, /the file holds no value \(0 bytes\).*restore it/],
  'load of half a file': [({ at }) => u.loadJson(at('half.json')), u.CorruptError, /not JSON: EOF while parsing an object/],
  'create of what is there': [({ document }) => document.create(2), u.AlreadyExistsError, /already exists; nothing was changed/],
  'a version of before': [({ document }) => document.save(2, { expect: '0'.repeat(32) }), u.ConflictError, /others have saved it meanwhile; load it and try again/],
  'a version that is none': [({ document }) => document.save(2, { expect: 7 }), I, /expect must be a version, or null/],
  'a promise saved': [({ document }) => document.save(Promise.resolve(1)), I, /a promise: await it first; nothing was changed/],
  'what JSON does not have': [({ journal }) => journal.append(undefined), R, /JSON can't hold a value of type undefined/],
  'a cycle': [({ journal }) => { const a = {}; a.a = a; return journal.append(a) }, R, /circular.*nothing was appended/is],
  'a cycle saved': [({ document }) => { const a = {}; a.a = a; return document.save(a) }, I, /save .*circular.*nothing was changed/is],
  'a BigInt': [({ journal }) => journal.append({ a: 1n }), R, /BigInt.*nothing was appended/i],
  'half a record': [({ journal }) => journal.appendRaw('{"a":'), R, /not one JSON value/],
  'two records in one': [({ journal }) => journal.appendRaw('1\n2'), R, /newline/],
  'a record too long': [({ journal }) => journal.append('x'.repeat(200)), u.LimitExceededError, /maxRecord is 100/],
  'rewind to a number': [({ journal }) => journal.rewind(3), I, /rewind takes a position/],
  'rewind into a record': [({ journal }) => journal.end().then((end) => journal.rewind({ ...end, offset: 1 })), u.ConflictError, /nothing was changed/],
  'permissions as text': [({ at }) => u.Journal.open(at('m'), { mode: '600' }), I, /mode must be a number such as 0o600/],
  'an append after close': [async ({ journal }) => { await journal.close(); await journal.append(1) }, I, /the journal is closed/],
  'a save after close': [async ({ document }) => { await document.close(); await document.save(1) }, I, /the document is closed/],
  'a lock of another file': [async ({ at, document }) => document.save(2, { lock: await u.FileLock.acquire(at('x')) }), I, /the lock given is that of .*x, not of this file/],
  'a lock that was let go': [async ({ document }) => { const lock = await u.FileLock.acquire(document.path); await lock.release(); await document.save(2, { lock }) }, I, /the lock given was released already/],
  'a lock that is none': [({ document }) => document.save(2, { lock: {} }), I, /lock must be a FileLock/],
  'a name that leads out': [({ dir }) => u.transaction(dir, (tx) => tx.save('../x', 1)), I, /not the name of a file/],
  'a transaction that is over': [async ({ dir }) => { const tx = await u.Transaction.begin(dir); await tx.commit(); await tx.save('a', 1) }, I, /over/],
  'a save inside of update': [({ document }) => document.update(async () => { await document.save(2); return 3 }), u.DeadlockError, /change the value instead of saving/],
  'a blocking call on a lock of this very program': [async ({ document }) => { await u.FileLock.acquire(document.path); document.saveSync(2) }, u.DeadlockError, /`\{ lock \}`/],
}

for (const [mistake, [make, Class, words]] of Object.entries(MISTAKES)) {
  test(mistake, async (t) => {
    const stage = await scene(t)
    const before = fs.readFileSync(stage.at('d'), 'utf8')
    const error = await (async () => make(stage))().then(() => assert.fail('it went well'), (thrown) => thrown)
    assert.equal(error.constructor, Class, error.stack)
    assert.ok(error instanceof u.UntornError)
    assert.match(error.message, words)
    assert.doesNotMatch(error.message, /napi|rust type|max_record|header_prefix|undefined yet/)
    assert.equal(fs.readFileSync(stage.at('d'), 'utf8'), before)
  })
}

test('seconds for milliseconds: the message shows the unit, and who holds the lock', async (t) => {
  const { at, document } = await scene(t)
  const foreign = await foreignLock(t, at('d.lock'))
  await assert.rejects(document.save(2, { timeout: 5 }), { name: 'LockTimeoutError', message: /not free within 5ms; .*held by pid/ })
  assert.throws(() => document.saveSync(2, { timeout: 5 }), { name: 'LockTimeoutError', message: /not free within 5ms; held by pid/ })
  await assert.rejects(document.save(2, { timeout: 0 }), { name: 'LockedError', message: /the lock is held; held by pid/ })
  await foreign.release()
})

test('an aborted signal is what the call is rejected with', async (t) => {
  const { document } = await scene(t)
  const reason = new Error('enough')
  const controller = new AbortController()
  controller.abort(reason)
  await assert.rejects(document.save(2, { signal: controller.signal }), (error) => error === reason)
})
