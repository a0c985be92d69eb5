// A stage on which people make mistakes, and the test of each.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import * as u from 'untorn'
import { directory } from './support.mjs'

export const process_ = { durability: 'process' }

export async function scene(t) {
  const dir = directory(t)
  const at = (name) => path.join(dir, name)
  const journal = await u.Journal.open(at('j'), { ...process_, maxRecord: 100, headerPrefix: '{"h":' })
  await journal.append(1)
  const document = await u.Document.open(at('d'), process_)
  await document.save(1)
  const store = await u.Store.open(at('store'), process_)
  fs.writeFileSync(at('empty.json'), '')
  fs.writeFileSync(at('half.json'), '{"a":1,')
  fs.writeFileSync(at('pretty.json'), '{\n  "a": 1\n}')
  fs.writeFileSync(at('damaged.jsonl'), '1\n{"half\n2\n')
  fs.mkdirSync(at('sub'))
  return { t, dir, at, journal, document, store, session: store.session('s') }
}

/** Fails unless the error is of this class, has its code, and says this. Returns it. */
export function assertTold(error, Class, words) {
  assert.equal(error?.constructor, Class, error?.stack ?? String(error))
  assert.ok(error instanceof u.UntornError)
  const code = Class.name.replace(/Error$/, '').replace(/[A-Z]/g, '_$&').toUpperCase()
  assert.equal(error.code, `UNTORN${code}`)
  assert.match(error.message, words)
  // The words are JavaScript's.
  assert.doesNotMatch(error.message, /napi|\brust\b|\bu32\b|\bf64\b|(?<!option )max_record|max_bytes|header_prefix|on_unsupported|cut_foreign|`lock=`|this thread/i)
  return error
}

/** Tests mistakes: for each what is done, by which class it is told, and what is said. No mistake changes a file. */
export function testMistakes(mistakes) {
  for (const [mistake, [make, Class, words]] of Object.entries(mistakes)) {
    test(mistake, async (t) => {
      const stage = await scene(t)
      const kept = ['j', 'd', 'pretty.json', 'damaged.jsonl']
      const contents = () => kept.map((name) => fs.readFileSync(stage.at(name), 'utf8'))
      const before = contents()
      const error = await (async () => make(stage))().then(() => assert.fail('it went well'), (thrown) => thrown)
      assertTold(error, Class, words)
      assert.deepEqual(contents(), before)
    })
  }
}
