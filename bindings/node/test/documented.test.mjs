// Editors show what is written beside a declaration: nothing that callers see is without it.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import ts from 'typescript'

const file = path.join(path.dirname(createRequire(import.meta.url).resolve('untorn/package.json')), 'index.d.ts')

/** Every declaration that has a name, with the names it lies within. */
function* declarations(node, within = '') {
  for (const statement of node.statements ?? node.members ?? []) {
    if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) continue
    const name = statement.name ?? statement.declarationList?.declarations[0].name
    if (name === undefined) continue
    const full = within === '' ? name.getText() : `${within}.${name.getText()}`
    yield { full, node: statement }
    if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) yield* declarations(statement, full)
  }
}

test('every declaration says what it is', () => {
  const source = ts.createSourceFile(file, ts.sys.readFile(file), ts.ScriptTarget.Latest, true)
  const bare = []
  const documented = new Set()
  let seen = 0
  for (const { full, node } of declarations(source)) {
    seen += 1
    if (ts.getJSDocCommentsAndTags(node).length > 0) {
      documented.add(full)
      continue
    }
    // A blocking twin is described with the call that it is the twin of; an overload with the first of them.
    const of = full.replace(/Sync$/, '')
    if (!documented.has(of)) bare.push(full)
  }
  assert.ok(seen > 250, `only ${seen} declarations were found`)
  assert.deepEqual(bare, [])
})
