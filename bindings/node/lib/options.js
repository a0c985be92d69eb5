'use strict'

// What callers may say besides the arguments of a call: its names, and what each takes. Checked before anything is
// done, so that a slip of the pen is told and not passed over.

const { invalid } = require('./errors.js')
const { isBytes } = require('./foreign.js')
const { signalOf } = require('./signals.js')
const { textOf } = require('./text.js')

const SYNC_TIMEOUT = 5_000
const MOST_PERMISSIONS = 0o777

const SCHEME = ['scheme', 'onUnsupported', 'stale']
const CODEC = ['stringify', 'parse']
const WAIT = ['timeout', 'signal']
const CALL = [...WAIT, 'lock']

const journal = [
  'durability', 'create', 'maxRecord', 'format', 'mode', 'timeout', 'parents', 'headerPrefix', 'headerReserve',
  'headerMode', 'sealed', 'cutForeignTail', 'maxBytes', 'keep', ...CODEC, ...SCHEME,
]
const document = ['durability', 'mode', 'timeout', 'parents', ...CODEC, ...SCHEME]

/** By verb: the names of its options. A blocking twin has no `signal`. */
const NAMES = {
  openJournal: journal,
  openDocument: document,
  openStore: ['journalName', 'stateName', 'durability', 'create', 'timeout', 'journal', ...CODEC],
  call: CALL,
  wait: WAIT,
  none: [],
  append: [...CALL, 'at', 'header'],
  rewrite: [...CALL, 'onDamage'],
  read: ['start', 'maxRecords', 'maxBytes', 'onDamage'],
  tail: ['onDamage'],
  follow: ['start', 'signal', 'onRewind', 'onDamage'],
  load: ['default'],
  save: [...CALL, 'expect'],
  acquire: [...WAIT, 'shared', 'label', ...SCHEME],
  saveJson: [...WAIT, 'durability', 'mode', 'parents', 'replacer', 'space', 'stringify', 'expect'],
  loadJson: ['parse', 'default'],
  appendJson: [...WAIT, 'durability', 'mode', 'parents', 'maxRecord', 'stringify'],
  begin: [...WAIT, 'durability', 'mode', 'journals', ...CODEC],
  loadMember: [...WAIT, 'default'],
  snapshot: [...WAIT, 'parse'],
  snapshotRecords: ['journal', 'onDamage'],
  sessionDocument: CODEC,
  keys: ['signal'],
  search: ['maxHits', 'signal'],
  reconcile: [...WAIT, 'alsoAlive'],
  selftest: ['scheme'],
}

/** What an option takes; it throws what is wrong with a value. */
const KINDS = {
  ...each(['create', 'parents', 'sealed', 'cutForeignTail', 'shared'], (value) => typeof value === 'boolean', 'is true or false'),
  ...each(['maxRecord', 'headerReserve', 'maxBytes', 'keep', 'maxRecords'], isCount, 'is a whole number, 0 or more'),
  ...each(['maxHits'], isCount, 'is a whole number, 0 or more'),
  ...each(['stale'], (value) => typeof value === 'number' && value >= 0, 'is a number of milliseconds'),
  ...each(
    ['stringify', 'parse', 'onDamage', 'onRewind', 'alsoAlive'],
    (value) => typeof value === 'function',
    'is a function',
  ),
  ...each(
    ['durability', 'format', 'scheme', 'onUnsupported', 'headerMode'],
    (value) => typeof value === 'string',
    'is a word',
  ),
  ...each(['start', 'at'], isPosition, 'is a position: an object with two whole numbers, generation and offset'),
  journalName: textOf,
  stateName: textOf,
  label: textOf,
  headerPrefix: (value, name) => (isBytes(value) ? value : textOf(value, name)),
  mode: permissions,
  timeout: milliseconds,
  signal: (signal) => signalOf({ signal }),
  expect: version,
  journal: (value, name) => checked(value, 'openJournal', name),
  journals: (value, name) => checked(value, 'openJournal', name),
}

/** Those for which `undefined` would be a check that is left out without a word. */
const NEVER_UNDEFINED = {
  expect: 'load the document first: `version` is known from then on; null is for a document that is not there',
  at: 'a position comes from an append, from end(), or from an entry',
}

