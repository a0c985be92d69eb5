// The library within a realm of its own: a `vm` context, as sandboxes and test runners make them. What Jest and Vitest do
// besides is tried by the step node-runners.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import vm from 'node:vm'

const require = createRequire(import.meta.url)

/** `require` whose modules are compiled in `context`; Node's own are Node's. */
function requireIn(context) {
  const loaded = new Map()
  const load = (file) => {
    if (loaded.has(file)) return loaded.get(file).exports
    const module = { exports: {} }
    loaded.set(file, module)
    const names = ['exports', 'require', 'module', '__filename', '__dirname']
    const compiled = vm.compileFunction(fs.readFileSync(file, 'utf8'), names, { filename: file, parsingContext: context })
    const local = (wanted) => {
      const found = createRequire(file).resolve(wanted)
      return path.isAbsolute(found) ? load(found) : require(found)
    }
    compiled(module.exports, local, module, file, path.dirname(file))
    return module.exports
  }
  return load
}

const here = { ...Object.fromEntries(['Buffer', 'process', 'URL', 'AbortController', 'setTimeout', 'clearTimeout', 'setImmediate'].map((name) => [name, globalThis[name]])) }
const context = vm.createContext(here)
const { tests } = requireIn(context)(path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'runners', 'suite.cjs'))

test('it is another realm', () => {
  assert.notEqual(vm.runInContext('Error', context), Error)
})

for (const [name, run] of tests) test(`in a vm context: ${name}`, run)
for (const [name, run] of require('./runners/suite.cjs').tests) test(`in Node's own realm: ${name}`, run)
