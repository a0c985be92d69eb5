import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { Process, Store } from 'untorn'
import { directory, ended, foreignLock, program } from './support.mjs'

const open = (t, options) => Store.openSync(path.join(directory(t), 's'), { durability: 'process', ...options })

/** A process that owns a session, until it is killed. */
async function owner(store, key) {
  const child = program(
    `import { Store } from 'untorn'
     const lease = Store.openSync(process.argv[1]).session(process.argv[2]).claimSync('the worker')
     process.stdout.write('.')
     process.stdin.resume()`,
    store.path,
    key,
  )
  await once(child.stdout, 'data')
  return child
}

async function kill(child) {
  child.kill('SIGKILL')
  await ended(child)
}

test('its files', async (t) => {
  const store = open(t, { journalName: 'context.jsonl', stateName: 'state.toml', stringify: (v) => `n = ${v.n}\n`, parse: (text) => ({ n: Number(text.slice(4)) }) })
  const session = store.session('chat:42/Ü')
  assert.equal(session.key, 'chat:42/Ü')
  assert.equal(await session.exists(), false)
  const journal = await session.journal()
  await journal.append({ role: 'user' })
  assert.equal(path.basename(journal.path), 'context.jsonl')
  const state = await session.state()
  await state.save({ n: 3 })
  assert.deepEqual(await session.stateSync().load(), { n: 3 })
  assert.equal(fs.readFileSync(path.join(session.path, 'state.toml'), 'utf8'), 'n = 3\n')
  const result = await session.document('result.json', { stringify: JSON.stringify, parse: JSON.parse })
  await result.save([1])
  await assert.rejects(session.document('../x'), { code: 'UNTORN_INVALID_ARGUMENT' })
  const media = await session.media('../Photo.JPG')
  assert.ok(media.startsWith(session.path + path.sep))
  assert.equal(session.mediaSync('../Photo.JPG'), media)
  assert.equal(session.existsSync(), true)
  assert.deepEqual(await store.keys(), ['chat:42/Ü'])
  assert.deepEqual(store.keysSync(), ['chat:42/Ü'])
  assert.equal(await store.remove('chat:42/Ü'), true)
  assert.equal(store.removeSync('chat:42/Ü'), false)
  assert.throws(() => store.session(7), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.throws(() => store.session('\ud800'), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(Store.open(path.join(store.path, 'none'), { create: false }), { code: 'UNTORN_NOT_FOUND' })
})

test('one owner at a time', async (t) => {
  const store = open(t)
  const session = store.session('a')
  assert.equal(await session.holder(), null)
  const lease = await session.claim('first')
  assert.equal(lease.holder.label, 'first')
  assert.equal(lease.previous, null)
  assert.equal(session.holderSync().pid, process.pid)
  await assert.rejects(session.claim('second'), (error) => error.code === 'UNTORN_LOCKED' && error.holder.label === 'first')
  assert.throws(() => session.claimSync('second'), { code: 'UNTORN_LOCKED' })
  await assert.rejects(store.remove('a'), { code: 'UNTORN_LOCKED' })
  const waiting = session.claim('second', { timeout: 10_000 })
  await lease.release()
  await lease.release()
  assert.equal(lease.held, false)
  const second = await waiting
  assert.equal(second.held, true)
  const controller = new AbortController()
  const third = session.claim('third', { timeout: Infinity, signal: controller.signal })
  controller.abort('enough')
  await assert.rejects(third, (why) => why === 'enough')
  second.releaseSync()
  session.claimSync('last').releaseSync()
})

test('a dead owner', async (t) => {
  const store = open(t)
  const session = store.session('a')
  let child = await owner(store, 'a')
  assert.equal((await session.holder()).pid, child.pid)
  assert.equal((await session.reconcile(() => true)).outcome, 'alive')
  await kill(child)
  assert.equal(await session.holder(), null)

  assert.equal((await session.reconcile(() => true, { alsoAlive: async () => true })).outcome, 'alive')
  const mine = new Error('mine')
  await assert.rejects(
    session.reconcile(async (tx) => {
      await tx.save('state.json', 'no')
      throw mine
    }),
    (error) => error === mine,
  )
  assert.equal((await session.reconcile(() => false)).outcome, 'no_change')
  const all = await Promise.all(
    Array.from({ length: 4 }, () =>
      session.reconcile(async (tx) => {
        await tx.create('result.json', 'died')
        await tx.save('state.json', 'failed')
      }),
    ),
  )
  assert.equal(all.filter(({ outcome }) => outcome === 'done').length, 1)
  assert.equal((await session.reconcile(() => true)).outcome, 'no_change')
  assert.equal(await session.stateSync().load(), 'failed')

  child = await owner(store, 'a')
  await kill(child)
  const lease = await session.claim('next')
  assert.equal(lease.previous.pid, child.pid)
  assert.equal(lease.previous.label, 'the worker')
  await lease.release()

  child = await owner(store, 'b')
  await kill(child)
  const other = store.session('b')
  assert.throws(() => other.reconcileSync(async () => true), { code: 'UNTORN_INVALID_ARGUMENT' })
  const { outcome, holder } = other.reconcileSync((tx) => void tx.saveSync('state.json', 1))
  assert.equal(outcome, 'done')
  assert.equal(holder.pid, child.pid)
})

test('a lease moves to another process', async (t) => {
  const store = open(t)
  const session = store.session('a')
  const child = program(
    `import { once } from 'node:events'
     import { Store } from 'untorn'
     await once(process.stdin, 'data')
     const lease = await Store.openSync(process.argv[1]).session('a').claim('the worker')
     process.stdout.write('.')
     process.stdin.resume()`,
    store.path,
  )
  const lease = await session.claim('the supervisor')
  await lease.transfer(Process.of(child.pid))
  assert.equal(lease.held, false)
  await assert.rejects(session.claim('another'), { code: 'UNTORN_LOCKED' })
  child.stdin.write('go')
  await once(child.stdout, 'data')
  assert.equal((await session.holder()).label, 'the worker')
  await kill(child)
  await assert.rejects(lease.transfer(Process.of(child.pid)), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('search', async (t) => {
  const store = open(t)
  for (const [key, texts] of [
    ['a', ['nothing', 'Grüße aus Ulm 😀 und mehr']],
    ['b', ['GRÜSSE nicht', 'grüße']],
  ]) {
    const journal = await store.session(key).journal()
    await journal.appendAll(texts.map((text) => ({ text })))
  }
  const hits = await store.search('GRÜßE')
  assert.deepEqual(hits.map(({ key }) => key), ['a', 'b'])
  assert.equal(hits[0].snippet.slice(...hits[0].range), 'Grüße')
  const [smile] = store.searchSync('und')
  assert.equal(smile.snippet.slice(...smile.range), 'und')
  const journal = await store.session('a').journal()
  for await (const value of journal.records({ start: hits[0].position })) assert.match(value.text, /^Grüße/)
  assert.equal((await store.search('e', { maxHits: 1 })).length, 1)
  await assert.rejects(store.search(''), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(store.search('x', { maxHits: -1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('what makes a session waits for the names no longer than it is to, and can be ended', async (t) => {
  const store = open(t)
  await foreignLock(t, path.join(store.path, '.untorn.sessions.lock'))
  const session = store.session('a')
  const controller = new AbortController()
  const waiting = session.media('x.png', { signal: controller.signal })
  await assert.rejects(session.media('x.png', { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  await assert.rejects(session.media('x.png', { timeout: 20 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  assert.throws(() => session.mediaSync('x.png', { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  assert.throws(() => session.mediaSync('x.png', { timeout: 20 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  controller.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  assert.equal(await session.exists(), false)
  assert.deepEqual(await store.keys({ signal: new AbortController().signal }), [])
  await assert.rejects(store.keys({ signal: controller.signal }), { name: 'AbortError' })
  await assert.rejects(store.keys({ signals: controller.signal }), { code: 'UNTORN_INVALID_ARGUMENT', message: /did you mean signal/ })
})
