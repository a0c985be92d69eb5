// Compares the outcome of a step with the one that the data names.

import assert from 'node:assert/strict'
import path from 'node:path'
import { UntornError } from 'untorn'
import { bytes } from './data.mjs'

/** Compares what a step gave with what it says. */
export function compare(stage, step, outcome) {
  if ('end' in step) assert.equal(outcome.kept.offset, step.end, 'the offset')
  if ('generation_of' in step) {
    assert.equal(outcome.kept.generation, stage.position(step.generation_of).generation, 'the generation')
  }
  if ('version' in step) assert.equal(outcome.kept, step.version, 'the version')
  if ('records' in step && outcome.records) {
    const records = outcome.records.map(({ value }) => Buffer.from(value).toString('latin1'))
    assert.deepEqual(records, step.records.map((record) => bytes(record).toString('latin1')), 'records')
  }
  if ('spans' in step) {
    assert.deepEqual(outcome.records.map(({ start, end }) => [start.offset, end.offset]), step.spans, 'spans')
  }
  if ('values' in step) assert.deepEqual(outcome.values, step.values, 'values')
  if ('damage' in step) assert.deepEqual(triples(outcome.damage), step.damage, 'damage')
  for (const [key, value] of Object.entries(step.report ?? {})) {
    assert.deepEqual(report(outcome.report)[key], value, key)
  }
  for (const key of ['value', 'was']) {
    if (key in step) assert.deepEqual(outcome[key], step[key] === null ? null : bytes(step[key]), key)
  }
  for (const key of step.op === 'next' ? ['record', 'rewound', 'nothing'] : ['state']) {
    if (key in step) assert.deepEqual(outcome.told[key], step[key], key)
  }
  for (const key of ['exists', 'found', 'hits', 'keys', 'outcome']) if (key in step) assert.deepEqual(outcome[key], step[key], key)
  if ('holder' in step) compareHolder(outcome.holder, step.holder)
  if ('rotated' in step) assert.equal(outcome.rotated, step.rotated, 'rotated')
  if ('removed' in step) assert.equal(outcome.removed, step.removed, 'removed')
}

const triples = (damage) => damage.map(({ kind, offset, length }) => [kind, offset, length])

function report({ records, header, unsealed, bytes: size, end, damage, damageCount, notes, repaired }) {
  const done = repaired && { offset: repaired.offset, cut: repaired.cut, newline_added: repaired.newlineAdded }
  const lines = damage.map(({ line }) => line)
  const repairable = damage.map((one) => one.repairable)
  const noted = notes.map(({ kind, offset, length, line }) => [kind, offset, length, line])
  return {
    records, header, unsealed, bytes: size, end: end.offset, damage: triples(damage), damage_count: damageCount, lines, repairable,
    notes: noted, repaired: done,
  }
}

/** Compares how a step failed with what it says. */
export function compareError(stage, step, error) {
  assert.ok(error instanceof UntornError, `not an error of the library: ${error?.stack ?? error}`)
  assert.equal(error.code, `UNTORN_${step.error}`, `the code of: ${error.message}`)
  if ('error_at' in step) assert.equal(error.position?.offset, step.error_at, "the error's offset")
  if ('error_path' in step) assert.equal(error.path, path.join(stage.dir, step.error_path), "the error's path")
  if ('error_operation' in step) assert.equal(error.operation, step.error_operation, 'the operation')
  if (!('error_holder' in step)) return
  assert.ok(error.holder, 'the error names no holder')
  compareHolder(error.holder, step.error_holder)
}

function compareHolder(holder, expected) {
  if (expected === null) return assert.equal(holder, null, 'the holder')
  assert.ok(holder, 'there is no holder')
  if ('label' in expected) assert.equal(holder.label, expected.label, 'the label')
  if ('alive' in expected) assert.equal(holder.alive, expected.alive, 'alive')
  if ('self' in expected) assert.equal(holder.pid === process.pid, expected.self, 'self')
}
