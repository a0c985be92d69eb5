'use strict'

// The text that `console.log` shows for a handle.

const { inspect } = process.getBuiltinModule('node:util')

/** Makes `console.log` show `Class { description }`. */
function inspecting(Class, describe) {
  Object.defineProperty(Class.prototype, inspect.custom, {
    configurable: true,
    writable: true,
    value(depth, options) {
      if (!(this instanceof Class)) return Class.name
      const told = describe(this)
      const shown = Object.entries(typeof told === 'string' ? { path: told } : told)
        .map(([name, value]) => `${name}: ${inspect(value, { ...options, depth: 1 })}`)
        .join(', ')
      return `${Class.name} { ${shown} }`
    },
  })
}

module.exports = { inspecting }