function each(names, holds, words) {
  const check = (value, name) => {
    if (!holds(value)) throw invalid(`${name} ${words}, not ${shown(value)}`)
  }
  return Object.fromEntries(names.map((name) => [name, check]))
}

function isCount(value) {
  return value === Infinity || (Number.isSafeInteger(value) && value >= 0)
}

function isPosition(value) {
  const whole = (n) => Number.isSafeInteger(n) && n >= 0
  return typeof value === 'object' && value !== null && whole(value.generation) && whole(value.offset)
}

function permissions(mode, name) {
  if (!Number.isInteger(mode) || mode < 0) throw invalid(`${name} is a number, as 0o600, not ${shown(mode)}`)
  if (mode <= MOST_PERMISSIONS) return
  const meant = /^[0-7]{3}$/.test(String(mode)) ? `; 0o${mode} is what ls shows as ${mode}` : ''
  throw invalid(`${name} is 0o777 at most, not ${mode} (0o${mode.toString(8)})${meant}`)
}

function version(expect) {
  if (expect === null || (typeof expect === 'string' && expect !== '')) return
  throw invalid(`expect is a version, or null for a document that is not there, not ${shown(expect)}`)
}

function milliseconds(timeout) {
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw invalid(`timeout is a number of milliseconds, 0 or more, or Infinity, not ${shown(timeout)}`)
}

function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** The options of a call, if they are such: `verb` is a name in NAMES. */
function checked(options, verb, what = 'the options') {
  if (options === undefined || options === null) return undefined
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid(`${what} are an object, not ${shown(options)}`)
  }
  const names = NAMES[verb]
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw invalid(unknown(name, names))
    const value = options[name]
    if (value === undefined && name in NEVER_UNDEFINED) {
      throw invalid(`${name} is undefined, which would check nothing; ${NEVER_UNDEFINED[name]}`)
    }
    if (value === undefined || (value === null && name !== 'expect')) continue
    KINDS[name]?.(value, name)
  }
  return options
}

/** The same for a blocking call. */
function checkedSync(options, verb) {
  if (options?.signal !== undefined && NAMES[verb].includes('signal')) {
    throw invalid('signal is for the asynchronous call: while a blocking one waits, nobody can abort it')
  }
  return checked(options, verb)
}

function unknown(name, names) {
  const meant = nearest(name, names)
  if (meant !== undefined) return `there is no option ${name} here; did you mean ${meant}?`
  return `there is no option ${name} here; there ${names.length === 0 ? 'are none' : `is ${names.join(', ')}`}`
}

function nearest(name, names) {
  const plain = (text) => text.replaceAll(/[_-]/g, '').toLowerCase()
  let found
  let least = 3
  for (const candidate of names) {
    const far = distance(plain(name), plain(candidate))
    if (far < least && far <= candidate.length / 2) [found, least] = [candidate, far]
  }
  return found
}

/** How many letters one has to change, to put in, to leave out or to swap. */
function distance(a, b) {
  let [older, before] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], older[j - 2] + 1)
    }
    ;[older, before] = [before, row]
  }
  return before[b.length]
}

/** How long an asynchronous call waits: its own timeout, the handle's, for ever. */
function patience(options, handle) {
  return milliseconds(options?.timeout ?? handle ?? Infinity)
}

/** The same for a blocking call, as the addon takes it. */
function patienceSync(options, handle) {
  const timeout = milliseconds(options?.timeout ?? handle ?? SYNC_TIMEOUT)
  return timeout === Infinity ? -1 : timeout
}

/** The three options that every lock has, as the addon takes them. */
function schemeOptions(options) {
  const { scheme, onUnsupported, stale } = options ?? {}
  return { scheme, onUnsupported, stale }
}

/** What the addon opens a journal with. */
function journalOptions(options) {
  const { durability, create, maxRecord, format, mode, parents } = options ?? {}
  const { headerPrefix, headerReserve, headerMode, sealed, cutForeignTail, maxBytes, keep } = options ?? {}
  return {
    durability, create, maxRecord, format, mode, parents,
    headerPrefix, headerReserve, headerMode, sealed, cutForeignTail, maxBytes, keep,
    ...schemeOptions(options),
  }
}

module.exports = { checked, checkedSync, isPosition, journalOptions, patience, patienceSync, schemeOptions, shown }
