// The verbs of a store in a database, through promises.

import assert from 'node:assert/strict'
import pg from 'pg'
import { Document as FileDocument, Journal as FileJournal, Store as FileStore } from 'untorn'
import { Document, Journal, Lease, Session, Store, Transaction, migrate, selftest } from 'untorn/postgres'
import { onServer, pool, schema, server, store, withServer } from './support.mjs'

withServer('a pool, a URL and a URL object open the same store, also by the class of files', async (t) => {
  const name = await schema(t)
  const first = await Store.open(pool(t), { schema: name })
  await (await first.session('k').journal()).append({ n: 1 })
  for (const where of [server, pool(t)]) {
    const opened = await FileStore.open(where, { schema: name })
    assert.ok(opened instanceof Store && opened instanceof FileStore)
    assert.deepEqual(await opened.keys(), ['k'])
    assert.equal(opened.path, name)
  }
  // WHATWG URLs need a host before the name of the database.
  const asObject = new URL(server.replace('@/', '@localhost/'))
  assert.deepEqual(await (await FileStore.open(asObject, { schema: name })).keys(), ['k'])
})

withServer('records keep their order, their bytes and their positions', async (t) => {
  const journal = await (await store(t)).session('chat:42').journal()
  const ends = await Promise.all(Array.from({ length: 200 }, (_, n) => journal.append({ n, text: 'é'.repeat(n % 5) })))
  const entries = []
  for await (const entry of journal.entries()) entries.push(entry)
  assert.deepEqual(entries.map(({ value }) => value.n), Array.from({ length: 200 }, (_, n) => n))
  assert.deepEqual(entries.map(({ end }) => end), ends)
  const last = await journal.appendAll([{ a: 1 }, { b: 2 }], { at: ends.at(-1) })
  await assert.rejects(journal.appendAll([{ c: 3 }], { at: ends.at(-1) }), (error) => {
    assert.equal(error.code, 'UNTORN_CONFLICT')
    assert.deepEqual(error.position, last)
    return true
  })
  assert.deepEqual(await journal.tail(2), [{ a: 1 }, { b: 2 }])
  assert.deepEqual(await journal.end(), last)
  assert.equal((await journal.verify()).records, 202)
  assert.ok(journal instanceof Journal && journal instanceof FileJournal)
})

withServer('one of many appends that wait can be aborted, and the others are made', async (t) => {
  const journal = await (await store(t)).session('k').journal()
  const stop = new AbortController()
  const appends = Array.from({ length: 50 }, (_, n) => journal.append(n, n === 25 ? { signal: stop.signal } : undefined))
  stop.abort(new Error('not this one'))
  const done = await Promise.allSettled(appends)
  const made = new Set(await journal.read())
  // It may have been under way already: then it is made, and says so.
  done.forEach(({ status }, n) => assert.equal(made.has(n), status === 'fulfilled', `append ${n}`))
  assert.ok(made.size >= 49)
})

withServer('an append that is refused leaves those beside it alone', async (t) => {
  const journal = await (await store(t)).session('k').journal()
  const begun = [1, 2, 3, 4].map((n) => journal.appendAll([n], n === 3 ? { header: { version: 1 } } : {}))
  const outcomes = await Promise.allSettled(begun)
  assert.deepEqual(outcomes.map(({ status }) => status === 'fulfilled'), [true, true, false, true])
  assert.equal(outcomes[2].reason.code, 'UNTORN_INVALID_ARGUMENT')
  assert.deepEqual(await journal.read(), [1, 2, 4])
})

withServer('a document is saved whole, compared and updated', async (t) => {
  const session = (await store(t)).session('k')
  const state = await session.state()
  assert.deepEqual(await state.load({ default: {} }), {})
  const version = await state.create({ turns: 0 })
  await assert.rejects(state.create({}), { code: 'UNTORN_ALREADY_EXISTS' })
  await state.save({ turns: 1 }, { expect: version })
  await assert.rejects(state.save({ turns: 2 }, { expect: version }), { code: 'UNTORN_CONFLICT' })
  const another = await session.document('notes.json')
  await another.save(['é', 1])
  assert.equal((await another.loadRaw()).toString(), '["é",1]')
  assert.equal(await another.remove(), true)
  assert.equal(await another.remove(), false)
  assert.ok(state instanceof Document && state instanceof FileDocument)
})

withServer('no update is lost between handles, and the function is called again', async (t) => {
  const opened = await store(t)
  let calls = 0
  const add = async () => {
    const state = await opened.session('k').state()
    for (let n = 0; n < 5; n += 1) {
      await state.update((value) => {
        calls += 1
        return { count: (value?.count ?? 0) + 1 }
      })
    }
  }
  await Promise.all([add(), add(), add(), add()])
  assert.deepEqual(await (await opened.session('k').state()).load(), { count: 20 })
  assert.ok(calls >= 20)
})

