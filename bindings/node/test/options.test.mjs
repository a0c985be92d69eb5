// Options are checked before anything is done: their names, their values, and what is undefined where that would be
// "no check".

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory, file } from './support.mjs'

const process_ = { durability: 'process' }
const invalid = (message) => ({ name: 'InvalidArgumentError', code: 'UNTORN_INVALID_ARGUMENT', message })

test('expect: undefined is no check, so it is refused', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '{"by":"another program"}')
  const document = await u.Document.open(name, process_)
  const options = { expect: document.version }
  const refused = invalid(/expect is undefined.*load the document first/)
  await assert.rejects(document.save({ by: 'me' }, options), refused)
  await assert.rejects(document.remove(options), refused)
  await assert.rejects(u.saveJson(name, 1, options), refused)
  assert.throws(() => document.saveSync({ by: 'me' }, options), refused)
  assert.throws(() => document.removeSync(options), refused)
  assert.throws(() => u.saveJsonSync(name, 1, options), refused)
  assert.equal(fs.readFileSync(name, 'utf8'), '{"by":"another program"}')
  await document.load()
  await document.save({ by: 'me' }, { expect: document.version })
  assert.equal(u.saveJsonSync(name, 2, { expect: document.version, durability: 'process' }).length, 32)
})

test('at: undefined too', async (t) => {
  const name = file(t)
  const journal = await u.Journal.open(name, process_)
  const follow = journal.follow()
  const options = { at: follow.position }
  await assert.rejects(journal.appendAll([1], options), invalid(/at is undefined/))
  assert.throws(() => journal.appendAllSync([1], options), invalid(/at is undefined/))
  assert.equal(fs.existsSync(name), false)
  await follow.return()
})

test('a name that is not there is refused, with the one that was meant', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'f')
  const journal = await u.Journal.open(name, process_)
  const document = await u.Document.open(path.join(dir, 'd'), process_)
  const store = await u.Store.open(path.join(dir, 's'), process_)
  const session = store.session('a')
  const slips = [
    [() => u.Journal.openSync(name, { durabilty: 'process' }), 'durability'],
    [() => u.Journal.open(name, { max_record: 5 }), 'maxRecord'],
    [() => u.Journal.open(name, { headerprefix: '{' }), 'headerPrefix'],
    [() => u.Document.openSync(name, { Mode: 0o600 }), 'mode'],
    [() => u.Document.open(name, { parent: true }), 'parents'],
    [() => u.Store.open(dir, { journalname: 'x' }), 'journalName'],
    [() => u.Store.openSync(dir, { journal: { max_bytes: 5 } }), 'maxBytes'],
    [() => u.FileLock.acquire(name, { timout: 5 }), 'timeout'],
    [() => u.FileLock.atSync(name, { share: true }), 'shared'],
    [() => u.transaction(dir, () => {}, { durabilty: 'process' }), 'durability'],
    [() => u.Transaction.beginSync(dir, { journals: { formt: 'lines' } }), 'format'],
    [() => u.saveJson(name, 1, { expct: null }), 'expect'],
    [() => u.saveJsonSync(name, 1, { spcae: 2 }), 'space'],
    [() => u.loadJsonSync(name, { defualt: 1 }), 'default'],
    [() => u.appendJson(name, 1, { timout: 1 }), 'timeout'],
    [() => u.snapshot(dir, { prase: JSON.parse }), 'parse'],
    [() => u.selftestSync(dir, { schema: 'sidecar' }), 'scheme'],
    [() => journal.append(1, { timout: 5 }), 'timeout'],
    [() => journal.appendSync(1, { timout: 5 }), 'timeout'],
    [() => journal.appendAll([1], { att: 5 }), 'at'],
    [() => journal.appendRawSync('1', { Lock: undefined }), 'lock'],
    [() => journal.rewind({ generation: 0, offset: 0 }, { timout: 1 }), 'timeout'],
    [() => journal.compact((r) => r, { ondamage() {} }), 'onDamage'],
    [() => journal.read({ maxrecords: 1 }), 'maxRecords'],
    [() => journal.recordsSync({ max_bytes: 1 }), 'maxBytes'],
    [() => journal.tail(1, { onDamge() {} }), 'onDamage'],
    [() => journal.follow({ onrewind() {} }), 'onRewind'],
    [() => journal.foldSync(() => 0, () => 0, { timout: 1 }), 'timeout'],
    [() => document.load({ defalt: 1 }), 'default'],
    [() => document.save(1, { except: null }), 'expect'],
    [() => document.update((v) => v, { signl: undefined }), 'signal'],
    [() => store.remove('a', { timout: 1 }), 'timeout'],
    [() => store.search('a', { max_hits: 1 }), 'maxHits'],
    [() => session.claimSync('me', { timout: 1 }), 'timeout'],
    [() => session.reconcile(() => {}, { alsoalive() {} }), 'alsoAlive'],
  ]
  for (const [call, meant] of slips) {
    await assert.rejects(async () => call(), invalid(new RegExp(`unknown option .*; did you mean ${meant}\\?`)), String(call))
  }
  assert.throws(() => journal.appendSync(1, { colour: 'red' }), invalid(/unknown option colour; this call takes timeout, signal, lock$/))
  assert.throws(() => journal.appendSync(1, 5), invalid(/the options must be an object, not 5/))
  assert.equal(fs.existsSync(name), false)
})

