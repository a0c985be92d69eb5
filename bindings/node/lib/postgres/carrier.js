'use strict'

// Carries statements on the connections of a pool, one at a time, outside of any transaction.

const { asItIs, cellsOf, textsOnly } = require('./cells.js')

const ignore = () => {}
/** The codes with which a server ends a connection. */
const ENDS = new Set(['FATAL', 'PANIC'])

class Carrier {
  #bridge
  #pool
  #isOurs
  /** The connections that the library keeps, by their numbers. */
  #kept = new Map()

  constructor(bridge, pool, isOurs) {
    this.#bridge = bridge
    this.#pool = pool
    this.#isOurs = isOurs
  }

  /** Whether a client like those of the pool can be made. It does not count among them. */
  get hasOwn() {
    return typeof this.#pool.Client === 'function' && typeof this.#pool.options === 'object'
  }

  async query(ask) {
    const kept = ask.connection == null ? undefined : this.#kept.get(ask.connection)
    if (ask.connection == null) return this.#queryOnAny(ask)
    if (kept === undefined) return this.#bridge.fail(ask.id, 'no_answer', 'the connection has ended')
    return this.#run(ask, kept)
  }

  async #queryOnAny(ask) {
    let client
    try {
      client = await this.#pool.connect()
    } catch (error) {
      return this.#failed(ask.id, error, this.#isOver ? 'closed' : 'no_connection')
    }
    // A connection that breaks between statements reports it here, and ends the program without a listener.
    client.on?.('error', ignore)
    const broken = await this.#run(ask, client)
    client.off?.('error', ignore)
    try {
      client.release(broken)
    } catch (error) {
      process.emitWarning(error)
    }
  }

  /** Returns an error if the connection must not be used again. */
  async #run(ask, client) {
    let cells
    try {
      cells = cellsOf(await client.query(statementOf(ask)))
    } catch (error) {
      this.#failed(ask.id, error, 'no_answer')
      return isOfServer(error) && !ENDS.has(error.severity) ? undefined : asError(error)
    }
    this.#bridge.answer(ask.id, cells.types, cells.cells)
    return undefined
  }

  async connect(ask) {
    let client
    try {
      client = new this.#pool.Client(this.#pool.options)
      client.on('error', () => this.#bridge.disconnected(ask.connection))
      client.on('end', () => this.#bridge.disconnected(ask.connection))
      client.on('notification', ({ channel }) => this.#bridge.notify(ask.connection, channel))
      await client.connect()
    } catch (error) {
      return this.#failed(ask.id, error, 'no_connection')
    }
    // It waits for notifications: that alone must not keep the process alive.
    client.unref?.()
    this.#kept.set(ask.connection, client)
    this.#bridge.answer(ask.id, [], [])
  }

  disconnect(connection) {
    const client = this.#kept.get(connection)
    this.#kept.delete(connection)
    if (client !== undefined) endQuietly(client)
  }

  /** No handle of the library uses the pool any more. */
  end() {
    for (const connection of [...this.#kept.keys()]) this.disconnect(connection)
    if (this.#isOurs) endQuietly(this.#pool)
  }

  get #isOver() {
    return this.#pool.ending === true || this.#pool.ended === true
  }

  #failed(id, error, kind) {
    if (isOfServer(error)) {
      this.#bridge.refuse(id, error.code, asItIs(error.message), error.detail ?? undefined, error.hint ?? undefined)
    } else {
      this.#bridge.fail(id, kind, reasonOf(error))
    }
  }
}

/** One round trip without a prepared statement: a pooler may give the connection to others. */
function statementOf({ sql, params }) {
  const how = { text: sql, rowMode: 'array', types: textsOnly }
  // Without values the text may have several statements, as a migration does.
  return params.length === 0 ? how : { ...how, values: params }
}

/** Whether the server answered with an error. Node's own errors have codes, too. */
function isOfServer(error) {
  return typeof error?.severity === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
}

/** Says why. Several addresses of one host give several errors, and no message. */
function reasonOf(error) {
  const inner = Array.isArray(error?.errors) ? error.errors.map(reasonOf) : []
  const own = typeof error?.message === 'string' ? error.message : String(error)
  return [own, ...inner].filter((text) => text !== '').join(': ') || String(error?.code ?? 'the connection failed')
}

const asError = (error) => (error instanceof Error ? error : new Error(reasonOf(error)))

function endQuietly(client) {
  try {
    Promise.resolve(client.end()).catch(ignore)
  } catch {
    // It has ended already.
  }
}

module.exports = { Carrier }
