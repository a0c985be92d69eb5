'use strict'

const { join } = process.getBuiltinModule('node:path')
const { begin, block, port } = require('./calls.js')
const { checkRaw, decodeDocument, encodeDocument, encodeRecord, optionalFunction } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { inspecting } = require('./inspecting.js')
const { comeLater, gathered, many } = require('./many.js')
const { Nest, forbidNested, forbidNestedAt, isNested, nestable, nestableAt } = require('./nesting.js')
const { checked, checkedSync, journalOptions, patience, patienceSync } = require('./options.js')
const { toPath } = require('./path.js')
const { reasonOf, signalOf } = require('./signals.js')
const { textOf } = require('./text.js')
const { warnOfDrop } = require('./warning.js')

const OWN = Symbol('made by this module')

/** Warns about transactions that the program dropped before their end. The collection of garbage rolled them back. */
const dropped = new FinalizationRegistry(warnOfDrop)

class Transaction {
  #native
  #dir
  #timeout
  #stringify
  #parse
  #lines
  /** The function of the caller's that it runs within, if any. */
  #nest
  /** The files that the commit will lock. */
  #changed = new Set()

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use transaction(dir, work) or Transaction.begin(dir)')
    this.#native = handle
    this.#dir = handle.dir
    this.#timeout = options?.timeout
    this.#stringify = optionalFunction(options, 'stringify')
    this.#parse = optionalFunction(options, 'parse')
    this.#lines = options?.journals?.format === 'lines'
  }

  static begin(dir, options) {
    return nestableAt('begin', dir, options, (given) => Transaction.#begin(dir, given))
  }

  static async #begin(dir, options) {
    const where = toPath(dir)
    const how = beginOptions(checked(options, 'begin'))
    const signal = signalOf(options)
    const handle = await begin((tryOnce) => port.beginTransaction(where, how, tryOnce), patience(options), signal)
    if (signal?.aborted) {
      // The lock was granted at the same moment.
      handle.rollbackSync()
      throw reasonOf(signal)
    }
    return Transaction.#watched(new Transaction(OWN, handle, options))
  }

  static #watched(tx) {
    dropped.register(tx, tx.#dir, tx)
    return tx
  }

  static beginSync(dir, options) {
    const where = toPath(dir)
    const how = beginOptions(checkedSync(options, 'begin'))
    forbidNestedAt('begin', where, options)
    const handle = block(() => port.beginTransactionSync(where, how, patienceSync(options)))
    return Transaction.#watched(new Transaction(OWN, handle, options))
  }

  /** Returns the nest of the code that runs within a transaction. */
  static nestOf(tx, verb) {
    tx.#nest = new Nest(verb, tx.#dir, "use the transaction's own load, save and append")
    return tx.#nest
  }

  get dir() {
    return this.#dir
  }

  load(name, options) {
    return this.#locking('load', name, options, async (given) => {
      checked(given, 'loadMember')
      return this.#value(await this.#load(name, given), name, given)
    })
  }

  loadSync(name, options) {
    checkedSync(options, 'loadMember')
    return this.#value(this.#loadSync(name, options), name, options)
  }

  loadRaw(name, options) {
    return this.#locking('load', name, options, async (given) => {
      checked(given, 'wait')
      return (await this.#load(name, given))?.bytes
    })
  }

  loadRawSync(name, options) {
    checkedSync(options, 'wait')
    return this.#loadSync(name, options)?.bytes
  }

  async save(name, value) {
    const bytes = this.#document(name, value)
    return begin(() => this.#native.save(name, bytes), Infinity)
  }

  saveSync(name, value) {
    const bytes = this.#document(name, value)
    return block(() => this.#native.saveSync(name, bytes))
  }

  async create(name, value) {
    const bytes = this.#document(name, value)
    return begin(() => this.#native.create(name, bytes), Infinity)
  }

  createSync(name, value) {
    const bytes = this.#document(name, value)
    return block(() => this.#native.createSync(name, bytes))
  }

  append(name, record) {
    return this.appendAll(name, [record])
  }

  appendSync(name, record) {
    this.appendAllSync(name, [record])
  }

  async appendAll(name, records) {
    const path = this.#member(name)
    const all = comeLater(records, 'appendAll', path) ? await gathered(records) : records
    const encoded = this.#records(all, 'appendAll', path)
    return begin(() => this.#native.append(name, encoded), Infinity)
  }

  appendAllSync(name, records) {
    const encoded = this.#records(records, 'appendAllSync', this.#member(name))
    block(() => this.#native.appendSync(name, encoded))
  }

  setHeader(name, header, options) {
    return this.#locking('append', name, options, async (given) => {
      checked(given, 'wait')
      const encoded = this.#record(header, this.#path(textOf(name, 'the name of a file')))
      await begin(
        (tryOnce) => this.#native.setHeader(name, encoded, tryOnce),
        patience(given, this.#timeout),
        signalOf(given),
      )
      this.#nest?.hold(this.#path(name))
    })
  }

  setHeaderSync(name, header, options) {
    checkedSync(options, 'wait')
    const encoded = this.#record(header, this.#lockingSync('append', name, options))
    block(() => this.#native.setHeaderSync(name, encoded, patienceSync(options, this.#timeout)))
  }

  remove(name, options) {
    return this.#locking('remove', name, options, async (given) => {
      checked(given, 'wait')
      const removed = await begin(
        (tryOnce) => this.#native.remove(textOf(name, 'the name of a file'), tryOnce),
        patience(given, this.#timeout),
        signalOf(given),
      )
      this.#nest?.hold(this.#path(name))
      return removed
    })
  }

  removeSync(name, options) {
    checkedSync(options, 'wait')
    this.#lockingSync('remove', name, options)
    return block(() => this.#native.removeSync(name, patienceSync(options, this.#timeout)))
  }

  commit(options) {
    // One lock that is already held is enough for a deadlock.
    const [first] = [...this.#changed].filter((path) => !this.#nest?.paths.has(path) && isNested(path))
    return nestable('commit', first, options, async (given) => {
      checked(given, 'wait')
      dropped.unregister(this)
      return begin((tryOnce) => this.#native.commit(tryOnce), patience(given, this.#timeout), signalOf(given))
    })
  }

  commitSync(options) {
    checkedSync(options, 'wait')
    for (const path of this.#changed) if (!this.#nest?.paths.has(path)) forbidNested('commit', path, options)
    dropped.unregister(this)
    block(() => this.#native.commitSync(patienceSync(options, this.#timeout)))
  }

  rollback() {
    dropped.unregister(this)
    return begin(() => this.#native.rollback(), Infinity)
  }

  rollbackSync() {
    dropped.unregister(this)
    block(() => this.#native.rollbackSync())
  }

  [Symbol.dispose]() {
    this.rollbackSync()
  }

  async [Symbol.asyncDispose]() {
    await this.rollback()
  }

  async #load(name, options) {
    textOf(name, 'the name of a file')
    const loaded = await begin(
      (tryOnce) => this.#native.load(name, tryOnce),
      patience(options, this.#timeout),
      signalOf(options),
    )
    this.#nest?.hold(this.#path(name))
    return loaded
  }

  #loadSync(name, options) {
    this.#lockingSync('load', name, options)
    return block(() => this.#native.loadSync(name, patienceSync(options, this.#timeout)))
  }

  #value(contents, name, options) {
    if (contents == null) return options?.default
    return decodeDocument(contents.bytes, this.#parse, this.#path(name))
  }

  #path(name) {
    return join(this.#dir, name)
  }

  /** Adds a file that the commit changes. Returns its path. */
  #member(name) {
    const path = this.#path(textOf(name, 'the name of a file'))
    this.#changed.add(path)
    return path
  }

  /** Works on a file that stays locked from now on. */
  #locking(operation, name, options, work) {
    if (typeof name !== 'string' || this.#nest?.paths.has(this.#path(name))) return work(options)
    return nestable(operation, this.#path(name), options, work)
  }

  #lockingSync(operation, name, options) {
    const path = this.#path(textOf(name, 'the name of a file'))
    if (!this.#nest?.paths.has(path)) forbidNested(operation, path, options)
    return path
  }

  #document(name, value) {
    return encodeDocument(value, this.#stringify, this.#member(name))
  }

  #records(records, verb, path) {
    return Array.from(many(records, verb, path), (record) => this.#record(record, path))
  }

  #record(value, path) {
    if (this.#lines) return checkRaw(value, path)
    return this.#stringify === undefined ? encodeRecord(value, path) : checkRaw(this.#stringify(value), path)
  }
}

// Internal.
const { nestOf } = Transaction
delete Transaction.nestOf

function beginOptions(options) {
  const { durability, mode, parents, journals } = options ?? {}
  return { durability, mode, parents, journals: journals == null ? undefined : journalOptions(journals) }
}

inspecting(Transaction, ({ dir }) => ({ dir }))

/** Makes a transaction that belongs to a reconciliation. Internal. */
const transactionOf = (handle, options) => new Transaction(OWN, handle, options)

module.exports = { Transaction, nestOf, transactionOf }
