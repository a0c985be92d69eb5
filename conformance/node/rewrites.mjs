// The steps on headers, and those that put another file in a journal's place.

import assert from 'node:assert/strict'
import path from 'node:path'
import { bytes } from './data.mjs'
import { own, passesOn } from './own.mjs'

export const HEADER = {
  async header(step) {
    const value = await this.verb(this.handle(step).journal, 'header')
    return { value: value === null ? null : Buffer.from(value) }
  },

  async set_header(step) {
    await this.verb(this.handle(step).journal, 'setHeader', bytes(step.bytes), this.call(step))
  },
}

export const REWRITE = {
  async rewind(step) {
    return rotated(this, await this.verb(this.handle(step).journal, 'rewind', this.position(step.to), this.call(step)))
  },

  async rotate(step) {
    return rotated(this, await this.verb(this.handle(step).journal, 'rotate', this.call(step)))
  },

  async rotated(step) {
    const files = await this.verb(this.handle(step).journal, 'rotated')
    return { found: files.map((file) => path.relative(this.dir, file)) }
  },

  async prune_rotated(step) {
    const { journal } = this.handle(step)
    return { found: await this.verb(journal, 'pruneRotated', step.keep_files, step.older_than, this.call(step)) }
  },

  async clear(step) {
    return rotated(this, await this.verb(this.handle(step).journal, 'clear', this.call(step)))
  },

  async replace(step) {
    const { journal } = this.handle(step)
    return { kept: await this.verb(journal, 'replace', step.records.map(bytes), this.call(step)) }
  },

  async compact(step) {
    const { journal } = this.handle(step)
    // The blocking twin's is a generator that does not wait.
    const keep = this.blocking ? (records) => staySync(step, records) : (records) => stay(step, records)
    const kept = await passesOn(step.fail, () => this.verb(journal, 'compact', keep, this.call(step)))
    return { kept }
  },
}

/** The path within the case's directory. */
function rotated(stage, file) {
  return { rotated: file === null ? null : path.relative(stage.dir, file) }
}

async function* stay(step, records) {
  if (step.fail === true) throw own
  let number = 0
  for await (const record of records) {
    if (step.stay.includes(number)) yield record
    number += 1
  }
  assert.ok(step.stay.every((wanted) => wanted < number), 'a record that is to stay is not there')
  yield* step.add.map(bytes)
}

function* staySync(step, records) {
  if (step.fail === true) throw own
  const all = [...records]
  yield* all.filter((_, number) => step.stay.includes(number))
  yield* step.add.map(bytes)
}
