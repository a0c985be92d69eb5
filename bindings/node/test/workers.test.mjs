import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import { FileLock, Journal, loadJson } from 'untorn'
import { file, lines } from './support.mjs'

/** A worker of this process; `workerData` is the file. */
const worker = (source, workerData) => new Worker(
  `const { parentPort, workerData: name } = require('node:worker_threads')
   const { Document, FileLock, Journal, saveJson } = require('untorn')
   ;(async () => { ${source} })().catch((error) => { process.nextTick(() => { throw error }) })`,
  { eval: true, workerData },
)

test('workers append and count at the same time', async (t) => {
  const name = file(t)
  const workers = [0, 1, 2, 3].map((n) => worker(
    `const journal = await Journal.open(name + '.j', { durability: 'process' })
     const document = Document.openSync(name, { durability: 'process' })
     for (let i = 0; i < 200; i += 1) {
       if (i % 2) await journal.append({ n: ${n}, i })
       else journal.appendSync({ n: ${n}, i })
       if (i % 10 === 0) await document.update((count = 0) => count + 1)
     }`,
    name,
  ))
  const codes = await Promise.all(workers.map(async (one) => (await once(one, 'exit'))[0]))
  assert.deepEqual(codes, [0, 0, 0, 0])
  assert.equal(await loadJson(name), 80)
  const records = lines(`${name}.j`)
  for (const n of [0, 1, 2, 3]) {
    assert.deepEqual(records.filter((record) => record.n === n).map(({ i }) => i), Array.from({ length: 200 }, (_, i) => i))
  }
})

test('a worker that is terminated in the middle of its waits leaves nothing behind', async (t) => {
  const name = file(t)
  for (let round = 0; round < 10; round += 1) {
    const lock = await FileLock.acquire(name)
    const waiting = worker(
      `const journal = await Journal.open(name, { durability: 'process' })
       const document = await Document.open(name, { durability: 'process' })
       for (let i = 0; i < 5; i += 1) {
         journal.append('of the worker')
         FileLock.acquire(name)
         FileLock.acquire(name, { timeout: 60000 })
         document.update((value) => value)
         saveJson(name, 'of the worker')
       }
       setImmediate(() => parentPort.postMessage('waiting'))`,
      name,
    )
    await once(waiting, 'message')
    await waiting.terminate()
    await lock.release()
    // Were one of its calls to get the lock, this would wait for ever.
    ;(await FileLock.acquire(name)).releaseSync()
  }
  const journal = await Journal.open(name, { durability: 'process' })
  assert.deepEqual(await journal.read(), [])
})

test('a worker that is terminated while it holds locks lets them go', async (t) => {
  const name = file(t)
  for (let round = 0; round < 10; round += 1) {
    const holding = worker(
      `await FileLock.acquire(name)
       const document = await Document.open(name + '.d')
       document.update(() => { parentPort.postMessage('holding'); return new Promise(() => {}) })
       setInterval(() => {}, 1000)`,
      name,
    )
    await once(holding, 'message')
    await assert.rejects(FileLock.acquire(name, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
    await holding.terminate()
    ;(await FileLock.acquire(name)).releaseSync()
    ;(await FileLock.acquire(`${name}.d`)).releaseSync()
  }
})

test('terminated while results pour in', async (t) => {
  const name = file(t)
  for (let round = 0; round < 20; round += 1) {
    const busy = worker(
      `const journal = await Journal.open(name, { durability: 'process' })
       parentPort.postMessage('busy')
       for (;;) {
         for (let i = 0; i < 100; i += 1) { journal.append({ i }); FileLock.acquire(name).then((lock) => lock.release()) }
         await new Promise((resolve) => setImmediate(resolve))
       }`,
      name,
    )
    await once(busy, 'message')
    await new Promise((resolve) => setImmediate(resolve))
    await busy.terminate()
    ;(await FileLock.acquire(name)).releaseSync()
  }
  const report = await (await Journal.open(name, { durability: 'process' })).verify()
  assert.equal(report.damageCount, 0)
})
