// The steps on transactions.

import path from 'node:path'
import { Transaction } from 'untorn'
import { bytes } from './data.mjs'
import { JOURNAL } from './options.mjs'

const asItIs = (value) => value

/** The options of journals that a transaction takes in the cases. */
export const headerOf = (step) =>
  Object.fromEntries(
    JOURNAL.filter(([name]) => name.startsWith('header_') && name in step).map(([name, option, read]) => [option, read(step[name])]),
  )

export const TRANSACTION = {
  async transaction(step) {
    const how = { durability: step.durability ?? 'process', stringify: asItIs, parse: asItIs, journals: headerOf(step) }
    if ('timeout' in step) how.timeout = step.timeout
    if ('parents' in step) how.parents = step.parents
    const transaction = await this.verb(Transaction, 'begin', path.join(this.dir, step.path), how)
    this.handles.set(step.on, { transaction })
  },

  async tx_load(step) {
    const value = await this.verb(this.handle(step).transaction, 'loadRaw', step.name)
    return { value: value ?? null }
  },

  async tx_save(step) {
    return { kept: await this.verb(this.handle(step).transaction, 'save', step.name, bytes(step.bytes)) }
  },

  async tx_create(step) {
    return { kept: await this.verb(this.handle(step).transaction, 'create', step.name, bytes(step.bytes)) }
  },

  async tx_append(step) {
    await this.verb(this.handle(step).transaction, 'appendAll', step.name, step.records.map(bytes))
  },

  async tx_set_header(step) {
    await this.verb(this.handle(step).transaction, 'setHeader', step.name, bytes(step.bytes))
  },

  async tx_remove(step) {
    return { removed: await this.verb(this.handle(step).transaction, 'remove', step.name) }
  },

  async commit(step) {
    await this.verb(this.handle(step).transaction, 'commit')
  },

  async rollback(step) {
    await this.verb(this.handle(step).transaction, 'rollback')
  },
}
