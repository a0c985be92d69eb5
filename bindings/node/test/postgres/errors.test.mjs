// What goes wrong with a store in a database, and what it says.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import test from 'node:test'
import pg from 'pg'
import { Store as FileStore, UntornError } from 'untorn'
import { Store, migrate } from 'untorn/postgres'
import { onServer, pool, schema, server, store, withServer } from './support.mjs'

/** Rejects, and gives the error. */
async function failure(promise) {
  const error = await promise.then(() => assert.fail('it went well'), (reason) => reason)
  assert.ok(error instanceof UntornError, error?.stack)
  return error
}

test('a server that is not there is told apart, without the secret', async () => {
  const where = 'postgres://someone:SECRET@127.0.0.1:1/nowhere'
  const error = await failure(Store.open(where, { patience: 0 }))
  assert.equal(error.code, 'UNTORN_IO')
  assert.match(error.message, /ECONNREFUSED.*nothing was changed/)
  for (const shown of [error.message, error.stack, JSON.stringify(error)]) assert.ok(!shown.includes('SECRET'))
})

test('a URL that can not be read is refused, without the secret', async () => {
  for (const where of ['postgres://a:SECRET@[/x', 'postgres://a:SECRET@host:port/x']) {
    const error = await failure(Store.open(where, { patience: 0 }))
    const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause?.input)]
    assert.ok(shown.every((text) => !String(text).includes('SECRET')), error.stack)
  }
})

test('what is no pool and no URL is refused', async () => {
  const client = new pg.Client({ host: '127.0.0.1', port: 1 })
  for (const where of ['a/directory', 'mysql://host/x', {}, null, 7, client]) {
    assert.equal((await failure(Store.open(where))).code, 'UNTORN_INVALID_ARGUMENT')
  }
  assert.match((await failure(FileStore.open(client))).message, /needs a pool/)
  assert.throws(() => FileStore.openSync('postgres://host/x'), { code: 'UNTORN_UNSUPPORTED' })
})

test('a misspelt option is named', async () => {
  const error = await failure(Store.open('postgres://127.0.0.1:1/x', { timetolive: 1, patience: 0 }))
  assert.equal(error.code, 'UNTORN_INVALID_ARGUMENT')
  for (const options of [{ ttl: -1 }, { connected: 'yes' }, { schema: 7 }]) {
    assert.equal((await failure(Store.open('postgres://127.0.0.1:1/x', options))).code, 'UNTORN_INVALID_ARGUMENT')
  }
})

withServer('a schema that is missing says what to run', async (t) => {
  const error = await failure(Store.open(pool(t), { schema: 'never_made' }))
  assert.equal(error.code, 'UNTORN_NOT_FOUND')
  assert.match(error.message, /migrations/)
  assert.equal(error.sqlstate, '3F000')
})

withServer('a user that the server refuses is told at once', async (t) => {
  const connectionString = server.replace(/\/\/\w+@/, '//nobody@')
  // The whole patience would be longer than a test may take.
  const error = await failure(Store.open(pool(t, { connectionString }), { patience: 3_600_000 }))
  assert.equal(error.code, 'UNTORN_PERMISSION_DENIED')
  assert.match(error.message, /check the user/)
})

withServer('a role without rights is told what it lacks', async (t) => {
  const name = await schema(t)
  await onServer(`create role ${name}_stranger login`)
  t.after(() => onServer(`drop role ${name}_stranger`))
  const stranger = new pg.Pool({ connectionString: server.replace('untorn@', `${name}_stranger@`) })
  const error = await failure(Store.open(stranger, { schema: name }))
  assert.equal(error.code, 'UNTORN_PERMISSION_DENIED')
  assert.equal(error.sqlstate, '42501')
  assert.match(error.message, /allow\(role\)/)
  assert.equal((await failure(migrate(stranger, `${name}_other`))).code, 'UNTORN_PERMISSION_DENIED')
  await stranger.end()
})

withServer('a pool that was ended is told at once', async (t) => {
  const name = await schema(t)
  const own = new pg.Pool({ connectionString: server })
  const journal = await (await Store.open(own, { schema: name })).session('k').journal()
  await own.end()
  const error = await failure(journal.append(1))
  assert.match(error.message, /after calling end on the pool; nothing was changed/)
})

