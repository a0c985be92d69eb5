'use strict'

const { begin, beginLong, block, port } = require('./calls.js')
const { invalid } = require('./errors.js')
const { inspecting } = require('./inspecting.js')
const { checked, checkedSync, journalOptions, patience, patienceSync } = require('./options.js')
const { toPath } = require('./path.js')
const { sessionOf } = require('./session.js')
const { signalOf } = require('./signals.js')
const { textOf } = require('./text.js')
const { isDatabase } = require('./postgres/where.js')

const OWN = Symbol('made by this module')
const MOST_HITS = 2 ** 32 - 1

class Store {
  #native
  #options

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use Store.open(dir) or Store.openSync(dir)')
    this.#native = handle
    this.#options = options
  }

  static async open(dir, options) {
    if (isDatabase(dir)) return PostgresStore.open(dir, options)
    const where = toPath(dir)
    const how = openOptions(options)
    return new Store(OWN, await begin(() => port.openStore(where, how), Infinity), options)
  }

  static openSync(dir, options) {
    if (isDatabase(dir)) return PostgresStore.openSync()
    const where = toPath(dir)
    const how = openOptions(options)
    return new Store(OWN, block(() => port.openStoreSync(where, how)), options)
  }

  get path() {
    return this.#native.path
  }

  session(key) {
    return sessionOf(block(() => this.#native.session(textOf(key, 'a key'))), this.#options)
  }

  async keys(options) {
    return begin(() => this.#native.keys(), Infinity, signalOf(checked(options, 'keys')))
  }

  keysSync() {
    return block(() => this.#native.keysSync())
  }

  // Tries once, unless a timeout is set.
  async remove(key, options) {
    const wanted = textOf(key, 'a key')
    checked(options, 'wait')
    return begin((tryOnce) => this.#native.remove(wanted, tryOnce), patience(options, 0), signalOf(options))
  }

  removeSync(key, options) {
    const wanted = textOf(key, 'a key')
    checkedSync(options, 'wait')
    return block(() => this.#native.removeSync(wanted, patienceSync(options, 0)))
  }

  async search(text, options) {
    const { wanted, most } = searchOptions(text, checked(options, 'search'))
    const started = (_, reports) => this.#native.search(wanted, most, reports)
    return (await beginLong(started, Infinity, signalOf(options), options?.onProgress)).map(toHit)
  }

  searchSync(text, options) {
    const { wanted, most } = searchOptions(text, checkedSync(options, 'search'))
    return block(() => this.#native.searchSync(wanted, most)).map(toHit)
  }
}

function toHit({ key, position, snippet, start, end }) {
  return { key, position, snippet, range: [start, end] }
}

function searchOptions(text, options) {
  const most = options?.maxHits ?? 100
  return { wanted: textOf(text, 'what is searched for'), most: Math.min(most, MOST_HITS) }
}

function openOptions(options) {
  const { journalName, stateName, durability, create, journal } = checked(options, 'openStore') ?? {}
  return { journalName, stateName, durability, create, journal: journal == null ? undefined : journalOptions(journal) }
}

/** A store in a database. Its sessions, journals and so on are of the classes that files have. */
class PostgresStore extends Store {
  static async open(where, options) {
    return new PostgresStore(OWN, await inDatabase().open(where, options), options)
  }

  static openSync() {
    throw inDatabase().unsupported('openSync')
  }
}
Object.defineProperty(PostgresStore, 'name', { value: 'Store' })

/** Stores in databases, loaded when one is first used. */
const inDatabase = () => require('./postgres/open.js')

inspecting(Store, (store) => store.path)

module.exports = { PostgresStore, Store }
