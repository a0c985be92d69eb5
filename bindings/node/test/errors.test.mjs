import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import * as untorn from 'untorn'
import { saveJson } from 'untorn'
import { directory, ended, file, lines } from './support.mjs'

// The codes that the declarations name.
const DECLARED = fs.readFileSync(fileURLToPath(import.meta.resolve('untorn')).replace(/index\.js$/, 'types/errors.d.ts'), 'utf8')
const CODES = [...DECLARED.matchAll(/^  \| '(UNTORN_\w+)'$/gm)].map(([, code]) => code)

test('there is a class for every code', () => {
  const classes = Object.entries(untorn).filter(([name]) => name.endsWith('Error') && name !== 'UntornError')
  const spelled = (name) => `UNTORN${name.replace(/Error$/, '').replace(/[A-Z]/g, '_$&').toUpperCase()}`
  assert.deepEqual(classes.map(([name]) => spelled(name)).sort(), CODES.toSorted())
  for (const code of ['UNTORN_LOCK_TIMEOUT', 'UNTORN_IO', 'UNTORN_INTERNAL']) assert.ok(CODES.includes(code))
  for (const [name, Class] of classes) {
    assert.ok(Class.prototype instanceof untorn.UntornError && Class.prototype instanceof Error)
    assert.equal(Class.prototype.name, name)
    const parent = Object.getPrototypeOf(Class).prototype.name
    assert.match(DECLARED, new RegExp(`^export class ${name} extends ${parent} \\{\\}$`, 'm'))
  }
  // Code that handles a conflict handles a lost lease too.
  assert.ok(untorn.LeaseLostError.prototype instanceof untorn.ConflictError)
})

test('an error of the system has its number, the path and the operation', async (t) => {
  const name = path.join(directory(t), 'no', 'file')
  const sync = (() => {
    try {
      untorn.Journal.openSync(name)
    } catch (error) {
      return error
    }
  })()
  const promised = await untorn.Journal.open(name).catch((error) => error)
  for (const error of [sync, promised]) {
    assert.ok(error instanceof untorn.NotFoundError && error instanceof untorn.UntornError)
    assert.deepEqual(
      [error.name, error.code, error.errno, error.operation, error.path],
      ['NotFoundError', 'UNTORN_NOT_FOUND', -2, 'open', name],
    )
    assert.match(error.message, /^open .*No such file or directory/)
    assert.match(inspect(error), /NotFoundError/)
  }
  assert.match(sync.stack, /errors\.test\.mjs/)
})

test('a file size limit is StorageFull, and leaves the file as it was', async (t) => {
  const name = file(t)
  const source = `import { Journal } from 'untorn'
    const journal = Journal.openSync(process.argv[1], { durability: 'process' })
    const found = []
    for (const append of [(value) => journal.append(value), async (value) => journal.appendSync(value)]) {
      let appended = 0
      try {
        for (;;) { await append('x'.repeat(3000)); appended += 1 }
      } catch (error) {
        found.push([error.name, error.code, error.errno, appended > 0])
      }
    }
    await journal.append('small')
    console.log(JSON.stringify(found))`
  // Half a record more than fits.
  const child = spawn('sh', ['-c', 'ulimit -f 30; exec "$@"', 'sh', process.execPath, '--input-type=module', '--eval', source, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await Promise.all([once(child.stdout, 'data'), ended(child)])
  const full = ['StorageFullError', 'UNTORN_STORAGE_FULL', -27]
  assert.deepEqual(JSON.parse(line), [[...full, true], [...full, false]])
  const records = lines(name)
  assert.equal(records.pop(), 'small')
  assert.ok(records.length > 0 && records.every((record) => record === 'x'.repeat(3000)))
})

test('where nobody may write is PermissionDenied', async () => {
  await assert.rejects(saveJson('/sys/untorn', 1), { name: 'PermissionDeniedError', code: 'UNTORN_PERMISSION_DENIED' })
})

test('arguments of a wrong type are InvalidArgument', async (t) => {
  const name = file(t)
  const journal = await untorn.Journal.open(name)
  const bad = { code: 'UNTORN_INVALID_ARGUMENT' }
  await assert.rejects(journal.appendAll([1], { at: 7 }), bad)
  await assert.rejects(journal.appendAll([1], { at: { generation: 1, offset: 0.5 } }), bad)
  assert.throws(() => journal.appendAllSync([1], { at: { generation: 1, offset: -1 } }), bad)
  assert.throws(() => journal.appendSync(1, { timeout: NaN }), bad)
  await assert.rejects(journal.append(1, { signal: {} }), bad)
  await assert.rejects(journal.tail(-1), bad)
  await assert.rejects(journal.tail('1'), bad)
  await assert.rejects(journal.read({ maxRecords: -1 }), bad)
  await assert.rejects(journal.read({ start: { generation: 'x', offset: 0 } }), bad)
  assert.throws(() => journal.recordsSync({ onDamage: 1 }), bad)
  await assert.rejects(untorn.Journal.open(name, { create: 'yes' }), bad)
  await assert.rejects(untorn.FileLock.acquire(name, { label: 1 }), bad)
  assert.equal(fs.existsSync(name), false)
})

test('types of the exports', () => {
  assert.match(untorn.version, /^\d+\.\d+\.\d+/)
  for (const Class of [untorn.Journal, untorn.Document, untorn.FileLock]) {
    assert.throws(() => new Class(), { code: 'UNTORN_INVALID_ARGUMENT' })
  }
})
