// Events: a channel of diagnostics_channel for each kind, and a warning for a long wait.

import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import test, { after } from 'node:test'
import * as u from 'untorn'
import { directory, ended, file, foreignLock, program } from './support.mjs'

const process_ = { durability: 'process' }

// Events keep no process alive, and the tests wait for nothing else.
const alive = setInterval(() => {}, 1000)
after(() => clearInterval(alive))

/** The next event of this kind about a path. */
function next(t, kind, about) {
  return new Promise((resolve) => {
    const see = (event, name) => {
      if (event.path !== about) return
      diagnostics.unsubscribe(`untorn:${kind}`, see)
      resolve({ ...event, name })
    }
    diagnostics.subscribe(`untorn:${kind}`, see)
    t.after(() => diagnostics.unsubscribe(`untorn:${kind}`, see))
  })
}

test('a repaired tail is seen, with its place and what keeps it', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '1\n{"half')
  const repaired = next(t, 'repaired', name)
  await u.appendJson(name, 2, process_)
  const event = await repaired
  assert.deepEqual(
    [event.name, event.kind, event.severity, event.offset, event.bytes, event.kept],
    ['untorn:repaired', 'repaired', 'warning', 2, 6, `${name}.torn`],
  )
  assert.match(event.message, /a torn tail of 6 bytes at offset 2 was cut/)
  assert.equal('holder' in event, false)
})

test('skipped damage, and a rotation', async (t) => {
  const dir = directory(t)
  const name = path.join(dir, 'j')
  fs.writeFileSync(name, '1\nbad\n2\n')
  const skipped = next(t, 'skipped_damage', name)
  const rotated = next(t, 'rotated', name)
  const journal = await u.Journal.open(name, process_)
  assert.deepEqual(await journal.read({ onDamage() {} }), [1, 2])
  const { damage, offset, bytes } = await skipped
  assert.deepEqual([damage, offset, bytes], ['not_json', 2, 4])
  const kept = await journal.rotate()
  assert.deepEqual([(await rotated).kept, (await rotated).severity], [kept, 'info'])
})

test('what a subscriber does may wait for the very lock that the event is about', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '1\n{"half')
  const journal = await u.Journal.open(name, process_)
  const answered = new Promise((resolve) => {
    const see = (event) => {
      if (event.path !== name) return
      diagnostics.unsubscribe('untorn:repaired', see)
      journal.appendSync('seen')
      resolve()
    }
    diagnostics.subscribe('untorn:repaired', see)
  })
  await journal.append(2)
  await answered
  assert.deepEqual(await journal.read(), [1, 2, 'seen'])
})

test('a long wait is warned of, with the holder, and is over for the channel', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  u.setWaitThreshold(30)
  t.after(() => u.setWaitThreshold(2000))
  const [waiting, over] = [next(t, 'waiting', name), next(t, 'waited', name)]
  const warned = once(process, 'warning')
  const saved = u.saveJson(name, 1, process_)
  const event = await waiting
  assert.deepEqual([event.operation, event.severity, event.holder.pid], ['save', 'warning', foreign.pid])
  assert.ok(event.waited >= 30)
  const [warning] = await warned
  assert.deepEqual([warning.name, warning.code], ['UntornWarning', 'UNTORN_WAITING'])
  assert.match(warning.message, new RegExp(`save .*: waiting for the lock for \\d+\\.\\d s; held by pid ${foreign.pid}`))
  assert.match(warning.detail, /timeout limits how long/)
  await foreign.release()
  await saved
  assert.ok((await over).waited >= event.waited)
})

test('a call with a timeout waits without a warning, and its event is for information', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  u.setWaitThreshold(30)
  t.after(() => u.setWaitThreshold(2000))
  const warned = []
  const warn = ({ message }) => warned.push(message)
  process.on('warning', warn)
  t.after(() => process.off('warning', warn))
  const journal = await u.Journal.open(name, process_)
  const calls = []
  for (const begin of [() => u.saveJson(name, 1, { ...process_, timeout: 60_000 }), () => journal.append(1, { timeout: 60_000 })]) {
    const waiting = next(t, 'waiting', name)
    const call = begin()
    assert.equal((await waiting).severity, 'info')
    calls.push(call)
  }
  // It comes after both, on the same way.
  process.emitWarning('the last')
  await once(process, 'warning')
  assert.deepEqual(warned, ['the last'])
  await foreign.release()
  await Promise.all(calls)
})

