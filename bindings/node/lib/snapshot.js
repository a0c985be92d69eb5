'use strict'

const { begin, block, port } = require('./calls.js')
const { decodeDocument, optionalFunction } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { adopted } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { forbidNestedAt, nestableAt } = require('./nesting.js')
const { checked, checkedSync, journalOptions, patience, patienceSync } = require('./options.js')
const { toPath } = require('./path.js')
const { Decoder, entries, entriesSync, values, valuesSync } = require('./records.js')
const { signalOf } = require('./signals.js')
const { textOf } = require('./text.js')

const OWN = Symbol('made by this module')

/** The files of a directory as they were at one instant. */
class Snapshot {
  #native
  #dir
  #parse

  constructor(own, handle, dir, options) {
    if (own !== OWN) throw invalid('use snapshot(dir)')
    this.#native = handle
    this.#dir = dir
    this.#parse = optionalFunction(options, 'parse')
  }

  get names() {
    return adopted(block(() => this.#native.names))
  }

  async load(name, options) {
    checked(options, 'load')
    return this.#value(await this.#load(name), name, options)
  }

  loadSync(name, options) {
    checked(options, 'load')
    return this.#value(this.#loadSync(name), name, options)
  }

  async loadRaw(name) {
    return (await this.#load(name))?.bytes
  }

  loadRawSync(name) {
    return this.#loadSync(name)?.bytes
  }

  records(name, options) {
    return values(this.#open(name, options), this.#decoder(name, options))
  }

  recordsSync(name, options) {
    return valuesSync(this.#openSync(name, options), this.#decoder(name, options))
  }

  entries(name, options) {
    return entries(this.#open(name, options), this.#decoder(name, options))
  }

  entriesSync(name, options) {
    return entriesSync(this.#openSync(name, options), this.#decoder(name, options))
  }

  async close() {
    this.closeSync()
  }

  closeSync() {
    this.#native.close()
  }

  [Symbol.dispose]() {
    this.closeSync()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  #load(name) {
    textOf(name, 'the name of a file')
    return begin(() => this.#native.load(name), Infinity)
  }

  #loadSync(name) {
    textOf(name, 'the name of a file')
    return block(() => this.#native.loadSync(name))
  }

  #open(name, options) {
    const how = readOptions(name, options)
    return () => this.#native.records(name, how)
  }

  #openSync(name, options) {
    const how = readOptions(name, options)
    return () => this.#native.recordsSync(name, how)
  }

  #value(contents, name, options) {
    if (contents == null) return options?.default
    return decodeDocument(contents.bytes, this.#parse, `${this.#dir}/${name}`)
  }

  #decoder(name, options) {
    return new Decoder({
      operation: 'read',
      path: `${this.#dir}/${name}`,
      lines: options?.journal?.format === 'lines',
      parse: this.#parse,
      onDamage: optionalFunction(options, 'onDamage'),
    })
  }
}

function readOptions(name, options) {
  textOf(name, 'the name of a file')
  return journalOptions(checked(options, 'snapshotRecords')?.journal)
}

function snapshot(dir, options) {
  return nestableAt('snapshot', dir, options, (given) => taken(dir, given))
}

async function taken(dir, options) {
  const where = toPath(dir)
  checked(options, 'snapshot')
  const handle = await begin((tryOnce) => port.snapshot(where, tryOnce), patience(options), signalOf(options))
  return new Snapshot(OWN, handle, where, options)
}

function snapshotSync(dir, options) {
  const where = toPath(dir)
  checkedSync(options, 'snapshot')
  forbidNestedAt('snapshot', where, options)
  return new Snapshot(OWN, block(() => port.snapshotSync(where, patienceSync(options))), where, options)
}

inspecting(Snapshot, ({ names }) => ({ names }))

module.exports = { snapshot, snapshotSync }
