import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { Journal } from 'untorn'
import { file, lines } from './support.mjs'

const process_ = { durability: 'process' }
const last = Buffer.from('{"text":"last ä","n":[1,2]}\n')
const before = Buffer.from('[0]\n')

// Where only the newline is lost, the record is whole: it is kept.
const whole = last.length - 1

for (const nuls of [0, 1, 37]) {
  for (const how of ['append', 'appendSync', 'appendAll', 'appendRawSync']) {
    test(`a tail cut at every byte, ${nuls} NULs behind it, then ${how}`, async (t) => {
      const name = file(t)
      for (let cut = 0; cut <= last.length; cut += 1) {
        if (cut === last.length && nuls === 0) continue
        fs.rmSync(name, { force: true })
        fs.rmSync(`${name}.torn`, { force: true })
        fs.writeFileSync(name, Buffer.concat([before, last.subarray(0, cut), Buffer.alloc(nuls)]))
        const journal = await Journal.open(name, process_)
        const kept = cut >= whole ? [[0], JSON.parse(last)] : [[0]]
        assert.deepEqual(await journal.read(), cut === last.length ? kept : [[0]], `read, cut at ${cut}`)
        if (how === 'append') await journal.append('next')
        else if (how === 'appendSync') journal.appendSync('next')
        else if (how === 'appendAll') await journal.appendAll(['next', 'after'])
        else journal.appendRawSync(Buffer.from('"next"'))
        const added = how === 'appendAll' ? ['next', 'after'] : ['next']
        assert.deepEqual(lines(name), [...kept, ...added], `cut at ${cut}`)
        // Nothing was thrown away.
        const torn = cut < whole ? last.subarray(0, cut) : Buffer.alloc(0)
        const quarantine = fs.existsSync(`${name}.torn`) ? fs.readFileSync(`${name}.torn`) : Buffer.alloc(0)
        assert.ok(quarantine.includes(torn), `cut at ${cut}: ${quarantine}`)
        assert.equal((await journal.verify()).damageCount, 0)
        journal.closeSync()
      }
    })
  }
}
