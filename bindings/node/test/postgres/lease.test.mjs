// Leases in a database: one owner, who learns that it is one no more.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Process } from 'untorn'
import { Store } from 'untorn/postgres'
import { finished, pool, program, schema, server, store, withServer } from './support.mjs'

/** An owner that dies with its lease. */
async function deadOwner(name, options = {}) {
  const source = `
    import { Store } from 'untorn/postgres'
    const [, url, schema, options] = process.argv
    const store = await Store.open(url, { schema, ...JSON.parse(options) })
    await store.session('k').claim('the dead one')
    process.kill(process.pid, 'SIGKILL')`
  const { code } = await finished(program(source, server, name, JSON.stringify(options)))
  assert.equal(code, 'SIGKILL')
}

withServer('a session has one owner, who is named', async (t) => {
  const opened = await store(t)
  const lease = await opened.session('k').claim('the first')
  assert.equal(lease.held, true)
  assert.equal(typeof lease.token, 'bigint')
  assert.equal(lease.lost.aborted, false)
  await assert.rejects(opened.session('k').claim('the second'), (error) => {
    assert.equal(error.code, 'UNTORN_LOCKED')
    assert.deepEqual([error.holder.label, error.holder.pid], ['the first', process.pid])
    return true
  })
  const waits = opened.session('k').claim('the second', { timeout: 60_000 })
  await lease.release()
  const second = await waits
  assert.equal((await opened.session('k').holder()).label, 'the second')
  await second.release()
  assert.equal(await opened.session('k').holder(), null)
})

withServer('the wait for an owner ends with its signal, and with its timeout', async (t) => {
  const opened = await store(t)
  const lease = await opened.session('k').claim('the owner')
  const stop = new AbortController()
  const waits = opened.session('k').claim('late', { signal: stop.signal, timeout: Infinity })
  stop.abort(new Error('enough'))
  await assert.rejects(waits, /enough/)
  await assert.rejects(opened.session('k').claim('late', { timeout: 1 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  await lease.release()
})

withServer('an owner that was replaced can change nothing, and its signal is aborted', async (t) => {
  const name = await schema(t)
  const where = pool(t)
  const opened = await Store.open(where, { schema: name, ttl: 30_000 })
  const session = opened.session('k')
  const lease = await session.claim('the first')
  const [journal, state] = [await session.journal(), await session.state()]
  await journal.append(1)
  // As if the time to live had passed while this process was stopped.
  await where.query(`update ${name}.session set until = now() - interval '1 s' where key = 'k'`)
  const second = await opened.session('k').claim('the second')
  assert.equal(second.previous.label, 'the first')
  const lost = once(lease.lost, 'abort')
  await assert.rejects(journal.append(2), { code: 'UNTORN_LEASE_LOST' })
  await lost
  assert.equal(lease.lost.reason.code, 'UNTORN_LEASE_LOST')
  assert.equal(lease.held, false)
  await assert.rejects(state.save({}), { code: 'UNTORN_LEASE_LOST' })
  // A call that was given the signal does not begin any more.
  await assert.rejects(opened.session('other').claim('x', { signal: lease.lost }), { code: 'UNTORN_LEASE_LOST' })
  assert.deepEqual(await journal.read(), [1])
  await lease.release().catch(() => {})
  await second.release()
})

withServer('a dead owner is replaced at once if its lease has a connection, and is reconciled once', async (t) => {
  const name = await schema(t)
  await deadOwner(name, { connected: true })
  const opened = await Store.open(pool(t), { schema: name })
  const retire = async (tx) => {
    await tx.create('result.json', { failed: true })
  }
  const outcomes = await Promise.all([1, 2, 3].map(() => opened.session('k').reconcile(retire)))
  const done = outcomes.filter(({ outcome }) => outcome === 'done')
  assert.equal(done.length, 1)
  assert.equal(done[0].holder.label, 'the dead one')
  assert.equal((await opened.session('k').reconcile(retire)).outcome, 'no_change')
  const lease = await opened.session('k').claim('the next', { timeout: 60_000 })
  assert.equal(lease.previous, null)
  await lease.release()
})

withServer('a reconciliation that fails is tried again, and one in use is left alone', async (t) => {
  const name = await schema(t)
  await deadOwner(name, { connected: true })
  const opened = await Store.open(pool(t), { schema: name })
  const own = new Error('mine')
  await assert.rejects(opened.session('k').reconcile(() => Promise.reject(own)), own)
  const alive = await opened.session('k').reconcile(() => true, { alsoAlive: async () => true })
  assert.equal(alive.outcome, 'alive')
  assert.equal((await opened.session('k').reconcile((tx) => tx.save('x.json', 1).then(() => {}))).outcome, 'done')
})

withServer('a reconciliation that never ends is given up when the garbage is collected', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const name = await schema(t)
  const where = pool(t)
  const opened = await Store.open(where, { schema: name, ttl: 3_600_000 })
  await opened.session('k').claim('dies')
  await where.query(`update ${name}.session set until = now() - interval '1 s' where key = 'k'`)
  await new Promise((begun) => {
    void opened.session('k').reconcile(() => new Promise(begun))
  })
  const late = AbortSignal.timeout(60_000)
  let outcome = 'busy'
  while (outcome === 'busy' && !late.aborted) {
    collect()
    outcome = (await opened.session('k').reconcile((tx) => tx.save('state.json', 1))).outcome
  }
  assert.equal(outcome, 'done')
})

withServer('a session is passed to another process', async (t) => {
  const opened = await store(t)
  const lease = await opened.session('k').claim('the first')
  await lease.transfer(Process.current())
  assert.equal(lease.held, false)
  const again = await opened.session('k').claim('the heir')
  assert.equal(again.held, true)
  await again.release()
})
