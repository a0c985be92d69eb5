import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { Document, FileLock, Journal, selftest, selftestSync } from 'untorn'
import { directory, ended, file, isPending, program } from './support.mjs'

const process_ = { durability: 'process' }

test('each scheme: one lock for all three', async (t) => {
  for (const scheme of ['sidecar', 'in-place', 'pid-file']) {
    const name = file(t)
    const journal = await Journal.open(name, { ...process_, scheme })
    const document = Document.openSync(name, { ...process_, scheme })
    await journal.append(1)
    const lock = await FileLock.acquire(name, { scheme, onUnsupported: 'fail', stale: 10_000 })
    assert.equal(lock.lockPath, scheme === 'in-place' ? name : `${name}.lock`)
    await assert.rejects(journal.append(2, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
    await assert.rejects(document.save(2, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
    await journal.append(2, { lock })
    const waiting = document.save('saved')
    assert.ok(await isPending(waiting))
    await lock.release()
    await waiting
    assert.equal(await document.load(), 'saved')
    FileLock.acquireSync(name, { scheme, timeout: 0 }).releaseSync()
    assert.equal(fs.existsSync(`${name}.lock`), scheme === 'sidecar', scheme)
  }
})

test('in place the file stays the same file', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '{}')
  const { ino } = fs.statSync(name)
  const document = await Document.open(name, { ...process_, scheme: 'in-place' })
  await document.save({ a: 1 })
  await document.update((value) => ({ ...value, b: 2 }))
  assert.equal(fs.statSync(name).ino, ino)
  assert.equal(fs.readFileSync(name, 'utf8'), '{"a":1,"b":2}')
})

test('what is no scheme', async (t) => {
  const name = file(t)
  const bad = [{ scheme: 'flock' }, { onUnsupported: 'ignore' }, { scheme: 'pid-file', stale: -1 }, { scheme: 'pid-file', stale: 1000 }]
  for (const options of bad) {
    const refused = { code: 'UNTORN_INVALID_ARGUMENT' }
    await assert.rejects(FileLock.acquire(name, options), refused, JSON.stringify(options))
    assert.throws(() => FileLock.acquireSync(name, options), refused)
    await assert.rejects(Journal.open(name, options), refused)
    await assert.rejects(Document.open(name, options), refused)
  }
  assert.equal(fs.existsSync(`${name}.lock`), false)
})

test('a lock moves to another process, and nobody comes in between', async (t) => {
  const name = file(t)
  const heir = program(
    `import { FileLock } from 'untorn'
    const lines = process.stdin[Symbol.asyncIterator]()
    console.log(process.pid)
    await lines.next()
    const lock = await FileLock.acquire(process.argv[1])
    console.log('has it')
    await lines.next()
    await lock.release()
    process.exit(0)`,
    name,
  )
  t.after(() => heir.kill())
  const said = heir.stdout[Symbol.asyncIterator]()
  const pid = Number((await said.next()).value)
  const lock = await FileLock.acquire(name)
  const start = Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[19])
  const self = await FileLock.holder(name)
  const child = { ...self, pid, start }
  await assert.rejects(lock.transfer({ ...child, start: 1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
  await assert.rejects(lock.transfer('me'), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.throws(() => lock.transferSync({ pid: -1 }), { code: 'UNTORN_INVALID_ARGUMENT' })
  assert.equal(lock.held, true)
  await lock.transfer(child)
  assert.equal(lock.held, false)
  const between = FileLock.acquire(name)
  await assert.rejects(FileLock.acquire(name, { timeout: 0 }), (error) => {
    assert.equal(error.code, 'UNTORN_LOCKED')
    assert.equal(error.holder.pid, pid)
    return true
  })
  heir.stdin.write('\n')
  assert.equal(String((await said.next()).value), 'has it\n')
  assert.ok(await isPending(between))
  heir.stdin.write('\n')
  await (await between).release()
  assert.equal(await ended(heir), 0)
})

test('selftest shows that locks lock here', async (t) => {
  const dir = directory(t)
  const report = await selftest(dir)
  assert.deepEqual([report.dir, report.scheme, report.passed], [dir, 'sidecar', true])
  const checks = new Map(report.checks.map(({ name, outcome }) => [name, outcome]))
  assert.equal(checks.get('exclusion'), 'passed')
  assert.equal(checks.get('release_on_death'), 'passed')
  assert.ok(report.checks.every(({ detail }) => typeof detail === 'string'))
  assert.equal(selftestSync(dir, { scheme: 'pid-file' }).scheme, 'pid-file')
  assert.deepEqual(fs.readdirSync(dir), [])
  await assert.rejects(selftest(`${dir}/none`), { code: 'UNTORN_NOT_FOUND' })
  await assert.rejects(selftest(dir, { scheme: 'none' }), { code: 'UNTORN_INVALID_ARGUMENT' })
})