/** A way to the server that the test can cut. */
async function way(t) {
  const { host, port } = new pg.Client({ connectionString: server })
  const pairs = new Set()
  let loses = false
  const proxy = net.createServer((near) => {
    const far = host.startsWith('/') ? net.connect(`${host}/.s.PGSQL.${port}`) : net.connect(port, host)
    for (const [one, other] of [[near, far], [far, near]]) {
      one.pipe(other).on('error', () => {})
      one.on('error', () => {}).on('close', () => other.destroy())
    }
    // The server has carried out the statement whose answer is kept back.
    near.on('data', () => {
      if (!loses) return
      far.unpipe(near)
      far.once('data', close).resume()
    })
    pairs.add(near)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  const { port: own } = proxy.address()
  const cut = () => {
    for (const near of pairs) near.destroy()
    pairs.clear()
  }
  const close = () => {
    proxy.close()
    cut()
  }
  /** The next answer is lost, and no connection can be had after that. */
  const lose = () => {
    loses = true
  }
  const open = async () => {
    loses = false
    proxy.listen(own, '127.0.0.1')
    await once(proxy, 'listening')
  }
  const { user, database } = new pg.Client({ connectionString: server })
  return { cut, close, lose, open, options: { connectionString: undefined, host: '127.0.0.1', port: own, user, database } }
}

withServer('a connection that broke between statements is replaced', async (t) => {
  const { cut, options } = await way(t)
  const journal = await (await store(t, {}, pool(t, options))).session('k').journal()
  for (let n = 0; n < 5; n += 1) {
    await journal.append(n)
    cut()
  }
  assert.deepEqual(await journal.read(), [0, 1, 2, 3, 4])
})

withServer('a server that can not be reached any more ends the call, and nothing was changed', async (t) => {
  const { close, open, options } = await way(t)
  const journal = await (await store(t, { patience: 50 }, pool(t, { ...options, max: 1 }))).session('k').journal()
  await journal.append(1)
  close()
  // The first one may find its connection broken.
  await failure(journal.end())
  const error = await failure(journal.append(2))
  assert.equal(error.code, 'UNTORN_IO')
  assert.match(error.message, /no answer from the database.*ECONNREFUSED.*nothing was changed/)
  await open()
  await journal.append(3)
  assert.deepEqual(await journal.read(), [1, 3])
})

withServer('a lost answer leaves the change unknown until a read, and it is made once', async (t) => {
  const { lose, open, options } = await way(t)
  const journal = await (await store(t, { patience: 50 }, pool(t, { ...options, max: 1 }))).session('k').journal()
  await journal.append(1)
  lose()
  const error = await failure(journal.append(2))
  assert.equal(error.code, 'UNTORN_IO')
  assert.match(error.message, /the change is made or it is not/)
  await open()
  assert.equal((await failure(journal.append(3))).code, 'UNTORN_POISONED')
  assert.deepEqual(await journal.read(), [1, 2])
  await journal.append(3)
  assert.deepEqual(await journal.read(), [1, 2, 3])
})

withServer('what a store in a database lacks is said by the verb', async (t) => {
  const session = (await store(t)).session('k')
  const [journal, state] = [await session.journal(), await session.state()]
  const fold = await journal.fold(() => 0, () => {})
  const lease = await session.claim()
  const tx = await session.transaction()
  const refused = [
    () => journal.appendSync(1), () => journal.endSync(), () => [...journal], () => journal.tailSync(1), () => journal.closeSync(),
    () => state.loadSync(), () => state.updateSync(() => 1), () => session.existsSync(), () => session.claimSync(),
    () => session.mediaSync('x'), () => fold.refreshSync(), () => lease.releaseSync(), () => tx.commitSync(),
    () => session.reconcileSync(() => {}),
  ]
  for (const call of refused) {
    assert.throws(call, (error) => {
      assert.equal(error.code, 'UNTORN_UNSUPPORTED', error.stack)
      assert.match(error.message, /event loop|only a store of files/)
      return true
    }, String(call))
  }
  const later = [
    () => session.media('x'), () => journal.salvage(), () => journal.torn(), () => journal.repair(),
  ]
  for (const call of later) await assert.rejects(call(), { code: 'UNTORN_UNSUPPORTED' }, String(call))
  await tx.rollback()
  await lease.release()
})
