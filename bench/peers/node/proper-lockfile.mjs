// proper-lockfile, with write-file-atomic where a value is replaced.
import { open as openFile, readFile } from 'node:fs/promises'
import lockfile from 'proper-lockfile'
import replace from 'write-file-atomic'

// Its own number of retries is none. These are frequent: its wait grows with each.
const OPTIONS = { realpath: false, retries: { forever: true, factor: 1.2, minTimeout: 1, maxTimeout: 20 } }

export function open(path, durable) {
  const locked = async (work) => {
    const release = await lockfile.lock(path, OPTIONS)
    try {
      return await work()
    } finally {
      await release()
    }
  }
  const save = (value) => replace(path, JSON.stringify(value), { fsync: durable })
  return {
    append: (record) =>
      locked(async () => {
        const file = await openFile(path, 'a')
        await file.write(JSON.stringify(record) + '\n')
        if (durable) await file.datasync()
        await file.close()
      }),
    save: (value) => locked(() => save(value)),
    update: () =>
      locked(async () => {
        const value = JSON.parse(await readFile(path, 'utf8'))
        value.turns += 1
        await save(value)
      }),
    close() {},
  }
}
