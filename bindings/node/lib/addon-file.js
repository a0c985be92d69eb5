'use strict'

// Finds the addon, the compiled part of this package, and loads it. Node's own modules are asked for without `require`, here
// and everywhere: a bundle that is an ES module has none.

const fs = process.getBuiltinModule('node:fs')
const { createRequire } = process.getBuiltinModule('node:module')
const path = process.getBuiltinModule('node:path')

/** The file's name for this system: `untorn.linux-x64-gnu.node`. */
function nameOfAddon() {
  const { platform, arch } = process
  const abi = { linux: () => (isMusl() ? 'musl' : 'gnu'), win32: () => 'msvc' }[platform]?.()
  return ['untorn.', platform, '-', arch, abi === undefined ? '' : `-${abi}`, '.node'].join('')
}

/** Which C library this system has. */
function isMusl() {
  try {
    return fs.readFileSync('/usr/bin/ldd', 'latin1').includes('musl')
  } catch {
    return process.report?.getReport !== undefined && !hasGlibc()
  }
}

function hasGlibc() {
  const before = process.report.excludeNetwork
  // The report would ask the network for names.
  process.report.excludeNetwork = true
  try {
    const report = process.report.getReport()
    return (typeof report === 'string' ? JSON.parse(report) : report).header.glibcVersionRuntime !== undefined
  } finally {
    process.report.excludeNetwork = before
  }
}

/** Where this file is, or the bundle that it was put into. One that is an ES module does not tell: it is what runs. */
const here = typeof __dirname === 'string' ? __dirname : path.dirname(process.argv[1] ?? process.execPath)

/** Where it may be: in this package, beside a bundle, in the package that a bundle was made from, beside a program. */
function* places(name) {
  yield path.join(here, '..', name)
  yield path.join(here, name)
  try {
    yield path.join(path.dirname(createRequire(path.join(here, 'bundle.js')).resolve('untorn/package.json')), name)
  } catch {
    // No such package from here.
  }
  if (isOneFile()) yield path.join(path.dirname(process.execPath), name)
}

/** Whether program and runtime are one executable: only then is what lies beside that file the program's own. */
function isOneFile() {
  if (process.pkg !== undefined) return true
  if (process.versions.bun !== undefined) return !/^bun[x]?(-profile)?(\.exe)?$/.test(path.basename(process.execPath))
  return process.getBuiltinModule('node:sea')?.isSea() ?? false
}

function load() {
  const name = nameOfAddon()
  const tried = []
  for (const file of places(name)) {
    if (!fs.existsSync(file)) {
      tried.push(file)
      continue
    }
    const addon = { exports: {} }
    try {
      // Not `require`: a bundler would replace it by its own, which knows no addons.
      process.dlopen(addon, file)
    } catch (cause) {
      throw new Error(`untorn: ${file} is there, but the system does not load it: ${cause.message}`, { cause })
    }
    return addon.exports
  }
  throw new Error(absent(name, tried))
}

function absent(name, tried) {
  const shipped = addonsIn(path.join(here, '..'))
  const looked = `looked for ${tried.join(', ')}`
  if (shipped.length > 0) {
    const systems = shipped.map((file) => file.slice('untorn.'.length, -'.node'.length)).join(', ')
    return (
      `untorn: this package has no addon for this system: it is for ${systems}, and ${name} is not there. ` +
      `To install it again does not help; build it from its source on this system (${looked})`
    )
  }
  return (
    `untorn: the addon ${name} is not beside the code that needs it. A bundler has put this code into another file, ` +
    'and can\'t put a compiled addon into it: leave the package out of the bundle (esbuild: --external:untorn; webpack: ' +
    "externals: { untorn: 'commonjs untorn' }; Rollup and Vite: external: ['untorn']), or copy " +
    `node_modules/untorn/${name} beside the bundle, or beside the executable (${looked})`
  )
}

function addonsIn(dir) {
  try {
    return fs.readdirSync(dir).filter((file) => file.startsWith('untorn.') && file.endsWith('.node'))
  } catch {
    return []
  }
}

module.exports = load()
