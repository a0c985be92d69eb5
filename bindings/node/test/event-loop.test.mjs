import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { Document, FileLock, Journal } from 'untorn'
import { file, foreignLock } from './support.mjs'

test('waiting calls leave the pool of libuv and the loop alone', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  const journals = await Promise.all([1, 2, 3, 4].map(() => Journal.open(name, { durability: 'process' })))
  const document = await Document.open(name, {
    durability: 'process',
    stringify: (text) => text,
    parse: (text) => text,
  })
  let settled = 0
  const waiting = [
    ...[1, 2, 3, 4, 5, 6].map(() => FileLock.acquire(name).then((lock) => lock.release())),
    ...journals.map((journal) => journal.append(1)),
    ...[1, 2, 3].map(() => document.update((text = '1\n') => text)),
    ...[1, 2, 3].map(() => journals[0].repair()),
    ...journals.map((journal) => journal.compact((records) => records)),
    journals[1].rotate(),
  ].map((call) => call.then(() => (settled += 1)))
  // Were a call to wait on the pool of four, no read would ever end, for the
  // lock is let go only after these.
  await Promise.all(Array.from({ length: 50 }, () => fs.promises.readFile(import.meta.filename ?? new URL(import.meta.url))))
  // Nor could the loop turn.
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  // Calls that need no lock end too.
  await Promise.all([journals[0].read(), journals[1].verify(), document.load({ default: '' }), FileLock.holder(name)])
  assert.equal(settled, 0)
  await foreign.release()
  await Promise.all(waiting)
  assert.equal(settled, 21)
})
