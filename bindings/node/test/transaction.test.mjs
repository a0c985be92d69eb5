import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { FileLock, Transaction, saveJsonSync, snapshot, snapshotSync, transaction, transactionSync } from 'untorn'
import { directory, ended, foreignLock, lines, program } from './support.mjs'

const json = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))

test('all of it', async (t) => {
  const dir = directory(t)
  const result = await transaction(dir, async (tx) => {
    assert.equal(tx.dir, dir)
    assert.equal(await tx.load('state.json'), undefined)
    assert.equal(await tx.load('state.json', { default: 7 }), 7)
    await tx.save('state.json', { n: 1 })
    assert.deepEqual(await tx.load('state.json'), { n: 1 })
    assert.equal((await tx.loadRaw('state.json')).toString(), '{"n":1}')
    await tx.append('log', 1)
    await tx.appendAll('log', [2, 'three'])
    await tx.create('result.json', true)
    assert.equal(await tx.remove('none'), false)
    assert.deepEqual(fs.readdirSync(dir).filter((name) => !name.startsWith('.untorn') && !name.endsWith('.lock')), [])
    return 'done'
  })
  assert.equal(result, 'done')
  assert.deepEqual(json(path.join(dir, 'state.json')), { n: 1 })
  assert.deepEqual(lines(path.join(dir, 'log')), [1, 2, 'three'])
  assert.equal(json(path.join(dir, 'result.json')), true)
})

