'use strict'

const { begin, block, port } = require('./calls.js')
const { decodeDocument, encodeDocument, optionalFunction } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { isPromise } = require('./foreign.js')
const { inspecting } = require('./inspecting.js')
const { handleOf } = require('./lock.js')
const { Nest, forbidNested, nestable } = require('./nesting.js')
const { checked, checkedOpen, checkedSync, documentOptions, patience, patienceSync } = require('./options.js')
const { Originals } = require('./original.js')
const { toPath } = require('./path.js')
const { signalOf, throwIfAborted } = require('./signals.js')

const OWN = Symbol('made by this module')
/** Means to the addon that the document must not exist. */
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
    const how = openOptions(file, options)
    return new Document(OWN, await begin(() => port.openDocument(file, how), Infinity), options)
  }

  static openSync(path, options) {
    const file = toPath(path)
    const how = openOptions(file, options)
    return new Document(OWN, block(() => port.openDocumentSync(file, how)), options)
  }

  get path() {
    return this.#path
  }

  get version() {
    return this.#version
  }

  async load(options) {
    checked(options, 'load')
    try {
      return this.#loaded(await begin(() => this.#native.load(), Infinity))
    } catch (error) {
      return this.#missing(error, options)
    }
  }

  loadSync(options) {
    checked(options, 'load')
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
    return this.#save('save', value, 'save', options)
  }

  saveSync(value, options) {
    checkedSync(options, 'save')
    return this.#saveSync('save', value, expected(options), options)
  }

  create(value, options) {
    return this.#save('create', value, 'call', options)
  }

  createSync(value, options) {
    checkedSync(options, 'call')
    return this.#saveSync('create', value, ABSENT, options)
  }

  remove(options) {
    return nestable('remove', this.#path, options, (given) => this.#remove(given))
  }

  async #remove(options) {
    checked(options, 'save')
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
    checkedSync(options, 'save')
    forbidNested('remove', this.#path, options)
    const expect = expected(options)
    const lock = handleOf(options?.lock)
    const removed = block(() => this.#native.removeSync(expect, patienceSync(options, this.#timeout), lock))
    this.#version = null
    return removed
  }

  update(change, options) {
    return nestable('update', this.#path, options, (given) => this.#update(change, given))
  }

  async #update(change, options) {
    this.#checkChange(change, 'update')
    checked(options, 'call')
    const lock = handleOf(options?.lock)
    const signal = signalOf(options)
    for (;;) {
      const update = await begin(
        (tryOnce) => this.#native.beginUpdate(tryOnce, lock),
        patience(options, this.#timeout),
        signal,
      )
      const version = await this.#updated(update, change, signal)
      // In a database nothing is locked, and another process may have saved meanwhile.
      if (version === null) continue
      this.#version = version
      return version
    }
  }

  async #updated(update, change, signal) {
    try {
      // The lock may have been granted at the same moment.
      throwIfAborted(signal)
      const read = this.#current(update)
      const nest = new Nest('update', this.#path, 'change the value instead of saving, and return it')
      const bytes = this.#changed(await nest.run(() => change(read.value)), read)
      return await begin(() => update.save(bytes), Infinity)
    } finally {
      update.finish()
    }
  }

  updateSync(change, options) {
    this.#checkChange(change, 'updateSync')
    checkedSync(options, 'call')
    forbidNested('update', this.#path, options)
    const lock = handleOf(options?.lock)
    const update = block(() => this.#native.beginUpdateSync(patienceSync(options, this.#timeout), lock))
    try {
      const read = this.#current(update)
      const value = change(read.value)
      if (isPromise(value)) throw this.#invalid('updateSync takes a function that is not async')
      const bytes = this.#changed(value, read)
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

  #save(operation, value, names, options) {
    return nestable(operation, this.#path, options, (given) => this.#saveNow(value, names, given))
  }

  async #saveNow(value, names, options) {
    checked(options, names)
    const expect = names === 'save' ? expected(options) : ABSENT
    const timeout = patience(options, this.#timeout)
    const signal = signalOf(options)
    throwIfAborted(signal)
    const lock = handleOf(options?.lock)
    const bytes = encodeDocument(value, this.#stringify, this.#path)
    this.#version = await begin((tryOnce) => this.#native.save(bytes, expect, tryOnce, lock), timeout, signal)
    return this.#version
  }

  #saveSync(operation, value, expect, options) {
    const timeout = patienceSync(options, this.#timeout)
    forbidNested(operation, this.#path, options)
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

  #checkChange(change, verb) {
    if (typeof change !== 'function') throw this.#invalid(`${verb} takes a function, which gets the value and returns the one to save`)
  }

  /** Returns the value and its text. */
  #current(update) {
    const contents = update.take()
    if (contents == null) return { value: undefined }
    const value = decodeDocument(contents.bytes, this.#parse, this.#path)
    if (this.#parse !== undefined || this.#stringify !== undefined) return { value }
    const originals = new Originals()
    originals.note(value, () => contents.bytes.toString())
    return { value, originals }
  }

  #changed(value, { originals }) {
    if (value === undefined) {
      throw this.#invalid('the function returned nothing; return the value to save')
    }
    const encoded = () => encodeDocument(value, this.#stringify, this.#path)
    if (originals === undefined) return encoded()
    return Buffer.from(originals.textOf(value, () => encoded().toString()).text)
  }

  #invalid(detail) {
    return invalid(`update ${this.#path}: ${detail}; nothing was changed`, { operation: 'update', path: this.#path })
  }
}

/** Returns the option `expect` in the form that the addon takes. */
function expected(options) {
  const expect = options?.expect
  if (expect === undefined) return undefined
  if (expect === null) return ABSENT
  if (typeof expect === 'string' && expect !== ABSENT) return expect
  throw invalid('expect must be a version, or null for a document that does not exist')
}

function openOptions(path, options) {
  return documentOptions(checkedOpen(path, options, 'openDocument'))
}

inspecting(Document, (document) => document.path)

/** Makes a document from a handle that was opened in another way. Internal. */
const documentOf = (handle, options) => new Document(OWN, handle, options)

module.exports = { Document, documentOf, expected }
