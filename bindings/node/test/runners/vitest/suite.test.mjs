import { test } from 'vitest'
import suite from '../suite.cjs'

for (const [name, run] of suite.tests) test(name, run)
