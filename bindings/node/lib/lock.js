'use strict'

const { begin, block, port } = require('./calls.js')
const { invalid } = require('./errors.js')
const { isPromise } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { forbidNestedAt, nestableAt } = require('./nesting.js')
const { checked, checkedSync, patience, patienceSync, schemeOptions } = require('./options.js')
const { toPath } = require('./path.js')
const { Process } = require('./process.js')
const { reasonOf, signalOf } = require('./signals.js')

const OWN = Symbol('made by this module')

// The locks that are held. A lock is held until it is released, even if the program drops the object: garbage
// collection must not release a lock.
const held = new Set()

class FileLock {
  #native
  #path
  #shared

  constructor(own, handle, path, shared) {
    if (own !== OWN) throw invalid('use FileLock.acquire(path) or FileLock.acquireSync(path)')
    this.#native = handle
    this.#path = path
    this.#shared = shared
    held.add(this)
  }

  static acquire(path, options) {
    return acquire(path, options, false)
  }

  static acquireSync(path, options) {
    return acquireSync(path, options, false)
  }

  static at(path, options) {
    return acquire(path, options, true)
  }

  static atSync(path, options) {
    return acquireSync(path, options, true)
  }

  static async holder(path) {
    const asked = toPath(path)
    return toHolder(await begin(() => port.holder(asked), Infinity))
  }

  static holderSync(path) {
    return toHolder(block(() => port.holderSync(toPath(path))))
  }

  static async waiters(path) {
    const asked = toPath(path)
    return toProcesses(JSON.parse(await begin(() => port.waiters(asked), Infinity)))
  }

  static waitersSync(path) {
    return toProcesses(JSON.parse(block(() => port.waitersSync(toPath(path)))))
  }

  static async heldBelow(dir) {
    const asked = toPath(dir)
    return toHeld(await begin(() => port.heldBelow(asked), Infinity))
  }

  static heldBelowSync(dir) {
    return toHeld(block(() => port.heldBelowSync(toPath(dir))))
  }

  get path() {
    return this.#path
  }

  get lockPath() {
    return this.#native.lockPath
  }

  get shared() {
    return this.#shared
  }

  get held() {
    return this.#native.held
  }

  async release() {
    held.delete(this)
    await begin(() => this.#native.release(), Infinity)
  }

  releaseSync() {
    held.delete(this)
    block(() => this.#native.releaseSync())
  }

  async transfer(process) {
    const heir = toProcess(process)
    await begin(() => this.#native.transfer(heir), Infinity)
    held.delete(this)
  }

  transferSync(process) {
    const heir = toProcess(process)
    block(() => this.#native.transferSync(heir))
    held.delete(this)
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

  static handleOf(lock) {
    if (lock === undefined || lock === null) return undefined
    if (typeof lock === 'object' && #native in lock) return lock.#native
    throw invalid(`lock must be a FileLock${isPromise(lock) ? ', not a promise of one: await it first' : ''}`)
  }
}

function acquire(path, options, exact) {
  // Only the lock of a path can be held for a function of the caller's, not a lock on exactly this file.
  if (exact) return acquireNow(path, options, exact)
  return nestableAt('lock', path, options, (given) => acquireNow(path, given, exact))
}

async function acquireNow(path, options, exact) {
  const wanted = toPath(path)
  const how = acquireOptions(checked(options, 'acquire'), exact)
  const signal = signalOf(options)
  const handle = await begin((tryOnce) => port.acquire(wanted, how, tryOnce), patience(options), signal)
  if (signal?.aborted) {
    // The lock was granted at the same moment.
    handle.releaseSync()
    throw reasonOf(signal)
  }
  return new FileLock(OWN, handle, wanted, how.shared)
}

function acquireSync(path, options, exact) {
  const wanted = toPath(path)
  const how = acquireOptions(checkedSync(options, 'acquire'), exact)
  if (!exact) forbidNestedAt('lock', wanted, options)
  const handle = block(() => port.acquireSync(wanted, how, patienceSync(options)))
  return new FileLock(OWN, handle, wanted, how.shared)
}

function acquireOptions(options, exact) {
  return { exact, shared: options?.shared ?? false, label: options?.label ?? undefined, ...schemeOptions(options) }
}

/** Returns the fields of a process, which may be getters, as JSON. */
function toProcess(process) {
  if (typeof process !== 'object' || process === null) throw invalid('transfer takes a Process')
  const { pid, start, boot, namespace, host } = process
  return JSON.stringify({ pid, start, boot, namespace, host })
}

function toHolder(text) {
  return JSON.parse(text)
}

function toProcesses(found) {
  return found.map((json) => Process.from(json))
}

function toHeld(text) {
  return JSON.parse(text).map(({ path, holder, waiters }) => ({ path, holder, waiters: toProcesses(waiters) }))
}

inspecting(FileLock, ({ path, held, shared }) => ({ path, held, shared }))

// Internal.
const handleOf = FileLock.handleOf
delete FileLock.handleOf

module.exports = { FileLock, handleOf }
