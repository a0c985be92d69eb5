// The mistakes that people make with paths, options, locks, transactions, sessions and waits.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { inspect } from 'node:util'
import * as u from 'untorn'
import { foreignLock } from './support.mjs'
import { assertTold, process_, scene, testMistakes } from './support-mistakes.mjs'

const I = u.InvalidArgumentError

testMistakes({
  // Paths and options.
  'new Journal': [() => new u.Journal('x'), I, /use Journal\.open\(path\) or Journal\.openSync\(path\)/],
  'new Document': [() => new u.Document('x'), I, /use Document\.open\(path\)/],
  'new FileLock': [() => new u.FileLock('x'), I, /use FileLock\.acquire\(path\)/],
  'new Transaction': [() => new u.Transaction('x'), I, /use transaction\(dir, work\) or Transaction\.begin\(dir\)/],
  'new Store': [() => new u.Store('x'), I, /use Store\.open\(dir\)/],
  'a missing directory': [({ at }) => u.Journal.open(at('no/j')), u.NotFoundError, /no\/j: No such file or directory .*the directory .*\/no does not exist: make it, or open with `parents`/],
  'a directory in the place of the file': [({ at }) => u.Journal.open(at('sub')), I, /not a regular file/],
  'an empty path': [() => u.Journal.open(''), I, /the path is empty/],
  'a path with a NUL': [({ at }) => u.Document.open(at('a\0b')), I, /NUL/i],
  'a path that a shell would expand': [() => u.Journal.open('~/x/y.jsonl'), u.NotFoundError, /the directory .*\/~\/x does not exist: a shell expands `~`, this library does not; write the whole path/],
  'a URL as text': [() => u.Document.open('file:///x/y.json'), u.NotFoundError, /write a path, not a URL/],
  'a lock file in the place of its file': [({ at }) => u.FileLock.acquire(at('x.lock')), I, /this would lock .*x\.lock\.lock; name the file that the lock is for, or lock exactly this file with `at`/],
  "another library's lock in the place of ours": [({ at }) => { fs.mkdirSync(at('x.lock')); return u.saveJson(at('x'), 1) }, I, /it is a directory, as another program's lock may be \(proper-lockfile/],
  'a file in the place of the store': [({ at }) => u.Store.open(at('d')), I, /open .*: not a directory/],
  'a store that must exist': [({ at }) => u.Store.open(at('no'), { create: false }), u.NotFoundError, /the directory does not exist, and this handle must not create it/],
  'a snapshot of a missing directory': [({ at }) => u.snapshot(at('no')), u.NotFoundError, /snapshot .*the directory does not exist/],
  'one name for two files of a store': [({ at }) => u.Store.open(at('new'), { journalName: 'a', stateName: 'a' }), I, /journal and state must differ in name: both are "a"/],
  'no path': [() => u.Document.open(null), I, /a path must be a string or a file: URL, not null/],
  'a path that was not awaited': [() => u.Journal.open(Promise.resolve('x')), I, /a path must be a string or a file: URL, not an object \(Promise\)/],
  'a URL of the web': [() => u.loadJson(new URL('https://example.org/x')), I, /not the URL of a file here/],
  'an option with a letter missing': [({ at }) => u.Journal.open(at('x'), { durabilty: 'process' }), I, /unknown option durabilty; did you mean durability\?/],
  "Python's name of an option": [({ at }) => u.Journal.open(at('x'), { max_record: 5 }), I, /unknown option max_record; did you mean maxRecord\?/],
  'an option of another call': [({ document }) => document.save(2, { durability: 'process' }), I, /unknown option durability; this call takes timeout, signal, lock, expect/],
  'a timeout in the place of the options': [({ document }) => document.save(2, 5000), I, /the options must be an object, not 5000/],
  'a word that no option has': [({ at }) => u.Journal.open(at('x'), { durability: 'proces' }), I, /durability must be "process" or "power", not "proces"/],
  'permissions as text': [({ at }) => u.Journal.open(at('x'), { mode: '600' }), I, /mode must be a number such as 0o600, not "600"/],
  'permissions in decimal': [({ at }) => u.Journal.open(at('x'), { mode: 600 }), I, /mode must be 0o777 at most, not 600 \(0o1130\); 0o600 is what ls shows as 600/],
  'a negative timeout': [({ document }) => document.save(2, { timeout: -1 }), I, /timeout must be a number of milliseconds, 0 or more, or Infinity, not -1/],
  'a timeout as text': [({ document }) => document.saveSync(2, { timeout: '5' }), I, /timeout must be a number of milliseconds.*not "5"/],
  'a controller in the place of its signal': [({ document }) => document.save(2, { signal: new AbortController() }), I, /signal must be an AbortSignal/],
  'a signal for a blocking call': [({ document }) => document.saveSync(2, { signal: new AbortController().signal }), I, /signal is for the asynchronous call/],
  'permission denied': [() => u.saveJson('/sys/untorn', 1), u.PermissionDeniedError, /Permission denied|not permitted/i],

  // Locks.
  'a lock of another file': [async ({ at, document }) => document.save(2, { lock: await u.FileLock.acquire(at('x')) }), I, /the lock given is that of .*x, not of this file/],
  'a lock that was released': [async ({ document }) => { const lock = await u.FileLock.acquire(document.path); await lock.release(); await document.save(2, { lock }) }, I, /the lock given was released already/],
  'a lock that is none': [({ document }) => document.save(2, { lock: {} }), I, /lock must be a FileLock/],
  'a lock that was not awaited': [async ({ document, at }) => { const lock = u.FileLock.acquire(at('y')); await document.save(2, { lock }).finally(() => lock) }, I, /lock must be a FileLock, not a promise of one: await it first/],
  'a blocking call on a lock of this program': [async ({ document }) => { await u.FileLock.acquire(document.path); document.saveSync(2) }, u.DeadlockError, /this event loop already holds the lock.*await the call that holds it, pass its FileLock \(`\{ lock \}`\)/],
  'a save inside of update': [({ document }) => document.update(async () => { await document.save(2); return 3 }), u.DeadlockError, /change the value instead of saving/],
  'an update inside of update': [({ document }) => document.update(async () => { await document.update(() => 2); return 3 }), u.DeadlockError, /change the value instead of saving/],
  'an append inside of compact': [({ journal }) => journal.compact(async () => { await journal.append(2); return [] }), u.DeadlockError, /yield the record instead of appending it/],
  'a blocking append inside of compactSync': [({ journal }) => journal.compactSync(() => { journal.appendSync(2); return [] }), u.DeadlockError, /inside compact, yield the record instead of appending it/],
  "a blocking append inside of a fold's update": [({ journal }) => journal.foldSync(() => 0, (n) => n).updateSync(() => { journal.appendSync(2); return [] }), u.DeadlockError, /inside a fold's update, return the records instead of appending them/],
  'a successor that has ended': [async ({ at }) => (await u.FileLock.acquire(at('x'))).transfer(u.Process.of(4_000_000)), I, /the successor, pid 4000000, has ended/],
  'a stale age below the smallest': [({ at }) => u.FileLock.acquire(at('x'), { scheme: 'pid-file', stale: 1 }), I, /stale is 1ms, less than 2s/],
  'a session that is removed while it is owned': [async ({ session, store }) => { await session.claim('me'); await store.remove('s') }, u.LockedError, /remove .*held by pid \d+ \(me\)/],
  'transfer to a pid': [async ({ at }) => (await u.FileLock.acquire(at('x'))).transfer(process.pid), I, /transfer takes a Process/],

  // Transactions, sessions.
  'a name that leads out': [({ dir }) => u.transaction(dir, (tx) => tx.save('../x', 1)), I, /not the name of a file/],
  'a name that is none': [({ dir }) => u.transaction(dir, (tx) => tx.save(5, 1)), I, /the name of a file must be a string/],
  'a transaction without a function': [({ dir }) => u.transaction(dir), I, /transaction takes a function, which gets the transaction/],
  'an async function for transactionSync': [({ dir }) => u.transactionSync(dir, async () => {}), I, /takes a function that is not async; nothing was changed/],
  'a transaction that is over': [async ({ dir }) => { const tx = await u.Transaction.begin(dir); await tx.commit(); await tx.save('a', 1) }, I, /over/],
  'a transaction in a missing directory': [({ at }) => u.transaction(at('no'), () => {}), u.NotFoundError, /the directory .*no does not exist|No such file or directory/],
  'a key that is no text': [({ store }) => store.session(5), I, /a key must be a string/],
  'a session claimed twice': [async ({ session }) => { await session.claim('me'); await session.claim('me') }, u.LockedError, /held by pid \d+ \(me\)/],
  'an async alsoAlive for reconcileSync': [
    ({ t, dir, at }) => {
      const child = `require(${JSON.stringify(path.dirname(new URL(import.meta.resolve('untorn')).pathname))}).Store.openSync(${JSON.stringify(at('store'))}).session('s').claimSync('gone'); process.kill(process.pid, 'SIGKILL')`
      spawnSync(process.execPath, ['-e', child])
      u.Store.openSync(at('store')).session('s').reconcileSync(() => {}, { alsoAlive: async () => false })
    },
    I,
    /an alsoAlive that is not async; nothing was changed/,
  ],
  'a pid that is none': [() => u.Process.of('1'), I, /a pid must be a whole number/],
})

test('seconds for milliseconds: the message shows the unit, and who holds the lock', async (t) => {
  const { at, document } = await scene(t)
  const foreign = await foreignLock(t, at('d.lock'))
  const late = await document.save(2, { timeout: 5 }).catch((thrown) => thrown)
  assertTold(late, u.LockTimeoutError, /not free within 5ms; .*held by pid/)
  assert.throws(() => document.saveSync(2, { timeout: 5 }), (thrown) => Boolean(assertTold(thrown, u.LockTimeoutError, /not free within 5ms; held by pid/)))
  assertTold(await document.save(2, { timeout: 0 }).catch((thrown) => thrown), u.LockedError, /the lock is held; held by pid/)
  assert.ok(late.holder.pid > 0)
  await foreign.release()
})

test('an aborted signal is what the call is rejected with', async (t) => {
  const { document } = await scene(t)
  const reason = new Error('enough')
  const controller = new AbortController()
  controller.abort(reason)
  await assert.rejects(document.save(2, { signal: controller.signal }), (error) => error === reason)
  const timely = await document.save(2, { signal: AbortSignal.timeout(0), lock: undefined }).then(() => undefined, (thrown) => thrown)
  if (timely !== undefined) assert.equal(timely.name, 'TimeoutError')
})

test('an error that nobody catches shows the line of the program, and all that it knows', async (t) => {
  const { at } = await scene(t)
  const program = at('program.mjs')
  fs.writeFileSync(program, `import { loadJson } from ${JSON.stringify(import.meta.resolve('untorn'))}\n\nawait loadJson(process.argv[2])\n`)
  const { status, stderr } = spawnSync(process.execPath, [program, at('no.json')], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /NotFoundError: load .*no\.json: the document does not exist/)
  assert.match(stderr, /program\.mjs:3/)
  assert.match(stderr, /code: 'UNTORN_NOT_FOUND'/)
})

test('a dropped transaction is told of, and an ended one is not', async (t) => {
  const { dir } = await scene(t)
  const program = `
    const { Transaction, transaction } = require(${JSON.stringify(new URL(import.meta.resolve('untorn')).pathname)})
    const dir = process.argv[1]
    async function work() {
      await (await Transaction.begin(dir)).commit()
      Transaction.beginSync(dir).rollbackSync()
      await transaction(dir, () => {})
      { const tx = Transaction.beginSync(dir); tx.commitSync() }
      const forgotten = await Transaction.begin(dir)
      await forgotten.save('x', 1)
    }
    const told = []
    process.on('warning', ({ name, code, message }) => told.push([name, code, message]))
    work().then(async () => {
      for (let i = 0; i < 1000 && told.length === 0; i += 1) { gc(); await new Promise(setImmediate) }
      gc()
      await new Promise(setImmediate)
      console.log(JSON.stringify(told))
    })`
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', program, dir], { encoding: 'utf8' })
  assert.match(stderr, /UntornWarning: transaction .*dropped before commit\(\) or rollback\(\).*\n.*await using/)
  const told = JSON.parse(stdout)
  assert.deepEqual(told.map(([name, code]) => [name, code]), [['UntornWarning', 'UNTORN_TRANSACTION_DROPPED']])
  assert.ok(told[0][2].includes(dir))
  assert.equal(fs.existsSync(path.join(dir, 'x')), false)
})

test('what console.log shows of an error is its message, with the code', async (t) => {
  const { at } = await scene(t)
  const error = await u.loadJson(at('no.json')).catch((thrown) => thrown)
  assert.match(inspect(error), /^NotFoundError: load .*no\.json.*\n {4}at /)
  assert.match(inspect(error), /code: 'UNTORN_NOT_FOUND'/)
})