test('a file that programs lock in two schemes is warned of', async (t) => {
  const name = file(t)
  const journal = await u.Journal.open(name, { ...process_, scheme: 'pid-file' })
  await journal.append(1)
  const seen = next(t, 'other_scheme', name)
  const warned = once(process, 'warning')
  const other = await u.Journal.open(name, process_)
  assert.match((await seen).message, /open .*: programs that use different schemes do not exclude each other; .*pid-file/)
  const [warning] = await warned
  assert.deepEqual([warning.name, warning.code], ['UntornWarning', 'UNTORN_OTHER_SCHEME'])
  await Promise.all([journal.close(), other.close()])
})

test('a threshold that is none is refused', () => {
  for (const wrong of [0, -1, NaN, '5', undefined]) {
    assert.throws(() => u.setWaitThreshold(wrong), { code: 'UNTORN_INVALID_ARGUMENT', message: /milliseconds above 0/ })
  }
})

test('a program that flushes has its last events', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '1\n{"half')
  const child = program(
    `import diagnostics from 'node:diagnostics_channel'
     import { appendJson, flushEvents } from 'untorn'
     diagnostics.subscribe('untorn:repaired', ({ bytes }) => console.log(bytes))
     await appendJson(process.argv[1], 2, { durability: 'process' })
     console.log(await flushEvents())`,
    name,
  )
  child.stdout.setEncoding('utf8')
  let told = ''
  child.stdout.on('data', (data) => { told += data })
  assert.equal(await ended(child), 0)
  assert.equal(told, '6\ntrue\n')
  for (const wrong of [-1, NaN, '5', null]) {
    await assert.rejects(u.flushEvents(wrong), { code: 'UNTORN_INVALID_ARGUMENT', message: /number of milliseconds/ })
  }
})

test('events keep no process alive, and a subscriber that throws hurts no call', async (t) => {
  const name = file(t)
  fs.writeFileSync(name, '1\n{"half')
  const child = program(
    `import diagnostics from 'node:diagnostics_channel'
     import { Journal } from 'untorn'
     process.on('uncaughtException', ({ message }) => console.log(message))
     diagnostics.subscribe('untorn:repaired', () => { throw new Error('of the subscriber') })
     const journal = await Journal.open(process.argv[1], { durability: 'process' })
     await journal.append(2)
     const seen = new Promise((resolve) => diagnostics.subscribe('untorn:rotated', resolve))
     await journal.append(3)
     await journal.rotate()
     const timer = setInterval(() => {}, 1000)
     await seen
     clearInterval(timer)
     await journal.append(4)
     console.log(JSON.stringify(await journal.read()))`,
    name,
  )
  child.stdout.setEncoding('utf8')
  let told = ''
  child.stdout.on('data', (data) => { told += data })
  assert.equal(await ended(child), 0)
  assert.equal(told, 'of the subscriber\n[4]\n')
})

test('each event loop has the events, and one of them warns', async (t) => {
  const name = file(t)
  const foreign = await foreignLock(t, `${name}.lock`)
  const child = program(
    `import diagnostics from 'node:diagnostics_channel'
     import { Worker } from 'node:worker_threads'
     import { saveJson, setWaitThreshold } from 'untorn'
     let warnings = 0
     process.on('warning', () => { warnings += 1 })
     const source = \`
       import { parentPort } from 'node:worker_threads'
       import diagnostics from 'node:diagnostics_channel'
       import 'untorn'
       process.on('warning', () => parentPort.postMessage('warned'))
       diagnostics.subscribe('untorn:waited', ({ kind }) => parentPort.postMessage(kind))
       parentPort.postMessage('runs')
       setInterval(() => {}, 1000)\`
     const worker = new Worker(source, { eval: true })
     const told = []
     const two = new Promise((resolve) => worker.on('message', (message) => {
       if (message === 'runs') {
         setWaitThreshold(30)
         diagnostics.subscribe('untorn:waiting', () => console.log('waits'))
         saveJson(process.argv[1], 1)
       } else {
         told.push(message)
         resolve()
       }
     }))
     await two
     await worker.terminate()
     console.log(JSON.stringify([warnings > 0, told]))`,
    name,
  )
  child.stdout.setEncoding('utf8')
  assert.match((await once(child.stdout, 'data'))[0], /^waits\n/)
  let told = ''
  child.stdout.on('data', (data) => { told += data })
  await foreign.release()
  assert.equal(await ended(child), 0)
  assert.deepEqual(JSON.parse(told.trim().split('\n').at(-1)), [true, ['waited']])
})
