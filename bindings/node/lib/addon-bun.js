'use strict'

// Loads the addon that Bun compiled into the program. Bun includes only an addon whose name is written out.

module.exports = embedded() ?? require('./addon-file.js')

function embedded() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  try {
    return require('../untorn.linux-x64-gnu.node')
  } catch {
    // `addon-file.js` reports what is missing.
    return undefined
  }
}
