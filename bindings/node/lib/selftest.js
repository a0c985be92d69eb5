'use strict'

const { begin, block, port } = require('./calls.js')
const { checked } = require('./options.js')
const { toPath } = require('./path.js')

exports.selftest = async function selftest(dir, options) {
  const tried = toPath(dir)
  checked(options, 'selftest')
  return begin(() => port.selftest(tried, options?.scheme), Infinity)
}

exports.selftestSync = function selftestSync(dir, options) {
  checked(options, 'selftest')
  return block(() => port.selftestSync(toPath(dir), options?.scheme))
}
