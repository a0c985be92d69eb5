// An asynchronous call that is not awaited yet releases its lock by itself, so a blocking call may wait for it.

import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory } from './support.mjs'

const process_ = { durability: 'process' }

async function scene(t) {
  const dir = directory(t)
  const journal = await u.Journal.open(path.join(dir, 'j'), { ...process_, headerPrefix: '{"h":' })
  const start = await journal.append(0)
  const document = await u.Document.open(path.join(dir, 'd'), process_)
  await document.save(0)
  const fold = await journal.fold(() => 0, (sum) => sum + 1)
  return { dir, journal, start, document, fold }
}

const JOURNAL = {
  append: ({ journal }) => journal.append(1),
  appendAll: ({ journal }) => journal.appendAll([1, 2]),
  appendRaw: ({ journal }) => journal.appendRaw('3'),
  setHeader: ({ journal }) => journal.setHeader({ h: 1 }),
  rotate: ({ journal }) => journal.rotate(),
  clear: ({ journal }) => journal.clear(),
  replace: ({ journal }) => journal.replace([4]),
  repair: ({ journal }) => journal.repair(),
  sync: ({ journal }) => journal.sync(),
  appendJson: ({ journal }) => u.appendJson(journal.path, 5, process_),
}

const JOURNAL_SYNC = {
  appendSync: ({ journal }) => journal.appendSync(1),
  setHeaderSync: ({ journal }) => journal.setHeaderSync({ h: 2 }),
  rotateSync: ({ journal }) => journal.rotateSync(),
  clearSync: ({ journal }) => journal.clearSync(),
  replaceSync: ({ journal }) => journal.replaceSync([1]),
  compactSync: ({ journal }) => journal.compactSync((records) => records),
  repairSync: ({ journal }) => journal.repairSync(),
  foldSync: ({ fold }) => fold.appendSync(1),
  appendJsonSync: ({ journal }) => u.appendJsonSync(journal.path, 5, process_),
  transactionSync: ({ dir }) => u.transactionSync(dir, (tx) => tx.appendSync('j', 1), process_),
  acquireSync: ({ journal }) => u.FileLock.acquireSync(journal.path).releaseSync(),
}

const DOCUMENT = {
  save: ({ document }) => document.save(1),
  create: ({ document }) => document.create(1).catch(({ code }) => assert.equal(code, 'UNTORN_ALREADY_EXISTS')),
  remove: ({ document }) => document.remove(),
  saveJson: ({ document }) => u.saveJson(document.path, 1, process_),
}

const DOCUMENT_SYNC = {
  saveSync: ({ document }) => document.saveSync(2),
  removeSync: ({ document }) => document.removeSync(),
  updateSync: ({ document }) => document.updateSync(() => 3),
  saveJsonSync: ({ document }) => u.saveJsonSync(document.path, 4, process_),
  transactionSync: ({ dir }) => u.transactionSync(dir, (tx) => tx.saveSync('d', 5), process_),
  acquireSync: ({ document }) => u.FileLock.acquireSync(document.path).releaseSync(),
}

for (const [changes, blocking] of [[JOURNAL, JOURNAL_SYNC], [DOCUMENT, DOCUMENT_SYNC]]) {
  for (const [begun, begin] of Object.entries(changes)) {
    test(`a blocking call waits for ${begun}() that is not awaited`, async (t) => {
      const stage = await scene(t)
      for (const [, block] of Object.entries(blocking)) {
        // Many: some of them hold the lock while the blocking call asks for it, others wait for it.
        const calls = Array.from({ length: 10 }, () => begin(stage))
        block(stage)
        await Promise.all(calls)
      }
    })
  }
}

test('a lock that JavaScript holds, or will receive, is a deadlock for a blocking call', async (t) => {
  const { document } = await scene(t)
  const deadlock = { name: 'DeadlockError', code: 'UNTORN_DEADLOCK' }
  let end
  let begun
  const running = new Promise((resolve) => { begun = resolve })
  const update = document.update(async () => {
    begun()
    await new Promise((resolve) => { end = resolve })
    return 6
  })
  await running
  assert.throws(() => document.saveSync(2), { ...deadlock, message: /inside update, change the value instead of saving; elsewhere, await the update first/ })
  end()
  await update
  const lock = await u.FileLock.acquire(document.path)
  assert.throws(() => document.saveSync(2), { ...deadlock, message: /`\{ lock \}`/ })
  await lock.release()
  assert.equal(document.loadSync(), 6)
})
