'use strict'

// The identity of processes, which outlives their pids.

const { block, native } = require('./calls.js')
const { invalid } = require('./errors.js')
const { textOf } = require('./text.js')

const OWN = Symbol('made by this module')

class Process {
  #json

  constructor(own, json) {
    if (own !== OWN) throw invalid('use Process.current(), Process.of(pid) or Process.from(value)')
    this.#json = json
    const { pid, start, boot, namespace, host } = JSON.parse(json)
    Object.assign(this, { pid, start: start ?? null, boot: boot ?? null, namespace: namespace ?? null, host: host ?? null })
    Object.freeze(this)
  }

  static current() {
    return new Process(OWN, block(() => native.processOf()))
  }

  static of(pid) {
    if (!Number.isInteger(pid) || pid < 0 || pid >= 2 ** 32) throw invalid('a pid must be a whole number')
    return new Process(OWN, block(() => native.processOf(pid)))
  }

  static from(value) {
    const json = typeof value === 'string' ? value : JSON.stringify(value)
    if (json === undefined) throw invalid('a process must be an object, or its JSON')
    textOf(json, 'the JSON of a process')
    return new Process(OWN, block(() => native.processFrom(json)))
  }

  get alive() {
    return block(() => native.processAlive(this.#json))
  }
}

/** Returns a process in the form that the addon takes. */
function jsonOf(value) {
  return JSON.stringify(Process.from(value))
}

module.exports = { Process, jsonOf }
