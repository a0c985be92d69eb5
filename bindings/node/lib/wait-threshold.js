'use strict'

const { block, native } = require('./calls.js')
const { invalid } = require('./errors.js')
const { shown } = require('./options.js')

exports.setWaitThreshold = function setWaitThreshold(milliseconds) {
  if (typeof milliseconds !== 'number' || !(milliseconds > 0)) {
    throw invalid(`setWaitThreshold takes a number of milliseconds above 0, or Infinity, not ${shown(milliseconds)}`)
  }
  block(() => native.setWaitThreshold(milliseconds))
}
