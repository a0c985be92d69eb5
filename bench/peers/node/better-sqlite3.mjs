// better-sqlite3: a write-ahead log, one transaction a change, JSON as text.
import Database from 'better-sqlite3'

export function open(path, durable) {
  const db = new Database(path, { timeout: 60_000 })
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
  db.exec('CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, value TEXT)')
  db.exec('CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, value TEXT)')
  const insert = db.prepare('INSERT INTO records (value) VALUES (?)')
  const put = db.prepare('INSERT OR REPLACE INTO state VALUES (1, ?)')
  const get = db.prepare('SELECT value FROM state WHERE id = 1').pluck()
  const all = db.prepare('SELECT value FROM records ORDER BY id').pluck()
  const last = db.prepare('SELECT value FROM records ORDER BY id DESC LIMIT ?').pluck()
  const append = (record) => void insert.run(JSON.stringify(record))
  const save = (value) => void put.run(JSON.stringify(value))
  const change = db.transaction(() => {
    const value = JSON.parse(get.get())
    value.turns += 1
    save(value)
  })
  const fill = db.transaction((records) => records.forEach(append))
  return {
    append,
    fill: (records) => fill.immediate(records),
    save,
    update: () => void change.immediate(),
    *read() {
      for (const text of all.iterate()) yield JSON.parse(text)
    },
    tail: (count) => last.all(count).reverse().map((text) => JSON.parse(text)),
    close: () => void db.close(),
  }
}
