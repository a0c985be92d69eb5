// Carries a step out through the public API.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { Document, FileLock, Journal, loadJson, loadJsonSync } from 'untorn'
import { bytes, check } from './data.mjs'
import { NEWS } from './news.mjs'
import { DOCUMENT, JOURNAL } from './options.mjs'
import { own, passesOn } from './own.mjs'
import { HEADER, REWRITE } from './rewrites.mjs'
import { SALVAGE } from './salvages.mjs'
import { SESSION } from './sessions.mjs'
import { TRANSACTION } from './transactions.mjs'

const asItIs = (value) => value

/** Promises, or the blocking twins. */
const VERBS = {
  node: (target, verb, ...rest) => target[verb](...rest),
  node_sync: (target, verb, ...rest) => target[`${verb}Sync`](...rest),
}

export class Stage {
  constructor(language, dir) {
    this.dir = dir
    this.handles = new Map()
    this.kept = new Map([['nothing', { generation: 0, offset: 0 }]])
    this.verb = VERBS[language]
    this.blocking = language === 'node_sync'
  }

  /** What a step gives, under the names that the data has for it. */
  async run(step) {
    const carryOut = OPS[step.op] ?? (step.op.startsWith('file_') ? foreignWrite : undefined)
    assert.ok(carryOut, `no such op: ${step.op}`)
    return (await carryOut.call(this, step)) ?? {}
  }

  path(step) {
    return path.join(this.dir, step.path)
  }

  handle(step) {
    return this.named(step.on)
  }

  named(name) {
    assert.ok(this.handles.has(name), `no such handle: ${name}`)
    return this.handles.get(name)
  }

  open(Class, step, options) {
    return this.verb(Class, 'open', this.path(step), { stringify: asItIs, parse: asItIs, ...options })
  }

  position(value) {
    const of = typeof value === 'string' ? value : value.of
    const position = this.kept.get(of)
    assert.equal(typeof position?.generation, 'number', `no position was kept as ${of}`)
    return { ...position, offset: value.offset ?? position.offset }
  }

  call(step, more = {}) {
    const options = { ...more }
    if ('timeout' in step) options.timeout = step.timeout
    if ('lock' in step) options.lock = this.handles.get(step.lock)
    return Object.keys(options).length === 0 ? undefined : options
  }

  reading(step, more = {}) {
    const options = { ...more }
    if ('start' in step) options.start = this.position(step.start)
    if ('max_records' in step) options.maxRecords = step.max_records
    if ('max_bytes' in step) options.maxBytes = step.max_bytes
    return options
  }

  /** Another handle on the same journal, which decodes as it is told. */
  async reader(step, options) {
    const { journal, how } = this.handle(step)
    return this.verb(Journal, 'open', journal.path, { ...how, ...options })
  }

  /** One that gives bytes as they are, and tells only of what framing shows. */
  raw(step) {
    const { how, journal, ofSession } = this.handle(step)
    // It gives bytes by itself, and its directory may not exist yet.
    if (ofSession) return journal
    // Only format json knows of seals, and of a record behind NULs on its line: the record is not the whole line.
    const isPart = ([start, end], i) => end - start - 1 > bytes(step.records[i]).length
    // And only it knows a file that is plainly no journal.
    const inParts = how.sealed === true || 'error' in step || (step.spans ?? []).some(isPart)
    return this.reader(step, inParts ? { parse: asItIs } : { format: 'lines' })
  }

  async entries(journal, options) {
    const found = []
    for await (const entry of this.verb(journal, 'entries', options)) found.push(entry)
    return found
  }

  async end() {
    for (const handle of this.handles.values()) {
      if (handle.foreign) await endForeign(handle.foreign)
      else if (handle.transaction) await handle.transaction.rollback()
      else if (handle.lease) await handle.lease.release()
      else if (handle.follower) await handle.follower.follow.return()
      // Stores, sessions and folds hold nothing.
      else if (!handle.store && !handle.session && !handle.fold) await (handle.journal ?? handle).close()
    }
    this.handles.clear()
  }
}

