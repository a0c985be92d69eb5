// The steps on damage in the middle of a journal, and on held locks.

import path from 'node:path'
import { FileLock } from 'untorn'

export const SALVAGE = {
  async salvage_plan(step) {
    return { found: salvaged(await this.verb(this.handle(step).journal, 'salvagePlan')) }
  },

  async salvage(step) {
    return { found: salvaged(await this.verb(this.handle(step).journal, 'salvage', this.call(step))) }
  },

  async torn(step) {
    const entries = await this.verb(this.handle(step).journal, 'torn')
    return { found: entries.map(({ number, offset, length, nuls, why }) => [number, offset, length, nuls, why]) }
  },

  async torn_bytes(step) {
    return { value: await this.verb(this.handle(step).journal, 'tornBytes', step.number) }
  },

  async restore_torn(step) {
    return { kept: await this.verb(this.handle(step).journal, 'restoreTorn', step.number, this.call(step)) }
  },

  async prune_torn(step) {
    return { found: await this.verb(this.handle(step).journal, 'pruneTorn', step.older_than, this.call(step)) }
  },

  async waiters(step) {
    return { found: (await this.verb(FileLock, 'waiters', path.join(this.dir, step.path))).length }
  },

  async held_below(step) {
    const held = await this.verb(FileLock, 'heldBelow', path.join(this.dir, step.path))
    return { found: held.map(({ path: file, holder }) => [path.relative(this.dir, file), holder.label]) }
  },
}

function salvaged({ lines, lineCount, tail, records, kept, nuls, left }) {
  const line = (one) => [one.kind, one.offset, one.length, one.line, one.records, one.kept, one.nuls]
  return {
    lines: lines.map(line), line_count: lineCount, records, kept, nuls, left,
    tail: tail && [tail.offset, tail.cut, tail.newlineAdded],
  }
}
