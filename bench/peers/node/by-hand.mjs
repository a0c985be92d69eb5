// Node's own file system, without a lock: `appendFile`, `writeFile` and `rename`.
import { createReadStream } from 'node:fs'
import { appendFile, open as openFile, readFile, rename, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

export async function open(path, durable) {
  const save = async (value) => {
    const name = `${path}.${process.pid}.tmp`
    await writeFile(name, JSON.stringify(value), { flush: durable })
    await rename(name, path)
  }
  let file
  return {
    async append(record) {
      file ??= await openFile(path, 'a')
      await file.write(JSON.stringify(record) + '\n')
      if (durable) await file.datasync()
    },
    fill: (all) => appendFile(path, all.map((record) => JSON.stringify(record) + '\n').join('')),
    save,
    async update() {
      const value = JSON.parse(await readFile(path, 'utf8'))
      value.turns += 1
      await save(value)
    },
    async *read() {
      for await (const line of createInterface({ input: createReadStream(path) })) yield JSON.parse(line)
    },
    async tail(count) {
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
      return lines.slice(-count).map((line) => JSON.parse(line))
    },
    close: () => file?.close(),
  }
}
