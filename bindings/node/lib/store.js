'use strict'

const { begin, block, patience, patienceSync, port, signalOf } = require('./calls.js')
const { optionalFunction } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { toPath } = require('./path.js')
const { sessionOf } = require('./session.js')

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
    const where = toPath(dir)
    const how = openOptions(options)
    return new Store(OWN, await begin(() => port.openStore(where, how), Infinity), options)
  }

  static openSync(dir, options) {
    const where = toPath(dir)
    const how = openOptions(options)
    return new Store(OWN, block(() => port.openStoreSync(where, how)), options)
  }

  get path() {
    return this.#native.path
  }

  session(key) {
    return sessionOf(block(() => this.#native.session(checked(key))), this.#options)
  }

  keys() {
    return begin(() => this.#native.keys(), Infinity)
  }

  keysSync() {
    return block(() => this.#native.keysSync())
  }

  // One try, unless a timeout is given.
  async remove(key, options) {
    const wanted = checked(key)
    return begin((tryOnce) => this.#native.remove(wanted, tryOnce), patience(options, 0), signalOf(options))
  }

  removeSync(key, options) {
    const wanted = checked(key)
    return block(() => this.#native.removeSync(wanted, patienceSync(options, 0)))
  }

  async search(text, options) {
    const { wanted, most } = searchOptions(text, options)
    return (await begin(() => this.#native.search(wanted, most), Infinity, signalOf(options))).map(toHit)
  }

  searchSync(text, options) {
    const { wanted, most } = searchOptions(text, options)
    return block(() => this.#native.searchSync(wanted, most)).map(toHit)
  }
}

function toHit({ key, position, snippet, start, end }) {
  return { key, position, snippet, range: [start, end] }
}

function checked(key) {
  if (typeof key !== 'string') throw invalid('a key is a string')
  if (!key.isWellFormed()) throw invalid("the key holds half of a surrogate pair, which UTF-8 can't hold")
  return key
}

function searchOptions(text, options) {
  if (typeof text !== 'string') throw invalid('what is searched for is a string')
  const most = options?.maxHits ?? 100
  if (!Number.isInteger(most) || most < 0) throw invalid('maxHits is a whole number, 0 or more')
  return { wanted: text, most: Math.min(most, MOST_HITS) }
}

function openOptions(options) {
  patience(options)
  optionalFunction(options, 'stringify')
  optionalFunction(options, 'parse')
  const { journalName, stateName, durability, create, journal } = options ?? {}
  return { journalName, stateName, durability, create, journal }
}

module.exports = { Store }
