// The steps on stores and sessions.

import path from 'node:path'
import { Store } from 'untorn'
import { bytes } from './data.mjs'
import { own, passesOn } from './own.mjs'

const asItIs = (value) => value

export const SESSION = {
  async store(step) {
    const how = { durability: step.durability ?? 'process', stringify: asItIs, parse: asItIs }
    how.journal = { stringify: asItIs, parse: asItIs }
    if ('journal_name' in step) how.journalName = step.journal_name
    if ('state_name' in step) how.stateName = step.state_name
    if ('create' in step) how.create = step.create
    if ('timeout' in step) how.timeout = step.timeout
    this.handles.set(step.on, { store: await this.verb(Store, 'open', path.join(this.dir, step.path), how) })
  },

  async keys(step) {
    return { keys: await this.verb(this.handle(step).store, 'keys') }
  },

  async store_remove(step) {
    return { removed: await this.verb(this.handle(step).store, 'remove', step.key) }
  },

  async search(step) {
    const how = 'max_hits' in step ? { maxHits: step.max_hits } : undefined
    const hits = await this.verb(this.handle(step).store, 'search', step.text, how)
    return { hits: hits.map(({ key, snippet, range }) => [key, snippet.slice(...range)]) }
  },

  async session(step) {
    const session = this.named(step.store).store.session(step.key)
    this.handles.set(step.on, { session })
    return { exists: await this.verb(session, 'exists') }
  },

  async session_journal(step) {
    const { session } = this.named(step.session)
    this.handles.set(step.on, { journal: await this.verb(session, 'journal'), how: { durability: 'process' }, ofSession: true })
  },

  async session_state(step) {
    this.handles.set(step.on, await this.verb(this.named(step.session).session, 'state'))
  },

  async session_document(step) {
    this.handles.set(step.on, await this.verb(this.named(step.session).session, 'document', step.name))
  },

  async session_holder(step) {
    return { holder: await this.verb(this.handle(step).session, 'holder') }
  },

  async claim(step) {
    const { session } = this.named(step.session)
    const lease = await this.verb(session, 'claim', step.label, this.call(step))
    this.handles.set(step.on, { lease })
  },

  async release(step) {
    await this.verb(this.handle(step).lease, 'release')
  },

  async reconcile(step) {
    const options = { alsoAlive: () => step.also_alive === true }
    const change = this.blocking ? (tx) => changeSync(step, tx) : (tx) => changeAsync(step, tx)
    const { session } = this.handle(step)
    const done = await passesOn(step.fail, () => this.verb(session, 'reconcile', change, options))
    return { outcome: done?.outcome }
  },
}

async function changeAsync(step, tx) {
  for (const [name, value] of Object.entries(step.save)) await tx.save(name, bytes(value))
  if (step.fail === true) throw own
  return Object.keys(step.save).length > 0
}

function changeSync(step, tx) {
  for (const [name, value] of Object.entries(step.save)) tx.saveSync(name, bytes(value))
  if (step.fail === true) throw own
  return Object.keys(step.save).length > 0
}