test('none of it, where the function throws', async (t) => {
  const dir = directory(t)
  const mine = new Error('mine')
  await assert.rejects(
    transaction(dir, async (tx) => {
      await tx.save('a', 1)
      throw mine
    }),
    (error) => error === mine,
  )
  assert.throws(
    () =>
      transactionSync(dir, (tx) => {
        tx.saveSync('a', 1)
        throw mine
      }),
    (error) => error === mine,
  )
  assert.throws(() => transactionSync(dir, async () => {}), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.equal(fs.existsSync(path.join(dir, 'a')), false)
  // And nothing is locked any more.
  await transaction(dir, (tx) => tx.save('a', 2), { timeout: 0 })
})

test('blocking calls', (t) => {
  const dir = directory(t)
  transactionSync(dir, (tx) => {
    assert.equal(tx.loadSync('a'), undefined)
    tx.saveSync('a', 1)
    tx.createSync('b', 2)
    tx.appendSync('j', 1)
    tx.appendAllSync('j', [2, 3])
    assert.equal(tx.removeSync('c'), false)
    assert.equal(tx.loadRawSync('a').toString(), '1')
  })
  assert.deepEqual(lines(path.join(dir, 'j')), [1, 2, 3])
  const tx = Transaction.beginSync(dir)
  tx.saveSync('a', 9)
  tx.rollbackSync()
  assert.equal(json(path.join(dir, 'a')), 1)
  assert.throws(() => tx.saveSync('a', 9), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('parents: the directory is made', async (t) => {
  const dir = directory(t)
  await assert.rejects(transaction(path.join(dir, 'no'), () => {}), {
    code: 'UNTORN_NOT_FOUND',
    message: /begin with `parents`/,
  })
  await transaction(path.join(dir, 'a', 'b'), (tx) => tx.save('x', 1), { parents: true })
  assert.equal(json(path.join(dir, 'a', 'b', 'x')), 1)
  transactionSync(path.join(dir, 'c', 'd'), (tx) => tx.saveSync('x', 2), { parents: true })
  assert.equal(json(path.join(dir, 'c', 'd', 'x')), 2)
  assert.equal(fs.existsSync(path.join(dir, 'no')), false)
  await assert.rejects(transaction(dir, () => {}, { parents: 1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('a late writer wins', async (t) => {
  const dir = directory(t)
  await assert.rejects(
    transaction(dir, async (tx) => {
      await tx.save('state', 1)
      await tx.create('result', 'ours')
      fs.writeFileSync(path.join(dir, 'result'), '"theirs"')
    }),
    { code: 'UNTORN_ALREADY_EXISTS' },
  )
  assert.equal(json(path.join(dir, 'result')), 'theirs')
  assert.equal(fs.existsSync(path.join(dir, 'state')), false)
})

test('bad input changes nothing', async (t) => {
  const dir = directory(t)
  await transaction(dir, async (tx) => {
    await assert.rejects(tx.save('../x', 1), { code: 'UNTORN_INVALID_ARGUMENT' })
    await assert.rejects(tx.save('a.lock', 1), { code: 'UNTORN_INVALID_ARGUMENT' })
    await assert.rejects(tx.save(7, 1), { code: 'UNTORN_INVALID_ARGUMENT' })
    await assert.rejects(tx.append('j', undefined), { code: 'UNTORN_INVALID_RECORD' })
  })
  await assert.rejects(Transaction.begin(path.join(dir, 'none')), { code: 'UNTORN_NOT_FOUND' })
  assert.throws(() => new Transaction(), { code: 'UNTORN_INVALID_ARGUMENT' })
})

test('one at a time in a directory, in turn', async (t) => {
  const dir = directory(t)
  saveJsonSync(path.join(dir, 'n'), 0)
  const add = () =>
    transaction(dir, async (tx) => {
      await tx.save('n', (await tx.load('n')) + 1)
    }, { durability: 'process' })
  await Promise.all(Array.from({ length: 50 }, add))
  assert.equal(json(path.join(dir, 'n')), 50)
})

test('the wait ends with its time, or its signal', async (t) => {
  const dir = directory(t)
  const other = await foreignLock(t, path.join(dir, '.untorn.lock'))
  await assert.rejects(Transaction.begin(dir, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  await assert.rejects(Transaction.begin(dir, { timeout: 20 }), { code: 'UNTORN_LOCK_TIMEOUT' })
  await assert.rejects(Transaction.begin(dir, { signal: AbortSignal.abort('before') }), (why) => why === 'before')
  const controller = new AbortController()
  const waiting = Transaction.begin(dir, { signal: controller.signal })
  controller.abort('meanwhile')
  await assert.rejects(waiting, (why) => why === 'meanwhile')
  await other.release()
  const tx = await Transaction.begin(dir, { timeout: 0 })
  await tx.rollback()
})

test('a member that somebody else has locked', async (t) => {
  const dir = directory(t)
  const lock = await FileLock.acquire(path.join(dir, 'a'))
  const tx = await Transaction.begin(dir)
  await assert.rejects(tx.load('a', { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  const loading = tx.load('a')
  // A blocking call must not wait for what only this event loop can end.
  await lock.release()
  assert.equal(await loading, undefined)
  await tx.commit()
})

test('a process that is killed while it commits', async (t) => {
  const dir = directory(t)
  for (let round = 0; round < 10; round += 1) {
    const child = program(
      `import { transactionSync } from 'untorn'
       for (let n = 0; ; n += 1) {
         transactionSync(process.argv[1], (tx) => { tx.saveSync('a', n); tx.saveSync('b', n) }, { durability: 'process' })
         if (n === 3) process.stdout.write('.')
       }`,
      dir,
    )
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.kill('SIGKILL')
    assert.equal(await ended(child), 'SIGKILL')
    const [a, b] = transactionSync(dir, (tx) => [tx.loadSync('a'), tx.loadSync('b')])
    assert.equal(a, b)
  }
})

test('a snapshot is of one instant', async (t) => {
  const dir = directory(t)
  await transaction(dir, async (tx) => {
    await tx.save('a', 1)
    await tx.appendAll('j', [1, 2])
  })
  const taken = await snapshot(dir)
  await transaction(dir, async (tx) => {
    await tx.save('a', 2)
    await tx.append('j', 3)
  })
  assert.deepEqual(taken.names, ['a', 'j'])
  assert.equal(await taken.load('a'), 1)
  assert.equal(taken.loadSync('a'), 1)
  assert.equal(await taken.load('none', { default: 0 }), 0)
  assert.equal((await taken.loadRaw('a')).toString(), '1')
  assert.deepEqual([...taken.recordsSync('j')], [1, 2])
  const records = []
  for await (const entry of taken.entries('j')) records.push(entry.value)
  assert.deepEqual(records, [1, 2])
  assert.equal(snapshotSync(dir).loadSync('a'), 2)
})
