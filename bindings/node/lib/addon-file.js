'use strict'

// Finds the addon, the compiled part of this package, and loads it. Every file here gets Node's own modules without
// `require`: a bundle that is an ES module has none.

const fs = process.getBuiltinModule('node:fs')
const { createRequire } = process.getBuiltinModule('node:module')
const path = process.getBuiltinModule('node:path')

/** The name of the addon's file for this system: `untorn.linux-x64-gnu.node`. */
function nameOfAddon() {
  const { platform, arch } = process
  const abi = { linux: () => (isMusl() ? 'musl' : 'gnu'), win32: () => 'msvc' }[platform]?.()
  return ['untorn.', platform, '-', arch, abi === undefined ? '' : `-${abi}`, '.node'].join('')
}

/** Whether this system has the C library musl. */
function isMusl() {
  try {
    return fs.readFileSync('/usr/bin/ldd', 'latin1').includes('musl')
  } catch {
    return process.report?.getReport !== undefined && !hasGlibc()
  }
}

function hasGlibc() {
  const before = process.report.excludeNetwork
  // Without this the report would ask the network for names.
  process.report.excludeNetwork = true
  try {
    const report = process.report.getReport()
    return (typeof report === 'string' ? JSON.parse(report) : report).header.glibcVersionRuntime !== undefined
  } finally {
    process.report.excludeNetwork = before
  }
}

/**
 * The directory of this file, or of the bundle that includes it. A bundle that is an ES module has no `__dirname`: the
 * program that runs is the best guess.
 */
const here = typeof __dirname === 'string' ? __dirname : path.dirname(process.argv[1] ?? process.execPath)

/**
 * Yields where the addon may be: in this package, next to a bundle, in the package that a bundle was made from, next to
 * a program.
 */
function* places(name) {
  yield path.join(here, '..', name)
  yield path.join(here, name)
  try {
    yield path.join(path.dirname(createRequire(path.join(here, 'bundle.js')).resolve('untorn/package.json')), name)
  } catch {
    // The package can't be found from here.
  }
  if (isOneFile()) yield path.join(path.dirname(process.execPath), name)
}

/** Whether program and runtime are one executable. Only then does a file next to it belong to the program. */
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
      // Not `require`: a bundler would replace it with its own, which can't load addons.
      process.dlopen(addon, file)
    } catch (cause) {
      throw new Error(`untorn: the system can't load ${file}: ${cause.message}`, { cause })
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
      `untorn: this package has no addon for this system: it is for ${systems}, and ${name} is missing. ` +
      `Installing it again does not help; build it from its source on this system (${looked})`
    )
  }
  return (
    `untorn: the addon ${name} is not next to the code that needs it. A bundler has put this code into another file, ` +
    'but can\'t include a compiled addon: leave the package out of the bundle (esbuild: --external:untorn; webpack: ' +
    "externals: { untorn: 'commonjs untorn' }; Rollup and Vite: external: ['untorn']), or copy " +
    `node_modules/untorn/${name} next to the bundle, or next to the executable (${looked})`
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
