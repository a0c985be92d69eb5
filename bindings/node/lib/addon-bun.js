'use strict'

// Loads the addon that Bun compiled into the program. Bun includes only an addon whose name is written out, and takes a
// missing one as allowed only where `require` itself is within `try`.

module.exports = embedded() ?? require('./addon-file.js')

function embedded() {
  switch (`${process.platform}-${process.arch}`) {
    case 'linux-x64':
      try {
        return require('../untorn.linux-x64-gnu.node')
      } catch {}
      try {
        return require('@untorn/linux-x64-gnu/untorn.linux-x64-gnu.node')
      } catch {}
      try {
        return require('@untorn/linux-x64-musl/untorn.linux-x64-musl.node')
      } catch {}
      break
    case 'linux-arm64':
      try {
        return require('@untorn/linux-arm64-gnu/untorn.linux-arm64-gnu.node')
      } catch {}
      try {
        return require('@untorn/linux-arm64-musl/untorn.linux-arm64-musl.node')
      } catch {}
      break
    case 'darwin-x64':
      try {
        return require('@untorn/darwin-x64/untorn.darwin-x64.node')
      } catch {}
      break
    case 'darwin-arm64':
      try {
        return require('@untorn/darwin-arm64/untorn.darwin-arm64.node')
      } catch {}
      break
    case 'win32-x64':
      try {
        return require('@untorn/win32-x64-msvc/untorn.win32-x64-msvc.node')
      } catch {}
  }
  // `addon-file.js` reports what is missing.
  return undefined
}