withServer('a function that awaits a change of its own document is told so', async (t) => {
  const state = await (await store(t)).session('k').state()
  await assert.rejects(
    state.update(async () => {
      await state.save({})
      return {}
    }),
    { code: 'UNTORN_DEADLOCK' },
  )
})

withServer('a transaction changes all or nothing', async (t) => {
  const session = (await store(t)).session('k')
  const result = await session.transaction(async (tx) => {
    assert.ok(tx instanceof Transaction)
    assert.equal(await tx.load('state.json'), undefined)
    await tx.save('state.json', { turns: 1 })
    await tx.append('journal.jsonl', { role: 'user' })
    return 'done'
  })
  assert.equal(result, 'done')
  const [state, journal] = [await session.state(), await session.journal()]
  assert.deepEqual([await state.load(), await journal.read()], [{ turns: 1 }, [{ role: 'user' }]])

  const tx = await session.transaction()
  await tx.load('state.json')
  await tx.append('journal.jsonl', { role: 'tool' })
  await state.save({ turns: 2 })
  await assert.rejects(tx.commit(), { code: 'UNTORN_CONFLICT' })
  assert.deepEqual(await journal.read(), [{ role: 'user' }])

  const own = new Error('mine')
  await assert.rejects(session.transaction((open) => open.save('state.json', {}).then(() => Promise.reject(own))), own)
  assert.deepEqual(await state.load(), { turns: 2 })
})

