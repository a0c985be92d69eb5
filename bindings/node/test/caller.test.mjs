// What a caller gets besides the result: the place of the call in an error, no warnings, and bytes that are read once.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { once } from 'node:events'
import path from 'node:path'
import test from 'node:test'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import * as u from 'untorn'
import { directory, ended, file, foreignLock, program } from './support.mjs'

const process_ = { durability: 'process' }

test('the stack of an error leads to the caller who awaits it', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'f')
  const journal = await u.Journal.open(name, process_)
  const document = await u.Document.open(path.join(dir, 'd'), process_)
  await u.FileLock.acquire(path.join(dir, 'l'))
  const nowhere = { generation: 1, offset: 5 }
  const failing = {
    open: () => u.Journal.open(path.join(dir, 'no', 'f')),
    openDocument: () => u.Document.open(path.join(dir, 'no', 'f')),
    append: () => journal.appendAll([1], { at: nowhere }),
    appendRaw: () => journal.appendRaw('{'),
    rewind: () => journal.rewind(nowhere),
    tail: () => journal.read({ start: nowhere }),
    load: () => document.load(),
    save: () => document.save(1, { expect: '0'.repeat(32) }),
    loadJson: () => u.loadJson(path.join(dir, 'no')),
    saveJson: () => u.saveJson(path.join(dir, 'd'), 1, { expect: '0'.repeat(32) }),
    lock: () => u.FileLock.acquire(path.join(dir, 'l'), { timeout: 1 }),
    tried: () => u.FileLock.acquire(path.join(dir, 'l'), { timeout: 0 }),
    transaction: () => u.transaction(path.join(dir, 'no'), () => {}),
    snapshot: () => u.snapshot(path.join(dir, 'no')),
    selftest: () => u.selftest(path.join(dir, 'no')),
  }
  for (const [what, call] of Object.entries(failing)) {
    const error = await (async function theUsersOwn() {
      await call()
    })().catch((thrown) => thrown)
    assert.ok(error instanceof u.UntornError, what)
    assert.match(error.stack, /theUsersOwn .*caller\.test\.mjs/, `${what}: ${error.stack}`)
    // The first line that a person reads is not the inside of the library.
    assert.doesNotMatch(error.stack.split('\n')[1], /errors\.js|calls\.js/, what)
  }
})

test('JSON of an error has all that it tells', async (t) => {
  const name = file(t)
  const lock = await u.FileLock.acquire(name, { label: 'me' })
  const error = await u.FileLock.acquire(name, { timeout: 0 }).catch((thrown) => thrown)
  const told = JSON.parse(JSON.stringify({ error })).error
  assert.deepEqual(
    [told.name, told.code, told.message, told.operation, told.path, told.holder.label],
    ['LockedError', 'UNTORN_LOCKED', error.message, 'lock', name, 'me'],
  )
  assert.equal('stack' in told, false)
  await lock.release()
})

