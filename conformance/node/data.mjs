// The bytes and files that the data speaks of. Plain Node: nothing here asks
// the library what a file should hold.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

/** A string's UTF-8, or a list of pieces joined. */
export function bytes(value) {
  if (typeof value === 'string') return Buffer.from(value)
  assert.ok(Array.isArray(value), `these are no bytes: ${JSON.stringify(value)}`)
  return Buffer.concat(value.map(piece))
}

function piece(value) {
  if (typeof value === 'string') return Buffer.from(value)
  if ('nul' in value) return Buffer.alloc(value.nul)
  if ('repeat' in value) return Buffer.from(value.repeat.repeat(value.times))
  assert.ok('base64' in value, `this is no piece of bytes: ${JSON.stringify(value)}`)
  return Buffer.from(value.base64, 'base64')
}

const isEntry = (entry) => entry !== null && typeof entry === 'object' && !Array.isArray(entry)

/** Puts what `files` says in place. */
export function place(file, entry) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  if (!isEntry(entry)) fs.writeFileSync(file, bytes(entry))
  else if ('symlink' in entry) fs.symlinkSync(entry.symlink, file)
  else if (entry.directory === true) fs.mkdirSync(file, { recursive: true })
  else {
    fs.writeFileSync(file, bytes(entry.bytes))
    fs.chmodSync(file, parseInt(entry.mode, 8))
  }
}

/** Whether the file is what `after` says. */
export function check(file, entry) {
  const name = path.basename(file)
  const seen = fs.lstatSync(file, { throwIfNoEntry: false })
  if (entry === null) return assert.equal(seen, undefined, `${name} is there`)
  assert.ok(seen, `${name} is not there`)
  if (isEntry(entry) && 'symlink' in entry) return assert.equal(fs.readlinkSync(file), entry.symlink)
  if (isEntry(entry) && entry.directory === true) return assert.ok(seen.isDirectory(), `${name} is no directory`)
  assert.ok(seen.isFile(), `${name} is not a regular file`)
  if (isEntry(entry) && entry.any === true) return undefined
  if (isEntry(entry) && 'mode' in entry) {
    assert.equal((seen.mode & 0o7777).toString(8), parseInt(entry.mode, 8).toString(8), `mode of ${name}`)
  }
  const actual = fs.readFileSync(file)
  if (isEntry(entry) && 'torn' in entry) return checkTorn(actual, entry.torn)
  sameBytes(actual, bytes(isEntry(entry) ? entry.bytes : entry), name)
}

/** `P.torn` as docs/protocol.md has it. */
function checkTorn(actual, entries) {
  let rest = actual
  for (const entry of entries) {
    const stop = rest.indexOf('\n')
    assert.notEqual(stop, -1, 'an entry is missing')
    const head = JSON.parse(rest.subarray(0, stop))
    const expected = bytes(entry.bytes)
    assert.equal(head.offset, entry.offset, 'offset')
    assert.equal(head.nuls, entry.nuls, 'nuls')
    assert.equal(head.length, expected.length, 'length')
    assert.equal(typeof head.time, 'string', 'time')
    const end = stop + 1 + expected.length + 1
    sameBytes(rest.subarray(stop + 1, end), Buffer.concat([expected, Buffer.from('\n')]), 'entry')
    rest = rest.subarray(end)
  }
  sameBytes(rest, Buffer.alloc(0), 'behind the last entry')
}

/**
 * What is there after a case: what `after` says; what only `files` names as it
 * was; and nothing else.
 */
export function checkAll(dir, testCase) {
  const expected = { ...testCase.files, ...testCase.after }
  for (const [name, entry] of Object.entries(expected)) check(path.join(dir, name), entry)
  const named = new Set(Object.keys(expected).map((name) => name.split('/')[0]))
  for (const name of fs.readdirSync(dir)) {
    assert.ok(named.has(name) || /\.(lock|rotated)$/.test(name), `${name} was left behind`)
  }
}

export function sameBytes(actual, expected, what) {
  if (Buffer.compare(actual, expected) === 0) return
  const show = (buffer) => `${buffer.length} bytes, …${JSON.stringify(buffer.subarray(-120).toString('latin1'))}`
  assert.fail(`${what} is ${show(actual)}, not ${show(expected)}`)
}
