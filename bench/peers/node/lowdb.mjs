// lowdb: the whole value in memory, a temporary file and a rename. No lock, no sync.
import { Low } from 'lowdb'
import { JSONFile } from 'lowdb/node'

export function open(path) {
  const db = new Low(new JSONFile(path), {})
  return {
    async save(value) {
      db.data = value
      await db.write()
    },
    async update() {
      // Another process may have written.
      await db.read()
      await db.update((data) => {
        data.turns += 1
      })
    },
    close() {},
  }
}
