import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import test from 'node:test'
import * as imported from 'untorn'
import { FileLock, Journal } from 'untorn'
import { ended, file, foreignLock, lines, program } from './support.mjs'

test('import and require give the same', () => {
  const required = createRequire(import.meta.url)('untorn')
  for (const [name, value] of Object.entries(required)) assert.equal(imported[name], value, name)
  assert.equal(imported.default, required)
})

// A package that compiles itself when it is installed fails where there is no compiler.
test('to install the package runs nothing', () => {
  const require = createRequire(import.meta.url)
  const { scripts = {}, gypfile } = require('untorn/package.json')
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(scripts[name], undefined, name)
  assert.equal(gypfile, undefined)
  assert.ok(!existsSync(join(dirname(require.resolve('untorn/package.json')), 'binding.gyp')))
})

test('a pending wait keeps the process alive', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  const child = program(
    `import { Journal } from 'untorn'
     const journal = await Journal.open(process.argv[1])
     journal.append('alive').then(() => console.log('appended'))
     console.log('waiting')`,
    name,
  )
  await once(child.stdout, 'data')
  const [line] = await Promise.all([once(child.stdout, 'data'), foreign.release()])
  assert.equal(String(line), 'appended\n')
  assert.equal(await ended(child), 0)
  assert.deepEqual(lines(name), ['alive'])
})

test('an idle library does not keep it alive, open handles and locks or not', async (t) => {
  const name = file(t)
  const child = program(
    `import { Document, FileLock, Journal } from 'untorn'
     const journal = await Journal.open(process.argv[1])
     await journal.append(1)
     await Document.open(process.argv[1])
     await FileLock.acquire(process.argv[1])`,
    name,
  )
  assert.equal(await ended(child), 0)
  ;(await FileLock.acquire(name, { timeout: 0 })).releaseSync()
})

test('process.exit in the middle of waits', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  const child = program(
    `import { FileLock, Journal, saveJson } from 'untorn'
     const name = process.argv[1]
     const journal = await Journal.open(name)
     for (let i = 0; i < 50; i += 1) {
       journal.append(i)
       FileLock.acquire(name)
       saveJson(name, i)
     }
     setImmediate(() => process.exit(7))`,
    name,
  )
  assert.equal(await ended(child), 7)
  await foreign.release()
  ;(await FileLock.acquire(name)).releaseSync()
})

test('a lock that nobody keeps an object of is held until the process ends', async (t) => {
  const name = file(t)
  const child = program(
    `import v8 from 'node:v8'
     import vm from 'node:vm'
     import { FileLock } from 'untorn'
     v8.setFlagsFromString('--expose-gc')
     await FileLock.acquire(process.argv[1])
     for (let i = 0; i < 5; i += 1) {
       vm.runInNewContext('gc')()
       await new Promise((resolve) => setImmediate(resolve))
     }
     console.log('collected')
     process.stdin.resume()`,
    name,
  )
  await once(child.stdout, 'data')
  await assert.rejects(FileLock.acquire(name, { timeout: 0 }), { code: 'UNTORN_LOCKED' })
  child.kill('SIGKILL')
  await ended(child)
  ;(await FileLock.acquire(name)).releaseSync()
})

test('processes take turns, and no update is lost', async (t) => {
  const name = file(t)
  const source = `import { Document } from 'untorn'
    const document = await Document.open(process.argv[1], { durability: 'process' })
    for (let i = 0; i < 100; i += 1) await document.update((count = 0) => count + 1)`
  const children = [1, 2, 3].map(() => program(source, name))
  assert.deepEqual(await Promise.all(children.map(ended)), [0, 0, 0])
  assert.deepEqual(lines(name), [300])
  const journal = await Journal.open(`${name}.j`, { durability: 'process' })
  await journal.append(1)
})
