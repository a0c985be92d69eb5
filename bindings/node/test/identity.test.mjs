import assert from 'node:assert/strict'
import test from 'node:test'
import { Process } from 'untorn'
import { ended, program } from './support.mjs'

test('this process', () => {
  const own = Process.current()
  assert.equal(own.pid, process.pid)
  assert.equal(own.alive, 'alive')
  assert.equal(Process.from(own).alive, 'alive')
  assert.deepEqual({ ...Process.from(JSON.stringify(own)) }, { ...own })
})

test('one that ends, and another with its pid', async () => {
  const child = program('process.stdin.resume()')
  const named = Process.of(child.pid)
  assert.equal(named.alive, 'alive')
  assert.equal(Process.from({ ...named, start: named.start - 1 }).alive, 'dead')
  assert.equal(Process.from({ ...named, host: 'another-host.invalid' }).alive, 'unknown')
  child.kill('SIGKILL')
  await ended(child)
  assert.equal(named.alive, 'dead')
})

test('what is none', () => {
  for (const value of [-1, 1.5, '7', undefined]) {
    assert.throws(() => Process.of(value), { code: 'UNTORN_INVALID_ARGUMENT' })
  }
  for (const value of ['{}', '', {}, undefined]) {
    assert.throws(() => Process.from(value), { code: 'UNTORN_INVALID_ARGUMENT' })
  }
  assert.throws(() => new Process(), { code: 'UNTORN_INVALID_ARGUMENT' })
})
