// Editors show what is written beside a declaration: every member that callers see has a text of its own.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import ts from 'typescript'
import * as untorn from 'untorn'

const packaged = path.dirname(createRequire(import.meta.url).resolve('untorn/package.json'))
const files = fs.readdirSync(path.join(packaged, 'types')).map((name) => path.join(packaged, 'types', name))

/** Every declaration that has a name, with the names it lies within. */
function* declarations(node, within = '') {
  for (const statement of node.statements ?? node.members ?? []) {
    const hidden = [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword]
    if (statement.modifiers?.some(({ kind }) => hidden.includes(kind))) continue
    const name = statement.name ?? statement.declarationList?.declarations[0].name
    if (name === undefined) continue
    const full = within === '' ? name.getText() : `${within}.${name.getText()}`
    yield { full, node: statement }
    if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) yield* declarations(statement, full)
  }
}

function read(file) {
  return ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
}

test('every declaration says what it is, overloads and blocking twins too', () => {
  const bare = []
  let seen = 0
  for (const file of [path.join(packaged, 'index.d.ts'), ...files]) {
    for (const { full, node } of declarations(read(file))) {
      seen += 1
      if (ts.getJSDocCommentsAndTags(node).length === 0) bare.push(`${path.basename(file)}: ${full}`)
    }
  }
  assert.ok(seen > 400, `only ${seen} declarations were found`)
  assert.deepEqual(bare, [])
})

test('a member is declared if and only if it exists', () => {
  const declared = new Map()
  for (const file of files) {
    for (const { full, node } of declarations(read(file))) {
      const isStatic = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false
      const [owner, member] = full.split('.')
      if (member !== undefined && !full.includes('[')) declared.set(`${owner}.${isStatic ? 'static ' : ''}${member}`, node)
    }
  }
  const own = (object) => Object.getOwnPropertyNames(object).filter((name) => !['constructor', 'length', 'name', 'prototype'].includes(name))
  const missing = []
  for (const [name, Class] of Object.entries(untorn)) {
    if (typeof Class !== 'function' || Class.prototype === undefined || name.endsWith('Error')) continue
    for (const member of own(Class.prototype)) if (!declared.has(`${name}.${member}`)) missing.push(`${name}.${member}`)
    for (const member of own(Class)) if (!declared.has(`${name}.static ${member}`)) missing.push(`${name}.static ${member}`)
    for (const known of declared.keys()) {
      const [owner, member] = known.split('.')
      if (owner !== name || name === 'Process') continue
      const exists = member.startsWith('static ') ? member.slice(7) in Class : member in Class.prototype
      if (!exists) missing.push(`${known} is only declared`)
    }
  }
  assert.deepEqual(missing, [])
})

test('the declarations export the names that the module has', () => {
  const names = files.flatMap((file) => [...declarations(read(file))])
    .filter(({ full, node }) => !full.includes('.') && (ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node)))
    .map(({ full }) => full)
  assert.deepEqual([...new Set(names), 'version'].sort(), Object.keys(untorn).filter((name) => !['default', 'module.exports'].includes(name)).sort())
})
