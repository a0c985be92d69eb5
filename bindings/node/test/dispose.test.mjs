import assert from 'node:assert/strict'
import test from 'node:test'
import { Document, FileLock, Journal } from 'untorn'
import { file } from './support.mjs'

// `using` is not yet in the syntax of the oldest Node that is supported; what
// it calls is.

test('Symbol.dispose and Symbol.asyncDispose', async (t) => {
  const name = file(t)
  for (const how of [Symbol.dispose, Symbol.asyncDispose]) {
    const lock = await FileLock.acquire(name, { timeout: 0 })
    await lock[how]()
    await lock[how]()
    assert.equal(lock.held, false)
    const journal = await Journal.open(name)
    await journal[how]()
    await journal[how]()
    await assert.rejects(journal.append(1), { code: 'UNTORN_INVALID_ARGUMENT' })
    const document = await Document.open(name)
    await document[how]()
    await assert.rejects(document.save(1), { code: 'UNTORN_INVALID_ARGUMENT' })
  }
  assert.equal(FileLock.prototype[Symbol.dispose].constructor.name, 'Function')
  assert.equal(FileLock.prototype[Symbol.asyncDispose].constructor.name, 'AsyncFunction')
})