withServer('a fold sees what others append, and decides again', async (t) => {
  const session = (await store(t)).session('k')
  const [journal, other] = [await session.journal(), await session.journal()]
  const sum = await journal.fold(() => 0, (total, { n }) => total + n)
  await other.append({ n: 3 })
  await sum.append({ n: 4 })
  assert.equal(sum.state, 7)
  const seen = []
  await sum.update(async (total) => {
    seen.push(total)
    // Another handle is faster the first time.
    if (seen.length === 1) await other.append({ n: 1 }, { timeout: 0 })
    return [{ n: 100 - total }]
  })
  assert.deepEqual([seen, sum.state], [[7, 8], 100])
  const many = await Promise.all(Array.from({ length: 10 }, () => sum.update((total) => [{ n: total < 105 ? 1 : 0 }])))
  assert.equal(many.length, 10)
  assert.equal(sum.state, 105)
  assert.equal(await other.rewind({ ...(await other.end()), offset: 0 }), 'journal_1.jsonl')
  await sum.refresh()
  assert.equal(sum.state, 0)
  await sum.close()
  await assert.rejects(sum.append({ n: 1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
})

withServer('a follower yields each record, whichever process appended it, and a rewind', async (t) => {
  const session = (await store(t)).session('k')
  const [journal, other] = [await session.journal(), await session.journal()]
  await other.append('before')
  let rewound = 0
  const news = journal.follow({ onRewind: () => (rewound += 1) })
  await news.ready()
  await other.append('one')
  assert.equal((await news.next()).value, 'one')
  const waits = news.next()
  await other.append('two')
  assert.equal((await waits).value, 'two')
  await other.replace(['fresh'])
  assert.equal((await news.next()).value, 'fresh')
  assert.equal(rewound, 1)
  const last = news.next()
  await journal.close()
  assert.equal((await last).done, true)
  await assert.rejects(journal.append('late'), { code: 'UNTORN_INVALID_ARGUMENT' })
})

withServer('the wait of a follower ends with its signal', async (t) => {
  const journal = await (await store(t)).session('k').journal()
  const stop = new AbortController()
  const news = journal.follow({ signal: stop.signal })
  await news.ready()
  const waits = news.next()
  stop.abort(new Error('enough'))
  await assert.rejects(waits, /enough/)
})

withServer('rotated files, headers and a compaction', async (t) => {
  const session = (await store(t, { journal: { headerPrefix: '{"version"' } })).session('k')
  const journal = await session.journal()
  // Appends that are begun together, one of them with a header.
  const ends = await Promise.all([
    journal.append({ n: 1 }),
    journal.appendAll([{ n: 2 }], { header: { version: 1 } }),
    journal.append({ n: 3 }),
    journal.append({ n: 4 }),
  ])
  assert.deepEqual([await journal.header(), await journal.read()], [{ version: 1 }, [1, 2, 3, 4].map((n) => ({ n }))])
  assert.deepEqual(await journal.end(), ends[3])
  await journal.setHeader({ version: 2 })
  await journal.compact(async function* (records) {
    for await (const record of records) if (record.n % 2 === 0) yield record
  })
  await journal.sync()
  assert.deepEqual([await journal.header(), await journal.read()], [{ version: 2 }, [{ n: 2 }, { n: 4 }]])
  const name = await journal.rotate()
  assert.deepEqual([await journal.rotated(), await journal.read()], [[name], []])
  assert.deepEqual(await (await session.journal(name)).read(), [{ n: 2 }, { n: 4 }])
  assert.equal(await journal.pruneRotated(0), 1)
  await journal.clear()
  assert.equal(await journal.header(), null)
})

withServer('a journal with a limit never goes beyond it by more than one append', async (t) => {
  const session = (await store(t, { journal: { maxBytes: 100, keep: 1000 } })).session('k')
  const journal = await session.journal()
  await Promise.all(Array.from({ length: 60 }, (_, n) => journal.append({ n: 100 + n })))
  const sizes = []
  for (const name of await journal.rotated()) sizes.push((await (await session.journal(name)).verify()).bytes)
  assert.ok(sizes.length > 4)
  assert.ok(sizes.every((size) => size <= 100 + 10), sizes.join())
})

withServer('keys, search and remove', async (t) => {
  const opened = await store(t)
  for (const key of ['a/b', '', 'ü']) await (await opened.session(key).journal()).append({ text: `Hello ${key}` })
  assert.deepEqual(await opened.keys(), ['', 'a/b', 'ü'])
  const reports = []
  const hits = await opened.search('HELLO ü', { onProgress: (progress) => reports.push(progress) })
  const { done, total } = reports.at(-1)
  assert.ok(done > 0 && done === total)
  assert.deepEqual(hits.map(({ key, snippet, range }) => [key, snippet.slice(...range)]), [['ü', 'Hello ü']])
  assert.equal(await opened.remove('a/b'), true)
  assert.equal(await opened.session('a/b').exists(), false)
})

withServer('the classes are those of the handles', async (t) => {
  const session = (await store(t)).session('k')
  const lease = await session.claim('w')
  assert.ok(session instanceof Session && lease instanceof Lease)
  await lease.release()
})

withServer('whatever parsers the program has set for pg, the bytes and numbers are exact', async (t) => {
  const types = pg.types
  const before = types.getTypeParser(20)
  types.setTypeParser(20, Number)
  types.setTypeParser(17, () => 'not bytes')
  t.after(() => {
    types.setTypeParser(20, before)
    types.setTypeParser(17, (text) => Buffer.from(text.slice(2), 'hex'))
  })
  const session = (await store(t)).session('k')
  const lease = await session.claim()
  const { rows } = await pool(t, { types: { getTypeParser: () => (text) => text } }).query(
    `select token from ${session.path.split('/')[0]}.session where key = 'k'`,
  )
  assert.equal(String(lease.token), rows[0].token)
  await (await session.state()).save(Buffer.from('"\\u0000\u{1f600}"').toString())
  assert.equal(await (await session.state()).load(), '"\\u0000\u{1f600}"')
  await lease.release()
})

withServer('bytes come whole in the form of bytea that old clients asked for', async (t) => {
  const escape = pool(t, { options: '-c bytea_output=escape' })
  const session = (await store(t, { journal: { format: 'lines' } }, escape)).session('k')
  const record = Buffer.from([...Array(256).keys()].filter((byte) => byte !== 0 && byte !== 10))
  const journal = await session.journal()
  await journal.appendRaw(record)
  assert.deepEqual((await journal.read())[0], record)
})

withServer('the migrations are applied once, by one of several callers', async (t) => {
  const where = pool(t)
  const name = `node_migrated_${process.pid}`
  t.after(() => onServer(`drop schema ${name} cascade`))
  const applied = await Promise.all([migrate(where, name), migrate(where, name), migrate(server, name)])
  assert.ok(Math.max(...applied) > 0)
  const { rows } = await where.query(`select count(*)::int as n from ${name}.migration`)
  assert.equal(applied.reduce((sum, n) => sum + n), rows[0].n)
  assert.equal(await migrate(where, name), 0)
})

withServer('the self-test says what is as it must be', async (t) => {
  const name = await schema(t)
  const checks = await selftest(server, name)
  const by = new Map(checks.map((check) => [check.name, check.ok]))
  for (const check of ['fsync', 'advisory locks', 'notifications', 'statements outside of transactions']) {
    assert.equal(by.get(check), true, check)
  }
  // A pool that can't make clients has no connections of its own.
  const inner = pool(t)
  const bare = { connect: () => inner.connect(), query: (...statement) => inner.query(...statement) }
  const told = (await selftest(bare, name)).find((check) => check.name === 'own connection')
  assert.equal(told.ok, false)
})
