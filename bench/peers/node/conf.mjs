// conf: settings in one file, which it writes with atomically and without `await`. No lock.
import Conf from 'conf'
import { basename, dirname } from 'node:path'

export function open(path) {
  const conf = new Conf({ cwd: dirname(path), configName: basename(path, '.json'), projectName: 'bench' })
  return {
    save(value) {
      conf.store = value
    },
    update() {
      conf.set('turns', conf.get('turns') + 1)
    },
    close() {},
  }
}
