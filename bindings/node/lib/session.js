'use strict'

const { begin, block } = require('./calls.js')
const { documentOf } = require('./document.js')
const { invalid } = require('./errors.js')
const { isPromise } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { journalOf } = require('./journal.js')
const { checked, checkedSync, patience, patienceSync } = require('./options.js')
const { jsonOf } = require('./process.js')
const { reasonOf, signalOf, throwIfAborted } = require('./signals.js')
const { textOf } = require('./text.js')
const { carriedOut } = require('./transact.js')
const { nestOf, transactionOf } = require('./transaction.js')

const OWN = Symbol('made by this module')
/** A claim without a timeout tries once. */
const ONCE = 0

// The leases that are held. A lease is held until it is released, even if the program drops the object.
const held = new Set()

class Session {
  #native
  #options

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use store.session(key)')
    this.#native = handle
    this.#options = options
  }

  get key() {
    return this.#native.key
  }

  get path() {
    return this.#native.path
  }

  exists() {
    return begin(() => this.#native.exists(), Infinity)
  }

  existsSync() {
    return block(() => this.#native.existsSync())
  }

  async journal(name) {
    const wanted = name === undefined ? undefined : this.#ofDatabase('journal', textOf(name, 'the name'))
    return journalOf(await begin(() => this.#native.journal(wanted), Infinity), this.#journalOptions())
  }

  journalSync() {
    return journalOf(block(() => this.#native.journalSync()), this.#journalOptions())
  }

  async state() {
    return documentOf(await begin(() => this.#native.document(), Infinity), this.#options)
  }

  stateSync() {
    return documentOf(block(() => this.#native.documentSync()), this.#options)
  }

  async document(name, options) {
    const wanted = textOf(name, 'the name')
    checked(options, 'sessionDocument')
    return documentOf(await begin(() => this.#native.document(wanted), Infinity), { ...this.#options, ...options })
  }

  documentSync(name, options) {
    const wanted = textOf(name, 'the name')
    checked(options, 'sessionDocument')
    return documentOf(block(() => this.#native.documentSync(wanted)), { ...this.#options, ...options })
  }

  async media(name, options) {
    const wanted = textOf(name, 'the name')
    checked(options, 'wait')
    const timeout = patience(options, this.#options?.timeout)
    return begin((tryOnce) => this.#native.media(wanted, tryOnce), timeout, signalOf(options))
  }

  mediaSync(name, options) {
    const wanted = textOf(name, 'the name')
    checkedSync(options, 'wait')
    return block(() => this.#native.mediaSync(wanted, patienceSync(options, this.#options?.timeout)))
  }

  /** Without `work` the caller ends the transaction. Nothing is sent, and nothing is locked, before its commit. */
  async transaction(work, options) {
    this.#ofDatabase('transaction')
    const how = { ...this.#options, journals: this.#options?.journal }
    const begun = () => transactionOf(block(() => this.#native.transaction()), how)
    return work === undefined ? begun() : carriedOut(begun, work, checked(options, 'wait'))
  }

  /** Throws if a verb that only a session in a database has is called on a directory. */
  #ofDatabase(verb, value) {
    if (this.#native.transaction !== undefined) return value
    const instead = verb === 'journal' ? 'Journal.open with a path in it' : 'transaction(session.path, work)'
    throw invalid(`${verb} ${this.path}: this session is a directory: use ${instead}`, { operation: verb, path: this.path })
  }

  async holder() {
    return JSON.parse(await begin(() => this.#native.holder(), Infinity))
  }

  holderSync() {
    return JSON.parse(block(() => this.#native.holderSync()))
  }

  async claim(label, options) {
    checked(options, 'wait')
    const name = textOf(label ?? '', 'the label')
    const signal = signalOf(options)
    const handle = await begin((tryOnce) => this.#native.claim(name, tryOnce), patience(options, ONCE), signal)
    if (signal?.aborted) {
      // The lease was granted at the same moment.
      await begin(() => handle.release(), Infinity)
      throw reasonOf(signal)
    }
    return new Lease(OWN, handle)
  }

  claimSync(label, options) {
    checkedSync(options, 'wait')
    const name = textOf(label ?? '', 'the label')
    return new Lease(OWN, block(() => this.#native.claimSync(name, patienceSync(options, ONCE))))
  }

  async reconcile(change, options) {
    requireFunction(change, 'reconcile')
    checked(options, 'reconcile')
    const timeout = patience(options, this.#options?.timeout)
    const signal = signalOf(options)
    const turn = await begin((tryOnce) => this.#native.beginReconcile(tryOnce), timeout, signal)
    const handle = turn.transaction()
    if (handle == null) return outcome(turn.outcome, turn)
    try {
      // The probe runs while no other process can claim or reconcile the session.
      if (await options?.alsoAlive?.()) return outcome('alive', turn)
      const tx = transactionOf(handle, this.#options)
      const changed = await nestOf(tx, 'reconcile').run(() => change(tx))
      throwIfAborted(signal)
      if (changed === false) return outcome('no_change', turn)
      await begin((tryOnce) => turn.commit(tryOnce), timeout, signal)
      return outcome('done', turn)
    } finally {
      // After a commit this does nothing.
      await begin(() => turn.discard(), Infinity)
    }
  }

  reconcileSync(change, options) {
    requireFunction(change, 'reconcileSync')
    checkedSync(options, 'reconcile')
    const timeout = patienceSync(options, this.#options?.timeout)
    const turn = block(() => this.#native.beginReconcileSync(timeout))
    const handle = turn.transaction()
    if (handle == null) return outcome(turn.outcome, turn)
    try {
      const alive = options?.alsoAlive?.()
      if (isPromise(alive)) throw invalid('reconcileSync takes an alsoAlive that is not async; nothing was changed')
      if (alive) return outcome('alive', turn)
      const changed = change(transactionOf(handle, this.#options))
      if (isPromise(changed)) {
        throw invalid('reconcileSync takes a function that is not async; nothing was changed')
      }
      if (changed === false) return outcome('no_change', turn)
      block(() => turn.commitSync(timeout))
      return outcome('done', turn)
    } finally {
      block(() => turn.discardSync())
    }
  }

  #journalOptions() {
    return { ...this.#options?.journal, timeout: this.#options?.timeout }
  }
}

function outcome(name, turn) {
  return { outcome: name, holder: JSON.parse(turn.holder) }
}

function requireFunction(change, verb) {
  if (typeof change !== 'function') throw invalid(`${verb} takes a function, which gets a transaction`)
}

class Lease {
  #native
  /** Of a lease in a database, which can be lost. */
  #watch

  constructor(own, handle) {
    if (own !== OWN) throw invalid('use session.claim(label)')
    this.#native = handle
    if (handle.watch !== undefined) this.#watch = require('./postgres/bridge.js').watchLease(handle)
    held.add(this)
  }

  get holder() {
    return JSON.parse(this.#native.holder)
  }

  get previous() {
    return JSON.parse(this.#native.previous)
  }

  get held() {
    return this.#native.held
  }

  /** Undefined for a lease of a directory, which can't be lost. */
  get lost() {
    return this.#watch?.signal
  }

  get token() {
    return this.#watch === undefined ? undefined : BigInt(this.#native.token)
  }

  async release() {
    try {
      await begin(() => this.#native.release(), Infinity)
    } finally {
      if (!this.#native.held) this.#forget()
    }
  }

  releaseSync() {
    block(() => this.#native.releaseSync())
    this.#forget()
  }

  async transfer(to) {
    const heir = jsonOf(to)
    await begin(() => this.#native.transfer(heir), Infinity)
    this.#forget()
  }

  transferSync(to) {
    const heir = jsonOf(to)
    block(() => this.#native.transferSync(heir))
    this.#forget()
  }

  close() {
    return this.release()
  }

  closeSync() {
    this.releaseSync()
  }

  [Symbol.dispose]() {
    this.releaseSync()
  }

  async [Symbol.asyncDispose]() {
    await this.release()
  }

  #forget() {
    held.delete(this)
    this.#watch?.forget()
  }
}

inspecting(Session, ({ key, path }) => ({ key, path }))
inspecting(Lease, ({ held: isHeld, holder }) => ({ held: isHeld, holder }))

/** Internal. */
const sessionOf = (handle, options) => new Session(OWN, handle, options)

module.exports = { Lease, Session, sessionOf }
