// The mistakes that people make with records and documents: each is told in words that say what to do, by the right class.

import fs from 'node:fs'
import * as u from 'untorn'
import { process_, testMistakes } from './support-mistakes.mjs'

const I = u.InvalidArgumentError
const R = u.InvalidRecordError

const cycle = () => {
  const a = {}
  a.a = a
  return a
}

testMistakes({
  // Records.
  'an object in the place of many records': [({ journal }) => journal.replace({ only: 'one' }), I, /many records.*not an object; put one record into an array; nothing was changed/],
  'an object appended as many': [({ journal }) => journal.appendAll({ a: 1 }), I, /many records.*nothing was changed/],
  'a number appended as many': [({ journal }) => journal.appendAll(5), I, /many records.*not a number/],
  'a string appended as many': [({ journal }) => journal.appendAllSync('ab'), I, /many records.*not a string/],
  'an object as many in a transaction': [({ dir }) => u.transaction(dir, (tx) => tx.appendAll('j', { a: 1 })), I, /many records.*nothing was changed/],
  'a promise of records': [({ journal }) => journal.replace(Promise.resolve([])), I, /this is a promise: await it first/],
  'a stream for a blocking call': [({ journal }) => journal.appendAllSync((async function* () { yield 1 })()), I, /await them, or use the asynchronous twin/],
  'nothing appended': [({ journal }) => journal.append(), R, /JSON can't hold a value of type undefined; nothing was appended/],
  'a function appended': [({ journal }) => journal.appendSync(() => 1), R, /JSON can't hold a value of type function/],
  'a Symbol appended': [({ journal }) => journal.append(Symbol('s')), R, /JSON can't hold a value of type symbol/],
  'a promise appended': [({ journal }) => journal.append(Promise.resolve(1)), R, /a promise: await it first; nothing was appended/],
  'a Map appended': [({ journal }) => journal.append(new Map([[1, 2]])), R, /makes \{\} of a Map: convert it.*nothing was appended/],
  'a Set among many': [({ journal }) => journal.appendAll([1, new Set([2])]), R, /makes \{\} of a Set: convert it, as with \[\.\.\.set\]/],
  'an Error appended': [({ journal }) => journal.append(new Error('x')), R, /makes \{\} of an Error: choose what to keep/],
  'NaN appended': [({ journal }) => journal.append(NaN), R, /JSON has no NaN/],
  'Infinity appended': [({ journal }) => journal.appendSync(-Infinity), R, /JSON has no -Infinity/],
  'a cycle appended': [({ journal }) => journal.append(cycle()), R, /circular.*nothing was appended/is],
  'a BigInt appended': [({ journal }) => journal.append({ a: 1n }), R, /BigInt.*nothing was appended/i],
  'half a record': [({ journal }) => journal.appendRaw('{"a":'), R, /not one JSON value: EOF/],
  'two records in one': [({ journal }) => journal.appendRaw('1\n2'), R, /a newline at byte 1 would make two records of it/],
  'a final newline': [({ journal }) => journal.appendRaw('1\n'), R, /leave the final newline off/],
  'an object as a raw record': [({ journal }) => journal.appendRaw({ a: 1 }), R, /a raw record must be a string, a Buffer or a Uint8Array, not object/],
  'half a surrogate pair': [({ journal }) => journal.appendRaw('"\ud800"'), R, /half of a surrogate pair/],
  'a record too long': [({ journal }) => journal.append('x'.repeat(200)), u.LimitExceededError, /the record has 202 bytes, and maxRecord is 100; nothing was appended/],
  'an async stringify': [({ at }) => u.Journal.open(at('x'), { stringify: async () => '1' }), I, /stringify must not be async/],
  'a stringify that gives an object': [async ({ at }) => (await u.Journal.open(at('x'), { stringify: () => ({}) })).append(1), R, /a raw record must be a string/],
  'a header without the option': [async ({ at }) => (await u.Journal.open(at('x'))).setHeader({ h: 1 }), I, /headerPrefix/],
  'a header that begins otherwise': [({ journal }) => journal.setHeader({ other: 1, h: 1 }), R, /headerPrefix/],
  'rewind to a number': [({ journal }) => journal.rewind(3), I, /rewind takes a position: an object with two whole numbers/],
  'rewind to nothing': [({ journal }) => journal.rewindSync(), I, /rewind takes a position/],
  'rewind into a record': [({ journal }) => journal.end().then((end) => journal.rewind({ ...end, offset: 1 })), u.ConflictError, /nothing was changed/],
  "rewind to another journal's position": [({ journal }) => journal.rewind({ generation: 7, offset: 2 }), u.ConflictError, /nothing was changed/],
  'an append at a position of before': [({ journal }) => journal.appendAll([2], { at: { generation: 7, offset: 0 } }), u.ConflictError, /nothing was appended/],
  'compact that gives no list': [({ journal }) => journal.compact(() => 5), I, /the function must return the records.*nothing was changed/],
  'compact without a function': [({ journal }) => journal.compact(), I, /compact takes a function/],
  'a state in the place of what makes it': [({ journal }) => journal.fold(0, (n) => n), I, /fold takes two functions: initial\(\) makes a state.*initial is 0/],
  'a fold without apply': [({ journal }) => journal.fold(() => 0), I, /apply is undefined/],
  'an async initial': [({ journal }) => journal.fold(async () => 0, (n) => n), I, /initial must not be async/],
  'an async apply': [({ journal }) => journal.foldSync(() => 0, async () => 1), I, /apply must not be async/],
  'an apply that returns a promise': [({ journal }) => journal.fold(() => 0, () => Promise.resolve(1)), I, /apply must not be async/],
  'an append after close': [async ({ journal }) => { await journal.close(); await journal.append(1) }, I, /the journal is closed/],
  'a read of a JSON document': [async ({ at }) => (await u.Journal.open(at('pretty.json'))).read(), u.CorruptError, /not a journal: it is one JSON document over several lines/],
  'a read of a gzip file': [async ({ at }) => { fs.writeFileSync(at('gz'), Buffer.from('1f8b0800', 'hex')); return (await u.Journal.open(at('gz'))).read() }, u.CorruptError, /not a journal: /],
  'more records than the limit': [({ journal }) => journal.read({ maxRecords: 0 }), u.LimitExceededError, /more than maxRecords = 0; read on from/],
  'a limit as text': [({ journal }) => journal.read({ maxRecords: '3' }), I, /maxRecords must be a whole number, 0 or more, not "3"/],
  'a start that is text': [({ journal }) => journal.read({ start: '1:2' }), I, /start must be a position: an object with two whole numbers/],
  'an append to a JSON document': [({ at }) => u.appendJson(at('pretty.json'), 1, process_), u.CorruptError, /cutForeignTail/],

  // Documents.
  'update that returns nothing': [({ document }) => document.update(() => {}), I, /returned nothing; return the value to save; nothing was changed/],
  'a value in the place of the function': [({ document }) => document.update({ a: 1 }), I, /update takes a function, which gets the value and returns the one to save/],
  'an async function for updateSync': [({ document }) => document.updateSync(async () => 2), I, /updateSync takes a function that is not async/],
  'load of what is missing': [({ at }) => u.loadJson(at('no.json')), u.NotFoundError, /the document does not exist/],
  'load of an empty file': [({ at }) => u.loadJson(at('empty.json')), u.CorruptError, /the file holds no value \(0 bytes\).*restore it/],
  'load of half a file': [({ at }) => u.loadJson(at('half.json')), u.CorruptError, /not JSON: EOF while parsing an object/],
  'create of what exists': [({ document }) => document.create(2), u.AlreadyExistsError, /create.*already exists; nothing was changed|already exists; nothing was changed/],
  'a version that is not known yet': [async ({ at }) => { const other = await u.Document.open(at('d'), process_); await other.save(2, { expect: other.version }) }, I, /expect is undefined, which would check nothing; load the document first/],
  'a version of before': [({ document }) => document.save(2, { expect: '0'.repeat(32) }), u.ConflictError, /others have saved it meanwhile; load it and try again/],
  'a version that is none': [({ document }) => document.save(2, { expect: 7 }), I, /expect must be a version, or null for a document that does not exist, not 7/],
  'a promise saved': [({ document }) => document.save(Promise.resolve(1)), I, /a promise: await it first; nothing was changed/],
  'nothing saved': [({ document }) => document.save(), I, /JSON can't hold a value of type undefined; nothing was changed/],
  'a Map saved': [({ document }) => document.save(new Map()), I, /makes \{\} of a Map.*nothing was changed/],
  'NaN saved': [({ document }) => document.saveSync(NaN), I, /JSON has no NaN; nothing was changed/],
  'a cycle saved': [({ document }) => document.save(cycle()), I, /save .*circular.*nothing was changed/is],
  'a save after close': [async ({ document }) => { await document.close(); await document.save(1) }, I, /the document is closed/],
})
