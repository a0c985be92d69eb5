'use strict'

// Bun compiles a program and its addons into one file, but only an addon that is named in full.

module.exports = embedded() ?? require('./addon-file.js')

function embedded() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  try {
    return require('../untorn.linux-x64-gnu.node')
  } catch {
    // The other way says what is missing.
    return undefined
  }
}