test('what a handle is can be seen', async (t) => {
  const dir = directory(t)
  const journal = await u.Journal.open(path.join(dir, 'j'), process_)
  const store = await u.Store.open(path.join(dir, 's'))
  const lock = await u.FileLock.acquire(path.join(dir, 'l'))
  assert.equal(inspect(journal), `Journal { path: '${dir}/j' }`)
  assert.match(inspect(await u.Document.open(path.join(dir, 'd'))), /^Document \{ path: '.*\/d' \}$/)
  assert.match(inspect(lock), /^FileLock \{ path: '.*\/l', held: true, shared: false \}$/)
  assert.match(inspect(store), /^Store \{ path:/)
  assert.match(inspect(store.session('a b')), /^Session \{ key: 'a b', path:/)
  assert.match(inspect(await journal.fold(() => 0, (n) => n)), /^Fold \{ position:/)
  assert.match(inspect(await u.snapshot(dir)), /^Snapshot \{ names: \[/)
  assert.match(inspect({ deep: { journal } }), /Journal \{ path/)
  await lock.release()
})

test('a hundred calls on one signal leave no warning, and no listener', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  const child = program(
    `import { getEventListeners } from 'node:events'
     import { Document, Journal } from 'untorn'
     const [name] = process.argv.slice(1)
     const warnings = []
     process.on('warning', ({ name, message }) => warnings.push(name + ': ' + message))
     const { signal } = new AbortController()
     const journal = await Journal.open(name)
     const document = await Document.open(name)
     const waiting = Array.from({ length: 50 }, (_, i) => [journal.append(i, { signal }), document.load({ default: 0 }), document.update(() => 1, { signal }).catch(() => {})]).flat()
     const followers = Array.from({ length: 20 }, () => journal.follow({ signal }))
     console.log(getEventListeners(signal, 'abort').length)
     process.stdin.once('data', async () => {
       await Promise.allSettled(waiting)
       await Promise.all(followers.map((follow) => follow.return()))
       console.log(getEventListeners(signal, 'abort').length, JSON.stringify(warnings))
       process.exit()
     })`,
    name,
  )
  child.stdout.setEncoding('utf8')
  assert.equal((await once(child.stdout, 'data'))[0], '1\n')
  await foreign.release()
  child.stdin.write('go\n')
  assert.equal((await once(child.stdout, 'data'))[0], '0 []\n')
  await ended(child)
})

// A thread writes into the same memory all the while: what is checked is to be what is written.
test('memory that another thread shares is copied before it is looked at', async (t) => {
  const dir = directory(t)
  const shared = new SharedArrayBuffer(64 * 1024)
  const bytes = new Uint8Array(shared)
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `const { workerData: { bytes, flag } } = require('node:worker_threads')
     const { parentPort } = require('node:worker_threads')
     parentPort.postMessage('runs')
     for (let i = 0; Atomics.load(flag, 0) === 0; i += 1) bytes.fill(i % 2 === 0 ? 0x31 : 0x0a)`,
    { eval: true, workerData: { bytes, flag } },
  )
  await once(worker, 'message')
  const name = path.join(dir, 'lines')
  const journal = await u.Journal.open(name, { ...process_, format: 'lines' })
  const document = await u.Document.open(path.join(dir, 'd'), { ...process_, stringify: () => bytes })
  let appended = 0
  const versions = []
  for (let i = 0; i < 200; i += 1) {
    for (const append of [() => journal.appendRawSync(bytes), () => journal.appendSync(bytes), () => journal.appendAllSync([bytes])]) {
      try {
        append()
        appended += 1
      } catch (error) {
        assert.equal(error.code, 'UNTORN_INVALID_RECORD')
      }
    }
    const version = document.saveSync(0)
    document.loadRawSync()
    versions.push(document.version === version)
  }
  Atomics.store(flag, 0, 1)
  await once(worker, 'exit')
  // Whatever was checked had no newline in it.
  const written = fs.readFileSync(name, 'latin1').split('\n').slice(0, -1)
  assert.equal(written.length, appended)
  assert.ok(written.every((line) => line.length === bytes.length))
  assert.ok(versions.every(Boolean), 'the version that save gave is that of the bytes in the file')
})

test('a follower that is unref-ed does not keep the process', async (t) => {
  const name = file(t)
  for (const [before, code] of [['', 'kept'], ['follow.unref();', 'let go']]) {
    const child = program(
      `import { Journal } from 'untorn'
       const journal = await Journal.open(process.argv[1])
       const follow = journal.follow()
       await follow.ready()
       ${before}
       follow.next().then(() => process.exit())
       console.log('waits')
       process.on('exit', () => console.log('over'))`,
      name,
    )
    child.stdout.setEncoding('utf8')
    let told = ''
    child.stdout.on('data', (data) => { told += data })
    if (code === 'let go') {
      assert.equal(await ended(child), 0)
      assert.equal(told, 'waits\nover\n')
    } else {
      await once(child.stdout, 'data')
      u.appendJsonSync(name, 1, process_)
      assert.equal(await ended(child), 0)
    }
  }
})

test('who is not told of damage is warned of it, once a read, with its place', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '1\n{"half\n2\nnot json\n3\n')
  const child = program(
    `import { Journal } from 'untorn'
     const found = []
     process.on('warning', ({ name, code, message }) => found.push([name, code, message]))
     const journal = await Journal.open(process.argv[1])
     const values = [await journal.read(), journal.readSync({ onDamage() {} }), journal.tailSync(3)]
     await new Promise((resolve) => setImmediate(resolve))
     console.log(JSON.stringify({ found, values }))`,
    name,
  )
  const [line] = await once(child.stdout, 'data')
  const { found, values } = JSON.parse(line)
  assert.deepEqual(values[0], [1, 2, 3])
  assert.equal(found.length, 2, JSON.stringify(found))
  for (const [kind, code, message] of found) {
    assert.deepEqual([kind, code], ['UntornWarning', 'UNTORN_DAMAGE'])
    assert.match(message, /at offset \d+ are damaged \(not_json\)/)
    assert.ok(message.includes(name))
  }
})
