'use strict'

// Keeps the spelling of values that are read and written back unchanged: numbers with more digits than JavaScript has,
// and nesting that `JSON.stringify` can't follow.

/** Values that were read, and their text, or a function that returns it. */
class Originals {
  #objects = new WeakMap()

  note(value, text) {
    if (typeof value === 'object' && value !== null) this.#objects.set(value, text)
    else this.last = { value, text }
  }

  /** Returns the text that a value was read from, if the value is unchanged. `encoded` returns its text otherwise. */
  textOf(value, encoded) {
    const found = this.#find(value)
    if (found === undefined) return { text: encoded(), isOriginal: false }
    const original = typeof found === 'function' ? found() : found
    let text
    try {
      text = encoded()
    } catch (error) {
      if (isSame(value, JSON.parse(original))) return { text: original, isOriginal: true }
      throw error
    }
    if (text === original) return { text, isOriginal: false }
    return isSame(value, JSON.parse(original)) ? { text: original, isOriginal: true } : { text, isOriginal: false }
  }

  /** Numbers and strings have no identity: such a value counts as the one that was read last, if both are equal. */
  #find(value) {
    if (typeof value === 'object' && value !== null) return this.#objects.get(value)
    return this.last !== undefined && Object.is(this.last.value, value) ? this.last.text : undefined
  }
}

/** Whether a value equals what a text was parsed to. Without recursion: nesting may be deeper than the stack. */
function isSame(value, parsed) {
  const pairs = [[value, parsed]]
  while (pairs.length > 0) {
    const [a, b] = pairs.pop()
    if (Object.is(a, b)) continue
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
    const names = Object.keys(b)
    const now = Object.keys(a)
    if (now.length !== names.length || (Array.isArray(b) && a.length !== b.length)) return false
    for (let i = 0; i < names.length; i += 1) {
      if (now[i] !== names[i]) return false
      pairs.push([a[names[i]], b[names[i]]])
    }
  }
  return true
}

module.exports = { Originals, isSame }
