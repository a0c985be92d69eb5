// One of the demo's writers: appends to a journal and counts in a document,
// until it is told to stop or is killed.

import { existsSync, readFileSync } from 'node:fs'
import { Document, Journal } from 'untorn'

const [journalPath, counterPath, transcriptPath, name, start, stop, durability] = process.argv.slice(2)
const transcript = readFileSync(transcriptPath, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line))

const journal = await Journal.open(journalPath, { durability })
const counter = await Document.open(counterPath, { durability })

let appended = 0
while (!existsSync(stop)) {
  const record = transcript[(Number(start) + appended) % transcript.length]
  await journal.append({ writer: name, seq: appended, record })
  console.log(`append ${appended}`) // only now, for only now is the record safe
  appended += 1

  if (appended % 10 === 0) {
    await counter.update((count = {}) => ({
      ...count,
      total: (count.total ?? 0) + 1,
      [name]: (count[name] ?? 0) + 1,
    }))
    console.log('update')
  }
}
