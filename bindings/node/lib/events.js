'use strict'

// The library's events: a channel of `node:diagnostics_channel` for each kind.

const { channel } = process.getBuiltinModule('node:diagnostics_channel')
const { warnOfScheme, warnOfWait } = require('./warning.js')

/** The events of which a program is warned that does not listen for them. */
const warnings = { waiting: warnOfWait, other_scheme: warnOfScheme }

/** Channels by the kind of event. They are kept: Node would otherwise forget those that have no subscriber. */
const channels = new Map()

function channelOf(kind) {
  let found = channels.get(kind)
  if (found === undefined) {
    found = channel(`untorn:${kind}`)
    channels.set(kind, found)
  }
  return found
}

/** Called by the addon with events as JSON. `isFirst`: in a process with workers, one event loop warns. */
function tell(events, isFirst) {
  for (const text of events) {
    const event = JSON.parse(text)
    if (isFirst && event.severity === 'warning') warnings[event.kind]?.(event)
    channelOf(event.kind).publish(event)
  }
}

module.exports = { tell }
