'use strict'

// Values of another realm. Jest, Vitest and every `vm` context have classes of their own. `instanceof` knows only the
// classes of one realm, and the addon always makes objects of Node's realm.

const { types } = process.getBuiltinModule('node:util')

/** Whether a value is bytes, from any realm. */
const isBytes = types.isUint8Array

/** Returns bytes that no other thread changes while they are read. Shared memory is copied first. */
function ownBytes(bytes) {
  return types.isSharedArrayBuffer(bytes.buffer) ? Buffer.from(bytes) : bytes
}

/** Whether a value has `then`, as the result of an `async` function has. */
const isPromise = (value) => typeof value?.then === 'function'

/** Whether a value is an `async` function, or an async generator function. Code that was transpiled has none. */
const isAsync = types.isAsyncFunction

/** Returns an object of the addon as an object of this realm. Only plain objects and arrays are converted. */
function adopted(value) {
  if (typeof value !== 'object' || value === null) return value
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype) return value
  if (Array.isArray(value)) return Array.from(value, adopted)
  // A plain object of another realm: only `Object.prototype` has no prototype.
  if (prototype === null || Object.getPrototypeOf(prototype) !== null) return value
  const own = {}
  for (const name of Object.keys(value)) own[name] = adopted(value[name])
  return own
}

module.exports = { adopted, isAsync, isBytes, isPromise, ownBytes }
