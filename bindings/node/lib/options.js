'use strict'

// The options of calls: their names, and the values that each takes. They are checked before anything is done, so that
// a misspelled name is reported and not ignored.

const { invalid } = require('./errors.js')
const { isAsync, isBytes } = require('./foreign.js')
const names = require('./option-names.js')
const { signalOf } = require('./signals.js')
const { textOf } = require('./text.js')

const SYNC_TIMEOUT = 5_000
const MOST_PERMISSIONS = 0o777

const SCHEME = names.scheme
const CODEC = ['stringify', 'parse']
const WAIT = ['timeout', 'signal']
const CALL = [...WAIT, 'lock']

const journal = [...names.journal, ...CODEC, ...SCHEME]
const document = [...names.document, ...CODEC, ...SCHEME]

/** The names of the options, by method. A blocking twin has no `signal`. */
const NAMES = {
  openJournal: journal,
  openDocument: document,
  openStore: ['journalName', 'stateName', 'durability', 'create', 'timeout', 'journal', ...CODEC],
  openPostgres: [
    'schema', 'journalName', 'stateName', 'durability', 'timeout', 'ttl', 'connected', 'patience', 'journal', ...CODEC,
  ],
  call: CALL,
  wait: WAIT,
  none: [],
  append: [...CALL, 'at', 'header'],
  rewrite: [...CALL, 'onDamage', 'onProgress'],
  fold: [...CALL, 'onDamage'],
  verify: ['signal', 'onProgress'],
  change: [...CALL, 'onProgress'],
  read: ['start', 'maxRecords', 'maxBytes', 'onDamage'],
  tail: ['onDamage'],
  follow: ['start', 'signal', 'onRewind', 'onDamage'],
  load: ['default'],
  save: [...CALL, 'expect'],
  acquire: [...WAIT, 'shared', 'label', ...SCHEME],
  saveJson: [...WAIT, 'durability', 'mode', 'parents', 'replacer', 'space', 'stringify', 'expect'],
  loadJson: ['parse', 'default'],
  appendJson: [...WAIT, 'durability', 'mode', 'parents', 'maxRecord', 'stringify'],
  begin: [...WAIT, 'durability', 'mode', 'parents', 'journals', ...CODEC],
  loadMember: [...WAIT, 'default'],
  snapshot: [...WAIT, 'parse'],
  snapshotRecords: ['journal', 'onDamage'],
  sessionDocument: CODEC,
  keys: ['signal'],
  search: ['maxHits', 'signal', 'onProgress'],
  reconcile: [...WAIT, 'alsoAlive'],
  selftest: ['scheme'],
}

/** The check of each kind of option. It throws an error that says what is wrong with a value. */
const TAKES = {
  flag: check((value) => typeof value === 'boolean', 'must be true or false'),
  count: check(isCount, 'must be a whole number, 0 or more'),
  age: check((value) => typeof value === 'number' && value >= 0, 'must be a number of milliseconds'),
  word: check((value) => typeof value === 'string', 'must be a string'),
  position: check(isPosition, 'must be a position: an object with two whole numbers, generation and offset'),
  function: check((value) => typeof value === 'function', 'must be a function'),
  data: (value, name) => (isBytes(value) ? value : textOf(value, name)),
  text: textOf,
  mode: permissions,
  timeout: milliseconds,
}

/** The check of each option. */
const KINDS = {
  ...Object.fromEntries(Object.entries(names.kinds).map(([name, kind]) => [name, TAKES[kind]])),
  ...each(['maxRecords', 'maxHits'], TAKES.count),
  ...each(['stringify', 'parse'], blockingFunction),
  ...each(['onDamage', 'onRewind', 'onProgress', 'alsoAlive'], TAKES.function),
  ...each(['start', 'at'], TAKES.position),
  ...each(['ttl', 'patience'], TAKES.age),
  connected: TAKES.flag,
  schema: textOf,
  signal: (signal) => signalOf({ signal }),
  expect: version,
  journal: (value, name) => checked(value, 'openJournal', name),
  journals: (value, name) => checked(value, 'openJournal', name),
}

/** The options for which `undefined` would silently leave out a check. */
const NEVER_UNDEFINED = {
  expect: 'load the document first: `version` is known from then on; null is for a document that does not exist',
  at: 'a position comes from an append, from end(), or from an entry',
}

