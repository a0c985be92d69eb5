'use strict'

const { begin, block, patience, patienceSync, port, signalOf } = require('./calls.js')
const { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { toPath } = require('./path.js')
const { Decoder, entries, entriesSync, values, valuesSync } = require('./records.js')

const OWN = Symbol('made by this module')

class Transaction {
  #native
  #dir
  #timeout
  #stringify
  #parse
  #lines

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use transaction(dir, work) or Transaction.begin(dir)')
    this.#native = handle
    this.#dir = handle.dir
    this.#timeout = options?.timeout
    this.#stringify = optionalFunction(options, 'stringify')
    this.#parse = optionalFunction(options, 'parse')
    this.#lines = options?.journals?.format === 'lines'
  }

  static async begin(dir, options) {
    const where = toPath(dir)
    const how = beginOptions(options)
    const signal = signalOf(options)
    const handle = await begin((tryOnce) => port.beginTransaction(where, how, tryOnce), patience(options), signal)
    if (signal?.aborted) {
      // It was granted at the same moment.
      handle.rollbackSync()
      throw signal.reason
    }
    return new Transaction(OWN, handle, options)
  }

  static beginSync(dir, options) {
    const where = toPath(dir)
    const how = beginOptions(options)
    return new Transaction(OWN, block(() => port.beginTransactionSync(where, how, patienceSync(options))), options)
  }

  get dir() {
    return this.#dir
  }

  async load(name, options) {
    return this.#value(await this.#load(name, options), name, options)
  }

  loadSync(name, options) {
    return this.#value(this.#loadSync(name, options), name, options)
  }

  async loadRaw(name, options) {
    return (await this.#load(name, options))?.bytes
  }

  loadRawSync(name, options) {
    return this.#loadSync(name, options)?.bytes
  }

  async save(name, value) {
    const bytes = encodeDocument(value, this.#stringify, `${this.#dir}/${name}`)
    return begin(() => this.#native.save(name, bytes), Infinity)
  }

  saveSync(name, value) {
    const bytes = encodeDocument(value, this.#stringify, `${this.#dir}/${name}`)
    return block(() => this.#native.saveSync(name, bytes))
  }

  async create(name, value) {
    const bytes = encodeDocument(value, this.#stringify, `${this.#dir}/${name}`)
    return begin(() => this.#native.create(name, bytes), Infinity)
  }

  createSync(name, value) {
    const bytes = encodeDocument(value, this.#stringify, `${this.#dir}/${name}`)
    return block(() => this.#native.createSync(name, bytes))
  }

  append(name, record) {
    return this.appendAll(name, [record])
  }

  appendSync(name, record) {
    this.appendAllSync(name, [record])
  }

  async appendAll(name, records) {
    const encoded = Array.from(records, (record) => this.#record(record, name))
    return begin(() => this.#native.append(name, encoded), Infinity)
  }

  appendAllSync(name, records) {
    const encoded = Array.from(records, (record) => this.#record(record, name))
    block(() => this.#native.appendSync(name, encoded))
  }

  async setHeader(name, header, options) {
    const encoded = this.#record(header, name)
    return begin(
      (tryOnce) => this.#native.setHeader(name, encoded, tryOnce),
      patience(options, this.#timeout),
      signalOf(options),
    )
  }

  setHeaderSync(name, header, options) {
    const encoded = this.#record(header, name)
    block(() => this.#native.setHeaderSync(name, encoded, patienceSync(options, this.#timeout)))
  }

  async remove(name, options) {
    return begin(
      (tryOnce) => this.#native.remove(name, tryOnce),
      patience(options, this.#timeout),
      signalOf(options),
    )
  }

  removeSync(name, options) {
    return block(() => this.#native.removeSync(name, patienceSync(options, this.#timeout)))
  }

  async commit(options) {
    return begin((tryOnce) => this.#native.commit(tryOnce), patience(options, this.#timeout), signalOf(options))
  }

  commitSync(options) {
    block(() => this.#native.commitSync(patienceSync(options, this.#timeout)))
  }

  rollback() {
    return begin(() => this.#native.rollback(), Infinity)
  }

  rollbackSync() {
    block(() => this.#native.rollbackSync())
  }

  [Symbol.dispose]() {
    this.rollbackSync()
  }

  async [Symbol.asyncDispose]() {
    await this.rollback()
  }

  async #load(name, options) {
    return begin((tryOnce) => this.#native.load(name, tryOnce), patience(options, this.#timeout), signalOf(options))
  }

  #loadSync(name, options) {
    return block(() => this.#native.loadSync(name, patienceSync(options, this.#timeout)))
  }

  #value(contents, name, options) {
    if (contents == null) return options?.default
    return decodeDocument(contents.bytes, this.#parse, `${this.#dir}/${name}`)
  }

  #record(value, name) {
    const path = `${this.#dir}/${name}`
    if (this.#lines) return checkRaw(value, path)
    return this.#stringify === undefined ? encodeRecord(value, path) : checkRaw(this.#stringify(value), path)
  }
}

/** Commits when `work` is done, and rolls back if it fails. */
async function transaction(dir, work, options) {
  const tx = await Transaction.begin(dir, options)
  try {
    const result = await work(tx)
    signalOf(options)?.throwIfAborted()
    await tx.commit(options)
    return result
  } finally {
    // After a commit this does nothing.
    await tx.rollback()
  }
}

function transactionSync(dir, work, options) {
  const tx = Transaction.beginSync(dir, options)
  try {
    const result = work(tx)
    if (typeof result?.then === 'function') {
      throw invalid(`transaction ${tx.dir}: transactionSync takes a function that is not async; nothing was changed`)
    }
    tx.commitSync(options)
    return result
  } finally {
    tx.rollbackSync()
  }
}

function beginOptions(options) {
  patience(options)
  const { durability, mode, journals } = options ?? {}
  return { durability, mode, journals }
}

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
    return this.#native.names
  }

  async load(name, options) {
    return this.#value(await begin(() => this.#native.load(name), Infinity), name, options)
  }

  loadSync(name, options) {
    return this.#value(block(() => this.#native.loadSync(name)), name, options)
  }

  async loadRaw(name) {
    return (await begin(() => this.#native.load(name), Infinity))?.bytes
  }

  loadRawSync(name) {
    return block(() => this.#native.loadSync(name))?.bytes
  }

  records(name, options) {
    return values(() => this.#native.records(name, options?.journal ?? {}), this.#decoder(options))
  }

  recordsSync(name, options) {
    return valuesSync(() => this.#native.recordsSync(name, options?.journal ?? {}), this.#decoder(options))
  }

  entries(name, options) {
    return entries(() => this.#native.records(name, options?.journal ?? {}), this.#decoder(options))
  }

  entriesSync(name, options) {
    return entriesSync(() => this.#native.recordsSync(name, options?.journal ?? {}), this.#decoder(options))
  }

  #value(contents, name, options) {
    if (contents == null) return options?.default
    return decodeDocument(contents.bytes, this.#parse, `${this.#dir}/${name}`)
  }

  #decoder(options) {
    return new Decoder(options?.journal?.format === 'lines', this.#parse, optionalFunction(options, 'onDamage'))
  }
}

async function snapshot(dir, options) {
  const where = toPath(dir)
  const handle = await begin((tryOnce) => port.snapshot(where, tryOnce), patience(options), signalOf(options))
  return new Snapshot(OWN, handle, where, options)
}

function snapshotSync(dir, options) {
  const where = toPath(dir)
  return new Snapshot(OWN, block(() => port.snapshotSync(where, patienceSync(options))), where, options)
}

/** One that belongs to a reconciliation. Not for users. */
const transactionOf = (handle, options) => new Transaction(OWN, handle, options)

module.exports = { Transaction, snapshot, snapshotSync, transaction, transactionOf, transactionSync }
