// write-file-atomic: it syncs the file unless told not to. It has no lock between processes.
import { readFile } from 'node:fs/promises'
import replace from 'write-file-atomic'

export function open(path, durable) {
  const save = (value) => replace(path, JSON.stringify(value), { fsync: durable })
  return {
    save,
    async update() {
      const value = JSON.parse(await readFile(path, 'utf8'))
      value.turns += 1
      await save(value)
    },
    close() {},
  }
}
