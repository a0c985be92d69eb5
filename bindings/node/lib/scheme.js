'use strict'

/** The three options that every lock has, as the addon takes them. */
exports.schemeOptions = function schemeOptions(options) {
  const { scheme, onUnsupported, stale } = options ?? {}
  return { scheme, onUnsupported, stale }
}
