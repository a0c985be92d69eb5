'use strict'

// When a wait is reported, and the end of a program that receives events.

const { begin, block, native, port } = require('./calls.js')
const { invalid } = require('./errors.js')
const { shown } = require('./options.js')

exports.setWaitThreshold = function setWaitThreshold(milliseconds) {
  if (typeof milliseconds !== 'number' || !(milliseconds > 0)) {
    throw invalid(`setWaitThreshold takes a number of milliseconds above 0, or Infinity, not ${shown(milliseconds)}`)
  }
  block(() => native.setWaitThreshold(milliseconds))
}

exports.flushEvents = async function flushEvents(timeout = 5000) {
  if (typeof timeout !== 'number' || !(timeout >= 0)) {
    throw invalid(`flushEvents takes a number of milliseconds, or Infinity, not ${shown(timeout)}`)
  }
  return begin(() => port.flushEvents(timeout), Infinity)
}
