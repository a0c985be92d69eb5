// A process ends when nothing is pending, and its event loop is never blocked.

import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import fs from 'node:fs/promises'
import { finished, pool, program, schema, server, store, withServer } from './support.mjs'

const OPENED = `
  import { Store } from 'untorn/postgres'
  const [, url, schema] = process.argv
  const store = await Store.open(url, { schema, connected: true })
  const session = store.session('k')`

withServer('a process ends with a lease that it holds, a follower that waits unheard, and handles', async (t) => {
  const name = await schema(t)
  const source = `${OPENED}
    const lease = await session.claim('it ends')
    const journal = await session.journal()
    await journal.append({ n: 1 })
    const news = journal.follow().unref()
    await news.ready()
    news.next()
    console.log('end')`
  const { output, code } = await finished(program(source, server, name))
  assert.deepEqual([output, code], ['end\n', 0])
})

withServer('process.exit during a call ends the process', async (t) => {
  const name = await schema(t)
  const source = `${OPENED}
    const lease = await session.claim('it ends')
    store.session('k').claim('waits', { timeout: Infinity })
    for (let n = 0; n < 20; n += 1) (await session.journal()).append({ n })
    process.exit(7)`
  const { code } = await finished(program(source, server, name))
  assert.equal(code, 7)
})

withServer('a worker ends in the middle of calls, and the main thread goes on', async (t) => {
  const name = await schema(t)
  const source = `${OPENED.replace('process.argv', '[0, ...process.argv.slice(2)]')}
    const { parentPort } = await import('node:worker_threads')
    await session.claim('the worker')
    const journal = await session.journal()
    const news = journal.follow()
    await news.ready()
    news.next()
    parentPort.postMessage('ready')
    for (;;) await journal.append(1)`
  const worker = new Worker(`import(process.argv[4])`, { eval: true, argv: [server, name, await module(t, source)] })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
  const opened = await store(t)
  await (await opened.session('k').journal()).append('still here')
})

/** A module beside this one, where Node finds the packages. */
async function module(t, source) {
  const file = new URL(`./worker-${process.pid}.mjs`, import.meta.url)
  await fs.writeFile(file, source)
  t.after(() => fs.rm(file))
  return file.href
}

withServer('more calls than libuv has threads wait, and the file system goes on', async (t) => {
  const opened = await store(t)
  const lease = await opened.session('k').claim('the owner')
  const stop = new AbortController()
  const waits = Array.from({ length: 12 }, (_, n) => opened.session('k').claim(`waits ${n}`, { timeout: Infinity, signal: stop.signal }))
  for (let n = 0; n < 8; n += 1) await fs.stat('.')
  await (await opened.session('other').journal()).append(1)
  stop.abort()
  for (const { status } of await Promise.allSettled(waits)) assert.equal(status, 'rejected')
  await lease.release()
})

withServer('a pool with one connection is enough', async (t) => {
  const opened = await store(t, { connected: true }, pool(t, { max: 1 }))
  const session = opened.session('k')
  const lease = await session.claim('one')
  const journal = await session.journal()
  const news = journal.follow()
  await news.ready()
  await Promise.all(Array.from({ length: 30 }, (_, n) => journal.append(n)))
  assert.equal((await news.next()).value, 0)
  await news.return()
  await lease.release()
})
