'use strict'

/* global test */
for (const [name, run] of require('../suite.cjs').tests) test(name, run)
