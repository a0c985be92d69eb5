// Many calls at once: one that tries once stands behind nobody, and where the system gives no more threads calls wait
// for one and are not refused.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import * as u from 'untorn'
import { directory, ended, file, foreignLock, lines } from './support.mjs'

const process_ = { durability: 'process' }

test('a call that tries once does not stand behind others of this process', async (t) => {
  const dir = directory(t)
  const at = (name) => path.join(dir, name)
  const document = await u.Document.open(at('d'), process_)
  const journal = await u.Journal.open(at('j'), process_)
  const foreign = []
  for (const name of ['d', 'j', 'm']) foreign.push(await foreignLock(t, at(`${name}.lock`)))
  const lock = await u.FileLock.acquire(at('l'))
  const tx = await u.Transaction.begin(dir, process_)
  const waiting = [
    document.save(1), journal.append(1), journal.rotate(), u.saveJson(at('d'), 1), u.appendJson(at('j'), 1), u.FileLock.acquire(at('l')),
    u.Transaction.begin(dir), tx.load('m'),
  ]
  const tried = {
    save: () => document.save(2, { timeout: 0 }),
    create: () => document.create(2, { timeout: 0 }),
    remove: () => document.remove({ timeout: 0 }),
    update: () => document.update(() => 2, { timeout: 0 }),
    append: () => journal.append(2, { timeout: 0 }),
    appendAll: () => journal.appendAll([2], { timeout: 0 }),
    rotate: () => journal.rotate({ timeout: 0 }),
    replace: () => journal.replace([], { timeout: 0 }),
    compact: () => journal.compact((records) => records, { timeout: 0 }),
    fold: () => journal.fold(() => 0, () => 0, { timeout: 0 }),
    saveJson: () => u.saveJson(at('d'), 2, { timeout: 0 }),
    appendJson: () => u.appendJson(at('j'), 2, { timeout: 0 }),
    lock: () => u.FileLock.acquire(at('l'), { timeout: 0 }),
    begin: () => u.Transaction.begin(dir, { timeout: 0 }),
    member: () => tx.load('d', { timeout: 0 }),
  }
  for (const [what, call] of Object.entries(tried)) {
    // While the others wait: they would be settled first.
    const first = await Promise.race([...waiting, call().then(() => 'done', ({ code }) => code)])
    assert.equal(first, 'UNTORN_LOCKED', what)
  }
  await Promise.all(foreign.map(({ release }) => release()))
  await lock.release()
  await waiting[7]
  await tx.rollback()
  await waiting[6].then((begun) => begun.rollback())
  await waiting[5].then((acquired) => acquired.release())
  await Promise.all(waiting)
  // Behind nobody it is carried out, also behind what was settled.
  await document.save(3, { timeout: 0 })
  await journal.append(3, { timeout: 0 })
})

test('a call that was awaited is not in the way of the next, which tries once', async (t) => {
  const dir = directory(t)
  const document = await u.Document.open(path.join(dir, 'd'), process_)
  for (let i = 0; i < 2000; i += 1) {
    await document.save(i)
    assert.equal((await document.save(i, { timeout: 0 })).length, 32)
  }
  await Promise.all([document.save(1), document.save(2, { signal: AbortSignal.abort() }).catch(() => {})])
  await document.update((value) => value, { timeout: 0 })
})

test('what a transaction was told before does not keep a call that tries once from its turn', async (t) => {
  const dir = directory(t)
  const tx = await u.Transaction.begin(dir, process_)
  const saved = tx.save('a', 1)
  const loaded = tx.load('b', { timeout: 0 })
  await tx.commit({ timeout: 0 })
  await Promise.all([saved, loaded])
  assert.equal(await u.loadJson(path.join(dir, 'a')), 1)
})

/** A program of an unprivileged user who may have so many threads and processes. */
async function withThreads(t, more, source) {
  const root = process.getuid?.() === 0
  const dir = directory(t)
  fs.chmodSync(dir, 0o777)
  const uid = root ? 40_000 + (process.pid % 10_000) : process.getuid()
  const project = fileURLToPath(new URL('..', import.meta.url))
  const program = `import * as u from 'untorn'
    const dir = process.argv[2]
    ${source}`
  const entry = path.join(dir, 'program.mjs')
  // Node looks for packages beside the file; the directory of the tests may be closed to others.
  fs.writeFileSync(entry, program.replace("from 'untorn'", `from ${JSON.stringify(import.meta.resolve('untorn'))}`))
  const child = spawn('bash', ['-c', 'ulimit -u "$1" && shift && exec "$@"', 'bash', String(more), process.execPath, entry, dir], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(root ? { uid, gid: uid } : {}),
  })
  let told = ''
  let errors = ''
  child.stdout.on('data', (data) => { told += data })
  child.stderr.on('data', (data) => { errors += data })
  const [code] = await Promise.all([ended(child), once(child.stdout, 'close'), once(child.stderr, 'close')])
  assert.equal(code, 0, errors)
  return JSON.parse(told)
}

