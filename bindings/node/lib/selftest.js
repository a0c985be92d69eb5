'use strict'

const { begin, block, port } = require('./calls.js')
const { toPath } = require('./path.js')

exports.selftest = async function selftest(dir, options) {
  const tried = toPath(dir)
  return begin(() => port.selftest(tried, options?.scheme), Infinity)
}

exports.selftestSync = function selftestSync(dir, options) {
  return block(() => port.selftestSync(toPath(dir), options?.scheme))
}
