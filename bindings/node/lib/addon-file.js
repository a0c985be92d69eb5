'use strict'

// Finds the addon, the compiled part of this package, and loads it. Every file here gets Node's own modules without
// `require`: a bundle that is an ES module has none.

const fs = process.getBuiltinModule('node:fs')
const { createRequire } = process.getBuiltinModule('node:module')
const path = process.getBuiltinModule('node:path')

/** This system, as the addons are named: `linux-x64-gnu`. */
function nameOfSystem() {
  const { platform, arch } = process
  const abi = { linux: () => (isMusl() ? 'musl' : 'gnu'), win32: () => 'msvc' }[platform]?.()
  return [platform, arch, abi].filter((part) => part !== undefined).join('-')
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
 * Yields where the addon may be: in this package, next to a bundle, or in the package for this system. Then the package
 * that a bundle was made from, and the place next to a program.
 */
function* places(name, system) {
  yield path.join(here, '..', name)
  yield path.join(here, name)
  const near = directoryOf(`@untorn/${system}`, here)
  if (near !== undefined) yield path.join(near, name)
  const untorn = directoryOf('untorn', here)
  if (untorn !== undefined) {
    yield path.join(untorn, name)
    // pnpm and others hide what is not the program's own dependency.
    const hidden = directoryOf(`@untorn/${system}`, untorn)
    if (hidden !== undefined) yield path.join(hidden, name)
  }
  if (isOneFile()) yield path.join(path.dirname(process.execPath), name)
}

function directoryOf(name, from) {
  try {
    return path.dirname(createRequire(path.join(from, 'any.js')).resolve(`${name}/package.json`))
  } catch {
    // The package can't be found from there.
    return undefined
  }
}

/** Whether program and runtime are one executable. Only then does a file next to it belong to the program. */
function isOneFile() {
  if (process.pkg !== undefined) return true
  if (process.versions.bun !== undefined) return !/^bun[x]?(-profile)?(\.exe)?$/.test(path.basename(process.execPath))
  return process.getBuiltinModule('node:sea')?.isSea() ?? false
}

function load() {
  const system = nameOfSystem()
  const name = `untorn.${system}.node`
  const tried = []
  for (const file of places(name, system)) {
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
  throw new Error(absent(name, system, tried))
}

function absent(name, system, tried) {
  const packages = packagesOfSystems()
  if (packages[`@untorn/${system}`] !== undefined) {
    const wanted = `@untorn/${system}@${packages[`@untorn/${system}`]}`
    return (
      `untorn: the package ${wanted} is missing, which has the compiled part for this system. npm leaves it out with ` +
      '--omit=optional, and where node_modules or the lock file was made on another system. Install the dependencies again ' +
      `on this one, or only this package: npm install ${wanted} (looked for ${tried.join(', ')})`
    )
  }
  if (Object.keys(packages).length > 0) {
    const systems = Object.keys(packages).map((each) => each.slice('@untorn/'.length))
    return (
      `untorn: there is no package for this system, ${system}. There are packages for ${systems.join(', ')}. ` +
      'Installing untorn again does not help; build it from its source on this system: docs/platforms.md says how'
    )
  }
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
    "externals: { untorn: 'commonjs untorn' }; Rollup and Vite: external: ['untorn']), or copy the " +
    `addon, from node_modules/@untorn/${system} or node_modules/untorn, next to the bundle or the executable (${looked})`
  )
}

/** The packages that this one asks npm for, if it is the published one: one a system. */
function packagesOfSystems() {
  try {
    const about = JSON.parse(fs.readFileSync(path.join(here, '..', 'package.json'), 'utf8'))
    return about.name === 'untorn' ? (about.optionalDependencies ?? {}) : {}
  } catch {
    return {}
  }
}

function addonsIn(dir) {
  try {
    return fs.readdirSync(dir).filter((file) => file.startsWith('untorn.') && file.endsWith('.node'))
  } catch {
    return []
  }
}

module.exports = load()