test('a blocking call can not be aborted, and says so', async (t) => {
  const journal = await u.Journal.open(file(t), process_)
  assert.throws(() => journal.appendSync(1, { signal: AbortSignal.abort() }), invalid(/signal is for the asynchronous call/))
})

test('values of a wrong kind are told by the names that JavaScript has', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'f')
  const journal = await u.Journal.open(name, process_)
  const wrong = [
    [() => u.Journal.open(name, { mode: '600' }), /mode must be a number such as 0o600, not "600"/],
    [() => u.Document.openSync(name, { mode: 600 }), /mode must be 0o777 at most, not 600 .*0o600 is what ls shows as 600/],
    [() => u.Journal.openSync(name, { create: 'yes' }), /create must be true or false, not "yes"/],
    [() => u.Journal.openSync(name, { maxRecord: '5' }), /maxRecord must be a whole number, 0 or more, not "5"/],
    [() => u.Journal.openSync(name, { durability: 5 }), /durability must be a string, not 5/],
    [() => u.Journal.openSync(name, { durability: 'proces' }), /durability must be "process" or "power", not "proces"/],
    [() => u.Journal.openSync(name, { headerPrefix: {} }), /headerPrefix must be a string/],
    [() => u.FileLock.acquire(name, { timeout: -1 }), /timeout must be a number of milliseconds/],
    [() => u.FileLock.acquire(name, { timeout: '5' }), /timeout must be a number of milliseconds, .*not "5"/],
    [() => journal.rewind(3), /rewind takes a position: an object with two whole numbers/],
    [() => journal.rewindSync(null), /rewind takes a position/],
    [() => journal.appendAll([1], { at: 3 }), /at must be a position: an object with two whole numbers/],
    [() => journal.records({ start: 'x' }), /start must be a position/],
    [() => journal.compact({}), /compact takes a function/],
    [() => u.transaction(dir, 5), /transaction takes a function/],
    [() => u.Journal.open(5), /a path must be a string or a file: URL, not number/],
    [() => u.Journal.open(undefined), /a path must be a string or a file: URL, not undefined/],
    [() => u.Journal.open(new URL('http://example.org/x')), /is not the URL of a file here/],
  ]
  for (const [call, message] of wrong) {
    const error = await (async () => call())().then(() => assert.fail(String(call)), (thrown) => thrown)
    assert.equal(error.code, 'UNTORN_INVALID_ARGUMENT', String(call))
    assert.match(error.message, message)
    assert.doesNotMatch(error.message, /napi|rust|max_record|header_prefix|on_unsupported/)
  }
  assert.equal(fs.existsSync(name), false)
})

test("the library's own messages name options as they are here", async (t) => {
  const dir = directory(t)
  // The path is left as it is.
  const name = path.join(dir, 'max_record.jsonl')
  const journal = await u.Journal.open(name, { ...process_, maxRecord: 10 })
  await assert.rejects(journal.append('more than ten bytes'), { message: /max_record\.jsonl: .*maxRecord is 10/ })
  await assert.rejects(journal.setHeader({}), { message: /max_record\.jsonl: .*headerPrefix/ })
  const lock = u.FileLock.acquireSync(name)
  assert.throws(() => u.FileLock.acquireSync(name), { code: 'UNTORN_DEADLOCK', message: /`\{ lock \}`/ })
  lock.releaseSync()
})

test('half a surrogate pair is no name: two of them would be one path', async (t) => {
  const dir = directory(t)
  const half = 'a\ud800'
  const store = await u.Store.open(path.join(dir, 's'), process_)
  const session = store.session('key')
  const tx = await u.Transaction.begin(dir, process_)
  const taken = await u.snapshot(path.join(dir, 's'))
  const refused = invalid(/half of a surrogate pair/)
  const calls = [
    () => u.Journal.open(path.join(dir, half)), () => u.Journal.openSync(path.join(dir, half)),
    () => u.Document.open(path.join(dir, half)), () => u.saveJson(path.join(dir, half), 1), () => u.loadJsonSync(path.join(dir, half)),
    () => u.FileLock.acquire(path.join(dir, half)), () => u.FileLock.holder(path.join(dir, half)), () => u.selftest(path.join(dir, half)),
    () => u.FileLock.acquire(path.join(dir, 'l'), { label: half }), () => store.session(half), () => store.remove(half),
    () => store.search(half), () => session.media(half), () => session.mediaSync(half), () => session.document(half),
    () => session.documentSync(half), () => session.claim(half), () => u.Store.open(dir, { journalName: half }),
    () => tx.save(half, 1), () => tx.load(half), () => tx.loadSync(half), () => tx.append(half, 1), () => tx.remove(half), () => tx.setHeader(half, 1),
    () => taken.load(half), () => taken.loadSync(half), () => taken.records(half), () => taken.entriesSync(half), () => taken.loadRaw(half),
    () => u.Journal.open(path.join(dir, 'p'), { headerPrefix: half }), () => u.Process.from(`{"pid":1,"host":"${half}"}`),
  ]
  for (const call of calls) await assert.rejects(async () => call(), refused, String(call))
  await tx.rollback()
  assert.deepEqual(fs.readdirSync(dir).filter((entry) => entry.startsWith('a')), [])
})
