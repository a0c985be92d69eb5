// atomically: it syncs the file unless told not to. It has no lock between processes.
import { readFile, writeFile } from 'atomically'

export function open(path, durable) {
  const save = (value) => writeFile(path, JSON.stringify(value), { fsync: durable })
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