function check(holds, words) {
  return (value, name) => {
    if (!holds(value)) throw invalid(`${name} ${words}, not ${shown(value)}`)
  }
}

function each(names, takes) {
  return Object.fromEntries(names.map((name) => [name, takes]))
}

function isCount(value) {
  return value === Infinity || (Number.isSafeInteger(value) && value >= 0)
}

function isPosition(value) {
  const whole = (n) => Number.isSafeInteger(n) && n >= 0
  return typeof value === 'object' && value !== null && whole(value.generation) && whole(value.offset)
}

/** Its result is used at once: a promise would be the text, or the value. */
function blockingFunction(value, name) {
  TAKES.function(value, name)
  if (isAsync(value)) throw invalid(`${name} must not be async: its result is used at once`)
}

function permissions(mode, name) {
  if (!Number.isInteger(mode) || mode < 0) throw invalid(`${name} must be a number such as 0o600, not ${shown(mode)}`)
  if (mode <= MOST_PERMISSIONS) return
  const meant = /^[0-7]{3}$/.test(String(mode)) ? `; 0o${mode} is what ls shows as ${mode}` : ''
  throw invalid(`${name} must be 0o777 at most, not ${mode} (0o${mode.toString(8)})${meant}`)
}

function version(expect) {
  if (expect === null || (typeof expect === 'string' && expect !== '')) return
  throw invalid(`expect must be a version, or null for a document that does not exist, not ${shown(expect)}`)
}

function milliseconds(timeout) {
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw invalid(`timeout must be a number of milliseconds, 0 or more, or Infinity, not ${shown(timeout)}`)
}

function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** Checks the options of a call and returns them. `verb` is a name in NAMES. */
function checked(options, verb, what = 'the options') {
  if (options === undefined || options === null) return undefined
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid(`${what} must be an object, not ${shown(options)}`)
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

/** The same for a call that opens a file: the error names it. */
function checkedOpen(path, options, verb) {
  try {
    return checked(options, verb)
  } catch (error) {
    if (error?.code !== 'UNTORN_INVALID_ARGUMENT') throw error
    throw invalid(`open ${path}: ${error.message}`, { operation: 'open', path })
  }
}

/** The same for a blocking call. */
function checkedSync(options, verb) {
  if (options?.signal !== undefined && NAMES[verb].includes('signal')) {
    throw invalid('signal is for the asynchronous call: no code can abort a blocking call while it waits')
  }
  if (options?.onProgress !== undefined && NAMES[verb].includes('onProgress')) {
    throw invalid('onProgress is for the asynchronous call: a blocking call lets no other code of the program run')
  }
  return checked(options, verb)
}

function unknown(name, names) {
  const meant = nearest(name, names)
  if (meant !== undefined) return `unknown option ${name}; did you mean ${meant}?`
  return `unknown option ${name}; ${names.length === 0 ? 'this call takes none' : `this call takes ${names.join(', ')}`}`
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

/** The number of letters to change, insert, delete or swap. */
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

/** How long an asynchronous call waits: its own timeout, else the handle's, else without a limit. */
function patience(options, handle) {
  return milliseconds(options?.timeout ?? handle ?? Infinity)
}

/** The same for a blocking call, in the form that the addon takes. */
function patienceSync(options, handle) {
  const timeout = milliseconds(options?.timeout ?? handle ?? SYNC_TIMEOUT)
  return timeout === Infinity ? -1 : timeout
}

/** Checks a whole number that is an argument. */
function whole(number, name) {
  if (!Number.isSafeInteger(number) || number < 0) throw invalid(`${name} must be a whole number, 0 or more`)
  return number
}

/** These of the options, in the form that the addon takes. */
function picked(options, names) {
  return Object.fromEntries(names.map((name) => [name, options?.[name]]))
}

/** The three options that every lock has, in the form that the addon takes. */
function schemeOptions(options) {
  return picked(options, SCHEME)
}

/** The options of a journal, in the form that the addon takes. */
function journalOptions(options) {
  return { ...picked(options, names.journal), ...schemeOptions(options) }
}

/** The options of a document, in the form that the addon takes. */
function documentOptions(options) {
  return { ...picked(options, names.document), ...schemeOptions(options) }
}

module.exports = { checked, checkedOpen, checkedSync, documentOptions, isPosition, journalOptions, patience, patienceSync, schemeOptions, shown, whole }
