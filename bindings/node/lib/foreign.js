'use strict'

// Values of another realm. Jest, Vitest and every `vm` context have classes of their own: `instanceof` knows only those
// of one realm, and what the addon makes is always of Node's.

const { types } = process.getBuiltinModule('node:util')

/** Bytes, whoever made them. */
const isBytes = types.isUint8Array

/** Bytes that nobody changes while they are read: what another thread shares is copied first. */
function ownBytes(bytes) {
  return types.isSharedArrayBuffer(bytes.buffer) ? Buffer.from(bytes) : bytes
}

/** A thing with `then`: what an `async` function returns. */
const isPromise = (value) => typeof value?.then === 'function'

/** What the addon gave, as an object of this realm. What is no plain object or array stays what it is. */
function adopted(value) {
  if (typeof value !== 'object' || value === null) return value
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype) return value
  if (Array.isArray(value)) return Array.from(value, adopted)
  // A foreign plain object: only `Object.prototype` has no prototype.
  if (prototype === null || Object.getPrototypeOf(prototype) !== null) return value
  const own = {}
  for (const name of Object.keys(value)) own[name] = adopted(value[name])
  return own
}

module.exports = { adopted, isBytes, isPromise, ownBytes }
