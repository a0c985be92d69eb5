#!/usr/bin/env node
'use strict'

const { command } = require('#addon')

process.exitCode = command(['untorn', ...process.argv.slice(2)])
