// Carries a step out on a session of a store in a database. Only what opens a handle differs from files.

import { Store } from 'untorn/postgres'
import { bytes } from './data.mjs'
import { DOCUMENT, JOURNAL } from './options.mjs'
import { Stage, options } from './steps.mjs'
import { headerOf } from './transactions.mjs'

const asItIs = (value) => value
const RAW = { stringify: asItIs, parse: asItIs }

export class PostgresStage extends Stage {
  #pool
  #schema
  #key

  constructor(pool, schema, key) {
    super('node', `${schema}/${key}`)
    this.#pool = pool
    this.#schema = schema
    this.#key = key
  }

  async run(step) {
    const own = OPENS[step.op]
    return own === undefined ? super.run(step) : ((await own.call(this, step)) ?? {})
  }

  store(how) {
    return Store.open(this.#pool, { schema: this.#schema, durability: 'process', ...how })
  }

  foreign(call, values) {
    return this.#pool.query(`call ${this.#schema}.${call}`, [this.#key, ...values])
  }

  async session(how, key = this.#key) {
    return (await this.store(how)).session(key)
  }

  /** Another handle on the same journal, which decodes as it is told. */
  async reader(step, given) {
    const { journal, how } = this.handle(step)
    const [key, name] = this.#placeOf(journal)
    const { durability, timeout, ...rest } = how
    return (await this.session({ durability, timeout, journal: { ...rest, ...given } }, key)).journal(name)
  }

  /** The key and the name, of the name in messages. */
  #placeOf({ path }) {
    const inSchema = path.slice(this.#schema.length + 1)
    const at = inSchema.lastIndexOf('/')
    return [inSchema.slice(0, at), inSchema.slice(at + 1)]
  }
}

const OPENS = {
  async journal_open(step) {
    const how = options(step, JOURNAL)
    const { durability, timeout, ...rest } = how
    const session = await this.session({ durability, timeout, journal: { ...RAW, ...rest } })
    this.handles.set(step.on, { journal: await session.journal(step.path), how })
  },

  async document_open(step) {
    const { durability, timeout, ...rest } = { ...options(step, DOCUMENT) }
    const session = await this.session({ durability, timeout, ...rest })
    this.handles.set(step.on, await session.document(step.path, RAW))
  },

  async rewind(step) {
    return { rotated: await this.handle(step).journal.rewind(this.position(step.to), this.call(step)) }
  },

  async rotate(step) {
    return { rotated: await this.handle(step).journal.rotate(this.call(step)) }
  },

  async clear(step) {
    return { rotated: await this.handle(step).journal.clear(this.call(step)) }
  },

  async rotated(step) {
    return { found: await this.handle(step).journal.rotated() }
  },

  /** What a program does that does not use the library. */
  async file_remove(step) {
    await this.foreign("commit($1, '{remove}', array[$2], '{null}')", [step.path])
  },

  async file_replace(step) {
    await this.foreign("commit($1, '{remove}', array[$2], '{null}')", [step.path])
    await this.foreign('put($1, $2, $3)', [step.path, bytes(step.bytes)])
  },

  async load_json(step) {
    const document = await (await this.session()).document(step.path)
    await document.load()
  },

  async transaction(step) {
    const session = await this.session({ ...RAW, timeout: step.timeout, journal: { ...RAW, ...headerOf(step) } })
    this.handles.set(step.on, { transaction: await session.transaction() })
  },

  async store(step) {
    const how = { ...RAW, journal: RAW, durability: step.durability ?? 'process' }
    if ('journal_name' in step) how.journalName = step.journal_name
    if ('state_name' in step) how.stateName = step.state_name
    if ('timeout' in step) how.timeout = step.timeout
    this.handles.set(step.on, { store: await this.store(how) })
  },
}
