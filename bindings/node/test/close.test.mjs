// What is closed is closed: its descriptors and its memory are given back at once, not when the collector of garbage
// comes by. Each program here opens and closes more files than it may have open.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { Journal, Store, snapshot } from 'untorn'
import { directory, ended, file } from './support.mjs'

/** Runs `source` with few descriptors; it has `dir`, `times(n, work)` and the library as `u`. */
async function withDescriptors(t, limit, source) {
  const dir = directory(t)
  const program = `
    import * as u from 'untorn'
    const dir = process.argv[1]
    const how = { durability: 'process' }
    const times = async (n, verb, work) => {
      for (let i = 0; i < n; i += 1) {
        try {
          await work(dir + '/' + verb + i)
        } catch (error) {
          throw new Error(verb + ', at ' + i + ': ' + error.message, { cause: error })
        }
      }
    }
    ${source}`
  const child = spawn('sh', ['-c', 'ulimit -n "$1"; shift; exec "$@"', 'sh', String(limit), process.execPath, '--input-type=module', '--eval', program, dir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (data) => { errors += data })
  const [code] = await Promise.all([ended(child), once(child.stderr, 'close')])
  assert.equal(code, 0, errors)
}

const FEW = 64
/** So many of the commonest: what a program that lives long comes to. */
const MANY = 5000
/** So many of every verb, more than may be open; with `UNTORN_DEEP=1` ten times as many. */
const SOME = process.env.UNTORN_DEEP ? 1000 : 100

const JOURNAL_VERBS = {
  append: "await v('append', { n: 1 })",
  appendAll: "await v('appendAll', [1, 2])",
  appendRaw: "await v('appendRaw', '1')",
  setHeader: "await v('setHeader', { h: 1 })",
  rewind: "await v('append', 1); const at = await v('end'); await v('append', 2); await v('rewind', at)",
  rotate: "await v('append', 1); await v('rotate'); await v('append', 2)",
  clear: "await v('append', 1); await v('clear'); await v('append', 2)",
  replace: "await v('append', 1); await v('replace', [2])",
  compact: "await v('append', 1); await v('compact', (records) => records)",
  read: "await v('appendAll', [1, 2]); await v('read')",
  tail: "await v('appendAll', [1, 2]); await v('tail', 1)",
  verify: "await v('append', 1); await v('verify'); await v('repair')",
  sync: "await v('append', 1); await v('sync')",
  fold: "const f = await v('fold', () => 0, (n) => n + 1); await (sync ? f.appendSync(1) : f.append(1)); await f.close()",
  foldLeft: "const f = await v('fold', () => 0, (n) => n + 1); await (sync ? f.updateSync(() => [1]) : f.update(() => [1])); f[Symbol.dispose]()",
  recordsToTheEnd: "await v('appendAll', [1, 2]); for await (const r of v('records')) void r",
  recordsLeft: "await v('appendAll', [1, 2]); for await (const r of v('records')) break",
  entriesLeft: "await v('appendAll', [1, 2]); for await (const r of v('entries')) break",
  recordsReturned: "await v('appendAll', [1, 2]); const it = v('records'); await it.next(); await it.return()",
  recordsThrown: "await v('appendAll', [1, 2]); try { for await (const r of v('records')) throw 1 } catch {}",
}

for (const sync of [false, true]) {
  const form = sync ? 'blocking' : 'awaited'
  const on = (handle) => `const v = (verb, ...rest) => ${handle}[verb${sync ? " + 'Sync'" : ''}](...rest)`

  test(`journals, one after another, every verb, ${form}`, async (t) => {
    const works = Object.entries(JOURNAL_VERBS).map(
      ([verb, work]) => `await times(${SOME}, '${verb}', async (name) => {
        const journal = await u.Journal.open${sync ? 'Sync' : ''}(name, { ...how, headerPrefix: '{"h":' })
        ${on('journal')}
        const sync = ${sync}
        ${work}
        await journal.close${sync ? 'Sync' : ''}()
      })`,
    )
    await withDescriptors(t, FEW, works.join('\n'))
  })

  test(`documents, one after another, every verb, ${form}`, async (t) => {
    await withDescriptors(
      t,
      FEW,
      `await times(${SOME}, 'document', async (name) => {
        const document = await u.Document.open${sync ? 'Sync' : ''}(name, how)
        ${on('document')}
        await v('create', 1)
        await v('load')
        await v('loadRaw')
        await v('save', 2)
        await v('update', (n) => n + 1)
        await v('remove')
        await v('close')
      })`,
    )
  })

  test(`calls without a handle, ${form}`, async (t) => {
    await withDescriptors(
      t,
      FEW,
      `${on('u')}
      await times(${SOME}, 'saveJson', (name) => v('saveJson', name, 1, how))
      await times(${SOME}, 'loadJson', (name) => v('loadJson', name, { default: 1 }))
      await times(${SOME}, 'appendJson', (name) => v('appendJson', name, 1, how))`,
    )
  })

  test(`snapshots, transactions, sessions and locks, ${form}`, async (t) => {
    await withDescriptors(
      t,
      FEW,
      `${on('u')}
      const { mkdirSync } = await import('node:fs')
      const at = (object, verb, ...rest) => object[verb${sync ? " + 'Sync'" : ''}](...rest)
      await times(10, 'member', (name) => v('appendJson', name, 1, how))
      await times(${SOME}, 'snapshot', async () => {
        const snapshot = await v('snapshot', dir)
        for await (const record of at(snapshot, 'records', 'member1')) break
        await at(snapshot, 'load', 'member2')
        await at(snapshot, 'close')
      })
      await times(${SOME}, 'transaction', async (name) => {
        mkdirSync(name)
        await v('transaction', name, (tx) => at(tx, 'save', 'a', 1), how)
        const tx = await at(u.Transaction, 'begin', name, how)
        await at(tx, 'load', 'a')
        await at(tx, 'rollback')
      })
      const store = await at(u.Store, 'open', dir + '/store', how)
      await times(${SOME}, 'session', async (name) => {
        const session = store.session(name.slice(dir.length + 1))
        const lease = await at(session, 'claim', 'me')
        const journal = await at(session, 'journal')
        await at(journal, 'append', 1)
        await at(journal, 'close')
        const state = await at(session, 'state')
        await at(state, 'save', 1)
        await at(state, 'close')
        await at(lease, 'release')
      })
      await at(store, 'search', 'nothing')
      await times(${SOME}, 'lock', async (name) => at(await at(u.FileLock, 'acquire', name), 'release'))
      await times(${SOME}, 'holder', (name) => at(u.FileLock, 'holder', name))`,
    )
  })

  test(`five thousand journals, ${form}`, async (t) => {
    await withDescriptors(
      t,
      FEW,
      `await times(${MANY}, 'many', async (name) => {
        const journal = await u.Journal.open${sync ? 'Sync' : ''}(name, how)
        ${on('journal')}
        await v('append', 1)
        for await (const record of v('records')) break
        await v('close')
      })`,
    )
  })
}

test('followers, one after another', async (t) => {
  await withDescriptors(
    t,
    FEW,
    `await times(${SOME}, 'follow', async (name) => {
      const journal = await u.Journal.open(name, how)
      const follow = journal.follow()
      await follow.ready()
      await journal.append(1)
      for await (const record of follow) break
      await journal.close()
    })`,
  )
})

// Nobody can close a reader that is dropped half read: that is left to the collector, which has to know that there is
// something to be had.
test('readers that are dropped half read are collected before they are too many', async (t) => {
  await withDescriptors(
    t,
    1024,
    `const journal = u.Journal.openSync(dir + '/j', how)
    journal.appendAllSync([1, 2, 3])
    await times(${MANY}, 'dropped', async () => {
      journal.recordsSync().next()
      await new Promise((resolve) => setImmediate(resolve))
    })`,
  )
})

test('a reader goes on after its journal was closed, and a second close does nothing', async (t) => {
  const journal = await Journal.open(file(t), { durability: 'process' })
  await journal.appendAll([1, 2])
  const records = journal.records()
  assert.equal((await records.next()).value, 1)
  await journal.close()
  await journal.close()
  assert.equal((await records.next()).value, 2)
  assert.equal((await records.next()).done, true)
})

test('what is closed says so', async (t) => {
  const dir = directory(t)
  const journal = await Journal.open(path.join(dir, 'j'), { durability: 'process' })
  const fold = await journal.fold(() => 0, (n) => n + 1)
  await fold.append(1)
  await fold.close()
  assert.equal(fold.state, 1)
  assert.equal(fold.position, null)
  await assert.rejects(fold.append(2), { code: 'UNTORN_INVALID_ARGUMENT', message: /the fold is closed/ })
  assert.throws(() => fold.refreshSync(), { code: 'UNTORN_INVALID_ARGUMENT' })
  const taken = await snapshot(dir)
  const records = taken.records('j')
  await records.next()
  taken.closeSync()
  taken.closeSync()
  await assert.rejects(taken.load('j'), { code: 'UNTORN_INVALID_ARGUMENT', message: /the snapshot is closed/ })
  assert.throws(() => taken.loadSync('j'), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.equal((await records.next()).done, true)
  await journal.close()
})

test('of a store and a lease that was released nothing stays open', { skip: !fs.existsSync('/proc/self/fd') && 'there is no /proc' }, async (t) => {
  const dir = directory(t)
  const store = await Store.open(dir)
  const session = store.session('a')
  const lease = await session.claim()
  await lease.release()
  const open = fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync(`/proc/self/fd/${fd}`) } catch { return '' } })
  assert.deepEqual(open.filter((name) => name.startsWith(dir)), [])
})
