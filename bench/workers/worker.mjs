// untorn from Node: answers the bench's requests, one line each (see src/peer.rs).

import fs from 'node:fs'
import { createInterface } from 'node:readline'
import { StringDecoder } from 'node:string_decoder'
import { Journal } from 'untorn'

const HEAD = '{"type":"message","role":"assistant","id":"msg_01HQ8","ts":1731990000.25,"text":"'
const TEXT = 'The tail is whole again; the next append goes to its own line. '.repeat(2)
// The same record as src/data.rs makes: 199 bytes, and the newline that is added.
const TEXT_OF_RECORD = HEAD + TEXT.slice(0, 199 - 2 - HEAD.length) + '"}'
const RECORD = Buffer.from(TEXT_OF_RECORD)
const VALUE = JSON.parse(TEXT_OF_RECORD)

let journal
let file

async function timed(work) {
  const from = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - from)
}

const verbs = {
  ready: () => 0,
  open(path, durability) {
    file = path
    journal = Journal.openSync(path, { durability })
    return 0
  },
  append: (count) =>
    timed(() => {
      for (let i = 0, n = Number(count); i < n; i++) journal.appendRawSync(RECORD)
    }),
  // Values in, as a program has them, all started before the first has ended.
  burst: (count) =>
    timed(() => {
      const all = []
      for (let i = 0, n = Number(count); i < n; i++) all.push(journal.append(VALUE))
      return Promise.all(all)
    }),
  records: () =>
    timed(() => {
      let count = 0
      for (const _ of journal.recordsSync()) count++
      if (count === 0) throw new Error('the journal is empty')
    }),
  'records-async': () =>
    timed(async () => {
      let count = 0
      for await (const _ of journal.records()) count++
      if (count === 0) throw new Error('the journal is empty')
    }),
  // As a program reads them without a library.
  'records-by-hand': () =>
    timed(() => {
      const decoder = new StringDecoder()
      const chunk = Buffer.alloc(64 << 10)
      const fd = fs.openSync(file)
      let count = 0
      let rest = ''
      for (let length; (length = fs.readSync(fd, chunk)) > 0; ) {
        const lines = (rest + decoder.write(chunk.subarray(0, length))).split('\n')
        rest = lines.pop()
        for (const line of lines) if (JSON.parse(line) !== undefined) count++
      }
      fs.closeSync(fd)
      if (count === 0) throw new Error('the journal is empty')
    }),
  verify: () =>
    timed(() => {
      if (journal.verifySync().damageCount !== 0) throw new Error('the journal is damaged')
    }),
  close() {
    journal.closeSync()
    return 0
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...rest] = line.split('\t')
  try {
    if (!Object.hasOwn(verbs, verb)) throw new Error("the Node worker can't do that")
    console.log(`ok\t${await verbs[verb](...rest)}`)
  } catch (error) {
    console.log(`error\t${String(error.message).replaceAll('\n', ' ')}`)
  }
}