const OPS = {
  ...HEADER,
  ...NEWS,
  ...REWRITE,
  ...SALVAGE,
  ...SESSION,
  ...TRANSACTION,

  async journal_open(step) {
    const how = options(step, JOURNAL)
    this.handles.set(step.on, { journal: await this.open(Journal, step, how), how })
  },

  async append(step) {
    const { journal } = this.handle(step)
    return { kept: await this.verb(journal, 'appendRaw', bytes(step.record), this.call(step)) }
  },

  async append_all(step) {
    const { journal } = this.handle(step)
    const more = 'header' in step ? { header: bytes(step.header) } : {}
    return { kept: await this.verb(journal, 'appendAll', step.records.map(bytes), this.call(step, more)) }
  },

  async append_at(step) {
    const { journal } = this.handle(step)
    const options = this.call(step, { at: this.position(step.at) })
    return { kept: await this.verb(journal, 'appendAll', step.records.map(bytes), options) }
  },

  async end(step) {
    return { kept: await this.verb(this.handle(step).journal, 'end') }
  },

  async records(step) {
    const journal = await this.raw(step)
    const damage = []
    const records = await this.entries(journal, this.reading(step, { onDamage: (found) => damage.push(found) }))
    return { records, damage }
  },

  async values(step) {
    const journal = await this.reader(step, {})
    const damage = []
    const records = await this.entries(journal, this.reading(step, { onDamage: (found) => damage.push(found) }))
    return { values: records.map(({ value }) => value), damage }
  },

  async tail(step) {
    const journal = await this.raw(step)
    return { records: await this.verb(journal, 'tailEntries', step.n) }
  },

  async verify(step) {
    return { report: await this.verb(this.handle(step).journal, 'verify') }
  },

  async repair(step) {
    return { report: await this.verb(this.handle(step).journal, 'repair', this.call(step)) }
  },

  async sync(step) {
    await this.verb(this.handle(step).journal, 'sync')
  },

  async close(step) {
    const handle = this.handle(step)
    await this.verb(handle.journal ?? handle, 'close')
  },

  async document_open(step) {
    const how = options(step, DOCUMENT)
    this.handles.set(step.on, await this.open(Document, step, how))
  },

  async load(step) {
    const document = this.handle(step)
    const value = await this.verb(document, 'loadRaw')
    return { value, kept: document.version }
  },

  async load_json(step) {
    await (this.blocking ? loadJsonSync(this.path(step)) : loadJson(this.path(step)))
  },

  async save(step) {
    const more = 'expect' in step ? { expect: this.kept.get(step.expect) } : {}
    return { kept: await this.verb(this.handle(step), 'save', bytes(step.bytes), this.call(step, more)) }
  },

  async create(step) {
    return { kept: await this.verb(this.handle(step), 'create', bytes(step.bytes), this.call(step)) }
  },

  async update(step) {
    let was
    const change = (value) => {
      was = value === undefined ? null : Buffer.from(value)
      if (step.fail === true) throw own
      return bytes(step.bytes)
    }
    const kept = await passesOn(step.fail, () => this.verb(this.handle(step), 'update', change, this.call(step)))
    return { was, kept }
  },

  async remove(step) {
    const more = 'expect' in step ? { expect: this.kept.get(step.expect) } : {}
    return { removed: await this.verb(this.handle(step), 'remove', this.call(step, more)) }
  },

  async lock(step) {
    this.handles.set(step.on, await this.verb(FileLock, 'acquire', this.path(step), lockOptions(step)))
  },

  async lock_at(step) {
    this.handles.set(step.on, await this.verb(FileLock, 'at', this.path(step), lockOptions(step)))
  },

  async unlock(step) {
    await this.verb(this.handle(step), 'release')
  },

  async foreign_lock(step) {
    const shared = step.shared === true ? ['--shared'] : []
    const foreign = spawn('flock', [...shared, this.path(step), 'sh', '-c', 'echo; read -r _'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.handles.set(step.on, { foreign })
    await once(foreign.stdout, 'data')
  },

  async foreign_unlock(step) {
    await endForeign(this.handle(step).foreign)
    this.handles.delete(step.on)
  },
}

/** As a program does it that has nothing of this library in it. */
function foreignWrite(step) {
  const file = this.path(step)
  if (step.op === 'file_write') fs.writeFileSync(file, bytes(step.bytes))
  else if (step.op === 'file_append') fs.appendFileSync(file, bytes(step.bytes))
  else if (step.op === 'file_replace') {
    const fresh = path.join(this.dir, 'foreign.new')
    fs.writeFileSync(fresh, bytes(step.bytes))
    fs.renameSync(fresh, file)
  } else if (step.op === 'file_remove') fs.unlinkSync(file)
  else if (step.op === 'file_move') fs.renameSync(file, path.join(this.dir, step.to))
  else if (step.op === 'file_make_directory') fs.mkdirSync(file)
  else if (step.op === 'file_is') check(file, step.bytes)
  else assert.fail(`no such op: ${step.op}`)
}

async function endForeign(child) {
  const exited = child.exitCode === null ? once(child, 'exit') : undefined
  child.stdin.end()
  await exited
}

function lockOptions(step) {
  const { timeout, shared, label } = step
  return { timeout, shared, label, ...lockScheme(step) }
}

/** What a handle is opened with. */
export function options(step, table) {
  const how = { durability: 'process' }
  for (const [name, as, read] of table) if (name in step) how[as] = read(step[name])
  return how
}

function lockScheme({ scheme, stale }) {
  return { scheme, stale }
}
