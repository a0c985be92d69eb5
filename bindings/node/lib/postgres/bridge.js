'use strict'

// The way between the library's threads, which send statements, and the pools that carry them.

const { native, port } = require('../calls.js')
const { LeaseLostError } = require('../errors.js')
const { Carrier } = require('./carrier.js')
const { completeHandles } = require('./missing.js')

/** The carriers of the pools that a handle of the library uses, by their numbers. */
const carriers = new Map()
/** The leases that are watched: what to do when one is lost. */
const leases = new Map()

const bridge = new native.PostgresBridge(port, (asks) => {
  for (const ask of asks) carryOut(ask)
})
completeHandles(native)

/** Never throws: no caller would hear of it, and a thread would wait without end. */
function carryOut(ask) {
  const carrier = carriers.get(ask.pool)
  switch (ask.kind) {
    case 'query':
      return void carrier.query(ask)
    case 'connect':
      return void carrier.connect(ask)
    case 'disconnect':
      return void carrier?.disconnect(ask.connection)
    case 'forget':
      carriers.delete(ask.pool)
      return void carrier?.end()
    case 'lost':
      leases.get(ask.id)?.()
      leases.delete(ask.id)
      return undefined
    default:
      return undefined
  }
}

/** Gives the library a pool. Returns its number, and whether it can open connections beside its own. */
function handOver(pool, isOurs) {
  const number = bridge.number()
  const carrier = new Carrier(bridge, pool, isOurs)
  carriers.set(number, carrier)
  return { number, hasOwn: carrier.hasOwn }
}

/** Returns a signal that is aborted when this process learns that the lease is lost, and what ends the watch. */
function watchLease(handle) {
  const stop = new AbortController()
  const number = handle.watch()
  const path = handle.path
  leases.set(number, () => {
    const message = `renew ${path}: another process has claimed the session; claim it again, and read what the next owner wrote`
    stop.abort(new LeaseLostError('UNTORN_LEASE_LOST', message, { operation: 'renew', path }))
  })
  return { signal: stop.signal, forget: () => leases.delete(number) }
}

module.exports = { handOver, watchLease }