/** Why a program can't be run with few threads here. */
function noLimits() {
  if (process.platform !== 'linux') return 'the limit of threads is Linux’s'
  if (process.getuid() !== 0) return 'only root can be another user, whose threads are not counted with those of the tests'
  try {
    fs.accessSync(fileURLToPath(import.meta.resolve('untorn')), fs.constants.R_OK)
    const parts = fileURLToPath(import.meta.resolve('untorn')).split('/')
    for (let i = 2; i < parts.length; i += 1) {
      if ((fs.statSync(parts.slice(0, i).join('/')).mode & 0o5) !== 0o5) return 'other users may not read this directory'
    }
  } catch (error) {
    return error.message
  }
  return false
}

// Node itself has about eleven threads.
for (const threads of [14, 16, 24]) {
  test(`with ${threads} threads calls wait for one`, { skip: noLimits() }, async (t) => {
    const found = await withThreads(
      t,
      threads,
      `const how = { durability: 'process' }
      const count = async (calls) => {
        const outcomes = {}
        for (const { reason } of await Promise.allSettled(calls)) {
          const what = reason === undefined ? 'done' : reason.code + (reason.code === 'UNTORN_IO' ? reason.message : '')
          outcomes[what] = (outcomes[what] ?? 0) + 1
        }
        return outcomes
      }
      const many = (n, call) => count(Array.from({ length: n }, (_, i) => call(i)))
      const found = {}
      found.saves = await many(300, (i) => u.saveJson(dir + '/s' + i, i, how))
      const journal = await u.Journal.open(dir + '/j', how)
      found.appends = await many(300, (i) => journal.append(i))
      found.locks = await many(50, (i) => u.FileLock.acquire(dir + '/l' + i))
      found.timeouts = await many(50, (i) => u.FileLock.acquire(dir + '/l' + i, { timeout: 200 }))
      found.reads = await many(100, () => journal.read())
      const followed = await Promise.all(Array.from({ length: 200 }, (_, i) => u.Journal.open(dir + '/f' + i, how)))
      const follows = followed.map((journal) => journal.follow())
      await Promise.all(follows.map((follow) => follow.ready()))
      const news = many(200, (i) => follows[i].next())
      await Promise.all(followed.map((journal, i) => journal.append(i)))
      found.follows = await news
      await Promise.all(follows.map((follow) => follow.return()))
      // All threads wait for a lock that this very program holds.
      const held = await u.FileLock.acquire(dir + '/j')
      const waiting = Array.from({ length: 40 }, (_, i) => u.Document.open(dir + '/j').then((d) => d.load().then(() => u.FileLock.acquire(dir + '/j').then((l) => l.release()), () => u.FileLock.acquire(dir + '/j').then((l) => l.release()))))
      await new Promise((resolve) => setTimeout(resolve, 50))
      found.whileHeld = (await journal.read()).length
      await journal.append(1, { lock: held })
      await held.release()
      found.waited = await count(waiting)
      console.log(JSON.stringify(found))
      process.exit()`,
    )
    assert.deepEqual(found, {
      saves: { done: 300 },
      appends: { done: 300 },
      locks: { done: 50 },
      timeouts: { UNTORN_LOCK_TIMEOUT: 50 },
      reads: { done: 100 },
      follows: { done: 200 },
      whileHeld: 300,
      waited: { done: 40 },
    })
  })
}

test('two thousand calls do not take as many threads', { skip: !fs.existsSync('/proc/self/task') && 'there is no /proc' }, async (t) => {
  const dir = directory(t)
  const calls = Array.from({ length: 2000 }, (_, i) => u.saveJson(path.join(dir, `f${i}`), i, process_))
  let most = 0
  const looks = setInterval(() => { most = Math.max(most, fs.readdirSync('/proc/self/task').length) }, 5)
  await Promise.all(calls)
  clearInterval(looks)
  assert.ok(most > 0 && most < 200, `${most} threads`)
  assert.equal(lines(path.join(dir, 'f1999'))[0], 1999)
})

test('followers that wait have no threads', { skip: !fs.existsSync('/proc/self/task') && 'there is no /proc' }, async (t) => {
  const dir = directory(t)
  const threads = () => fs.readdirSync('/proc/self/task').length
  const journals = await Promise.all(Array.from({ length: 200 }, (_, i) => u.Journal.open(path.join(dir, `j${i}`), process_)))
  const before = threads()
  const follows = journals.map((journal) => journal.follow())
  await Promise.all(follows.map((follow) => follow.ready()))
  for (const round of [1, 2, 3]) {
    const news = follows.map((follow) => follow.next())
    await new Promise((resolve) => setImmediate(resolve))
    // One that watches, four that look, four that read.
    assert.ok(threads() <= before + 9, `${threads()} threads, ${before} before`)
    for (const journal of journals) journal.appendSync(round)
    for (const { value } of await Promise.all(news)) assert.equal(value, round)
    assert.ok(threads() <= before + 9, `${threads()} threads, ${before} before`)
  }
  await Promise.all(follows.map((follow) => follow.return()))
})
