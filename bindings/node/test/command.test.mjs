import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import { Journal } from 'untorn'
import { ended, file } from './support.mjs'

// What `npx untorn` runs.
const bin = path.join(path.dirname(createRequire(import.meta.url).resolve('untorn/package.json')), 'bin', 'untorn.js')
const run = (...args) => spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })

test('the command writes, reads and checks a journal', async (t) => {
  const name = file(t)
  assert.equal(run('append', name, '{"n":1}').status, 0)
  const journal = await Journal.open(name)
  assert.deepEqual([...journal.recordsSync()], [{ n: 1 }])
  assert.equal(run('check', name).status, 0)
  fs.appendFileSync(name, '{"n')
  const checked = run('check', '--json', name)
  assert.equal(checked.status, 1)
  assert.equal(JSON.parse(checked.stdout).kind, 'torn_tail')
  assert.equal(run('repair', '--yes', name).status, 0)
  assert.equal(run('tail', name).stdout, '{"n":1}\n')
})

test('what makes no sense is usage', () => {
  const wrong = run('chek')
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /similar subcommand exists: 'check'/)
})

test('the lock is held as long as its command runs', async (t) => {
  const name = file(t)
  const holder = spawn(process.execPath, [bin, 'lock', name, '--', 'sh', '-c', 'echo in; read -r _; exit 7'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  const busy = run('lock', '-n', name, '--', 'true')
  assert.equal(busy.status, 75)
  assert.match(busy.stderr, new RegExp(`held by pid ${holder.pid} `))
  holder.stdin.end('\n')
  assert.equal(await ended(holder), 7)
  assert.equal(run('lock', '-n', name, '--', 'true').status, 0)
})
