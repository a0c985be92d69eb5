'use strict'

const { begin, block, patience, patienceSync, port, signalOf } = require('./calls.js')
const { decodeDocument, encodeDocument, optionalFunction } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { handleOf } = require('./lock.js')
const { toPath } = require('./path.js')
const { schemeOptions } = require('./scheme.js')

const OWN = Symbol('made by this module')
/** How the addon is told that the document must not be there. */
const ABSENT = ''

class Document {
  #native
  #path
  #timeout
  #stringify
  #parse
  #version

  constructor(own, handle, options) {
    if (own !== OWN) throw invalid('use Document.open(path) or Document.openSync(path)')
    this.#native = handle
    this.#path = handle.path
    this.#timeout = options?.timeout
    this.#stringify = optionalFunction(options, 'stringify')
    this.#parse = optionalFunction(options, 'parse')
  }

  static async open(path, options) {
    const file = toPath(path)
    const how = openOptions(options)
    return new Document(OWN, await begin(() => port.openDocument(file, how), Infinity), options)
  }

  static openSync(path, options) {
    const file = toPath(path)
    const how = openOptions(options)
    return new Document(OWN, block(() => port.openDocumentSync(file, how)), options)
  }

  get path() {
    return this.#path
  }

  get version() {
    return this.#version
  }

  async load(options) {
    try {
      return this.#loaded(await begin(() => this.#native.load(), Infinity))
    } catch (error) {
      return this.#missing(error, options)
    }
  }

  loadSync(options) {
    try {
      return this.#loaded(block(() => this.#native.loadSync()))
    } catch (error) {
      return this.#missing(error, options)
    }
  }

  async loadRaw() {
    const contents = await begin(() => this.#native.load(), Infinity)
    this.#version = contents.version
    return contents.bytes
  }

  loadRawSync() {
    const contents = block(() => this.#native.loadSync())
    this.#version = contents.version
    return contents.bytes
  }

  save(value, options) {
    return this.#save(value, expected(options), options)
  }

  saveSync(value, options) {
    return this.#saveSync(value, expected(options), options)
  }

  create(value, options) {
    return this.#save(value, ABSENT, options)
  }

  createSync(value, options) {
    return this.#saveSync(value, ABSENT, options)
  }

  async remove(options) {
    const expect = expected(options)
    const lock = handleOf(options?.lock)
    const removed = await begin(
      (tryOnce) => this.#native.remove(expect, tryOnce, lock),
      patience(options, this.#timeout),
      signalOf(options),
    )
    this.#version = null
    return removed
  }

  removeSync(options) {
    const expect = expected(options)
    const lock = handleOf(options?.lock)
    const removed = block(() => this.#native.removeSync(expect, patienceSync(options, this.#timeout), lock))
    this.#version = null
    return removed
  }

  async update(change, options) {
    const lock = handleOf(options?.lock)
    const signal = signalOf(options)
    const update = await begin(
      (tryOnce) => this.#native.beginUpdate(tryOnce, lock),
      patience(options, this.#timeout),
      signal,
    )
    try {
      // It may have been granted at the same moment.
      signal?.throwIfAborted()
      const bytes = this.#changed(await change(this.#current(update)))
      this.#version = await begin(() => update.save(bytes), Infinity)
      return this.#version
    } finally {
      update.finish()
    }
  }

  updateSync(change, options) {
    const lock = handleOf(options?.lock)
    const update = block(() => this.#native.beginUpdateSync(patienceSync(options, this.#timeout), lock))
    try {
      const value = change(this.#current(update))
      if (typeof value?.then === 'function') {
        throw this.#invalid('updateSync takes a function that is not async')
      }
      const bytes = this.#changed(value)
      this.#version = block(() => update.saveSync(bytes))
      return this.#version
    } finally {
      update.finish()
    }
  }

  async close() {
    this.closeSync()
  }

  closeSync() {
    block(() => this.#native.close())
  }

  [Symbol.dispose]() {
    this.closeSync()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  async #save(value, expect, options) {
    const timeout = patience(options, this.#timeout)
    const signal = signalOf(options)
    signal?.throwIfAborted()
    const lock = handleOf(options?.lock)
    const bytes = encodeDocument(value, this.#stringify, this.#path)
    this.#version = await begin((tryOnce) => this.#native.save(bytes, expect, tryOnce, lock), timeout, signal)
    return this.#version
  }

  #saveSync(value, expect, options) {
    const timeout = patienceSync(options, this.#timeout)
    const lock = handleOf(options?.lock)
    const bytes = encodeDocument(value, this.#stringify, this.#path)
    this.#version = block(() => this.#native.saveSync(bytes, expect, timeout, lock))
    return this.#version
  }

  #loaded(contents) {
    const value = decodeDocument(contents.bytes, this.#parse, this.#path)
    this.#version = contents.version
    return value
  }

  #missing(error, options) {
    if (error?.code !== 'UNTORN_NOT_FOUND') throw error
    this.#version = null
    if (options === undefined || !('default' in options)) throw error
    return options.default
  }

  #current(update) {
    const contents = update.take()
    return contents == null ? undefined : decodeDocument(contents.bytes, this.#parse, this.#path)
  }

  #changed(value) {
    if (value === undefined) {
      throw this.#invalid('the function returned nothing; return the value that is to be saved')
    }
    return encodeDocument(value, this.#stringify, this.#path)
  }

  #invalid(detail) {
    return invalid(`update ${this.#path}: ${detail}; nothing was changed`, { operation: 'update', path: this.#path })
  }
}

/** What the document must be, as the addon takes it. */
function expected(options) {
  const expect = options?.expect
  if (expect === undefined) return undefined
  if (expect === null) return ABSENT
  if (typeof expect === 'string' && expect !== ABSENT) return expect
  throw invalid('expect is a version, or null for a document that is not there')
}

function openOptions(options) {
  patience(options)
  const { durability, mode, parents } = options ?? {}
  return { durability, mode, parents, ...schemeOptions(options) }
}

/** One that was opened in another way. Not for users. */
const documentOf = (handle, options) => new Document(OWN, handle, options)

module.exports = { Document, documentOf, expected }
