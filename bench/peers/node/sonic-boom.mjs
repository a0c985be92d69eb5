// sonic-boom, what pino writes with: no lock.
import SonicBoom from 'sonic-boom'

export function open(path, durable) {
  const file = new SonicBoom({ dest: path, sync: true, fsync: durable })
  return {
    append: (record) => void file.write(JSON.stringify(record) + '\n'),
    close: () => file.destroy(),
  }
}
