import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { Journal } from 'untorn'
import { file, foreignLock, isPending } from './support.mjs'

const options = { durability: 'process', headerPrefix: '{"at":', headerReserve: 16 }

test('a header: set, stamped with an append, no record', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, options)
  assert.equal(await journal.header(), null)
  assert.equal(journal.headerSync(), null)
  assert.equal(await journal.setHeader({ at: 1 }), undefined)
  const { ino } = fs.statSync(name)
  await journal.appendAll([1, 2], { header: { at: 2 } })
  journal.appendAllSync([3], { header: { at: 3 } })
  assert.deepEqual([await journal.header(), journal.headerSync()], [{ at: 3 }, { at: 3 }])
  journal.setHeaderSync({ at: 4 })
  assert.deepEqual(await journal.read(), [1, 2, 3])
  assert.equal(fs.statSync(name).ino, ino)
  assert.equal(fs.readFileSync(name, 'utf8'), '{"at":4}       \n1\n2\n3\n')
  const report = await journal.verify()
  assert.deepEqual([report.header, report.records, report.unsealed], [true, 3, 0])
})

test('it takes part in the order of the appends', async (t) => {
  const journal = await Journal.open(file(t), options)
  const calls = Array.from({ length: 300 }, (_, n) => (n % 3 === 0 ? journal.setHeader({ at: n }) : journal.append(n)))
  await Promise.all(calls)
  assert.deepEqual(await journal.header(), { at: 297 })
  assert.equal((await journal.read()).length, 200)
})

test('what is no header, and a journal that knows none', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, options)
  for (const header of [{ to: 1 }, 1, undefined]) {
    await assert.rejects(journal.setHeader(header), { code: 'UNTORN_INVALID_RECORD' })
    assert.throws(() => journal.setHeaderSync(header), { code: 'UNTORN_INVALID_RECORD' })
  }
  await assert.rejects(journal.appendAll([1], { header: { to: 1 } }), { code: 'UNTORN_INVALID_RECORD' })
  assert.equal(fs.existsSync(name), false)
  // Nor is a header a record.
  await assert.rejects(journal.append({ at: 1 }), { code: 'UNTORN_INVALID_RECORD' })
  const without = await Journal.open(name, { durability: 'process' })
  await assert.rejects(without.header(), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(without.setHeader({ at: 1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
  for (const headerPrefix of ['', 'a\nb', 7]) {
    await assert.rejects(Journal.open(name, { headerPrefix }), { code: 'UNTORN_INVALID_ARGUMENT' })
  }
  for (const bad of [{ headerMode: 'never' }, { headerReserve: -1 }, { maxBytes: 1.5 }, { keep: -1 }]) {
    await assert.rejects(Journal.open(name, bad), { code: 'UNTORN_INVALID_ARGUMENT' }, JSON.stringify(bad))
  }
})

test('bytes as prefix, another stringify, plain lines; and mode rename', async (t) => {
  const name = file(t)
  const lines = await Journal.open(name, {
    durability: 'process',
    format: 'lines',
    headerPrefix: Buffer.from('#'),
    headerMode: 'rename',
  })
  await lines.setHeader('# one')
  const { ino } = fs.statSync(name)
  await lines.appendAll(['a'], { header: Buffer.from('# two') })
  assert.deepEqual(await lines.header(), Buffer.from('# two'))
  assert.notEqual(fs.statSync(name).ino, ino)
  const own = await Journal.open(name, {
    durability: 'process',
    format: 'lines',
    headerPrefix: '#',
    stringify: (value) => `# ${value}`,
    parse: (bytes) => bytes.toString().slice(2),
  })
  own.setHeaderSync('three')
  assert.equal(own.headerSync(), 'three')
  assert.equal(fs.readFileSync(name, 'utf8').slice(0, 8), '# three ')
})

test('while somebody else holds the lock a header waits, and is read all the same', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, options)
  await journal.setHeader({ at: 1 })
  const foreign = await foreignLock(t, `${name}.lock`)
  const waiting = journal.setHeader({ at: 2 })
  assert.ok(await isPending(waiting))
  const other = await Journal.open(name, options)
  await assert.rejects(other.setHeader({ at: 3 }, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  assert.deepEqual(await journal.header(), { at: 1 })
  await foreign.release()
  await waiting
  assert.deepEqual(await journal.header(), { at: 2 })
})

test('a sealed journal shows what was changed in it', async (t) => {
  const name = file(t)
  const journal = await Journal.open(name, { durability: 'process', sealed: true })
  await journal.appendAll([{ n: 1 }, { n: 2 }])
  fs.appendFileSync(name, '{"n":3}\n')
  assert.deepEqual((await journal.verify()).unsealed, 1)
  // JSON all the same to those who know nothing of seals.
  assert.equal(JSON.parse(fs.readFileSync(name, 'utf8').split('\n')[0]).n, 1)
  fs.writeFileSync(name, fs.readFileSync(name, 'utf8').replace('{"n":1}', '{"n":7}'))
  const damage = []
  assert.deepEqual(await journal.read({ onDamage: (found) => damage.push(found.kind) }), [{ n: 2 }, { n: 3 }])
  assert.deepEqual(damage, ['bad_seal'])
  await assert.rejects(Journal.open(name, { sealed: true, format: 'lines' }), { code: 'UNTORN_INVALID_ARGUMENT' })
})
