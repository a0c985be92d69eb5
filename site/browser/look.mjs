// Looks at the built site as a reader does: `node look.mjs SITE CHROMIUM SCREENSHOTS`, in a project with puppeteer-core.
//
// Every page at a phone's width in light colours and at a desk's in dark ones: nothing is wider than the screen, no
// script fails, nothing is loaded from another host, and every diagram is drawn. Then on one page: code can be copied,
// the menu opens, the search finds, and the colours change.

import { mkdir, readFile, readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, relative } from 'node:path'
import puppeteer from 'puppeteer-core'

const [site, chromium, shots] = process.argv.slice(2)
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.json': 'application/json', '.svg': 'image/svg+xml' }
const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }
const DESK = { width: 1280, height: 900 }
// Seen in both widths and both colours, and kept as pictures.
const SHOWN = ['index.html', 'guides/append.html', 'concepts/durability.html', 'concepts/locking.html', 'concepts/crash-recovery.html',
  'concepts/readers.html', 'reference/python.html', 'reference/node.html', 'reference/c.html', 'options.html', 'format.html', 'migrate/sqlite.html',
  'benchmarks.html', 'comparison.html']

const faults = []

const server = createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
  try {
    const body = await readFile(join(site, path.endsWith('/') ? path + 'index.html' : path))
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body)
  } catch {
    response.writeHead(404).end()
  }
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${server.address().port}`

async function pages(dir) {
  const found = []
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    // Rust's own documentation has its own look.
    if (entry.isDirectory() && !['assets', 'rust'].includes(entry.name)) found.push(...(await pages(path)))
    else if (entry.name.endsWith('.html') && entry.name !== '404.html') found.push(relative(site, path))
  }
  return found.sort()
}

const browser = await puppeteer.launch({
  executablePath: chromium,
  // A container's root has no sandbox to begin with.
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--hide-scrollbars'],
})

async function open(view, colours) {
  const page = await browser.newPage()
  await page.setViewport(view)
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: colours }])
  const say = (what) => faults.push(`${page.url().replace(origin, '')} (${view.width}, ${colours}): ${what}`)
  page.on('pageerror', (error) => say(`a script failed: ${error.message}`))
  page.on('console', (message) => message.type() === 'error' && say(`the console says: ${message.text()}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !/^(data|blob|about):/.test(url)) say(`asks another host: ${url}`)
  })
  return { page, say }
}

async function look({ page, say }, name) {
  // A machine with other work needs longer than the usual half minute.
  await page.goto(`${origin}/${name}`, { waitUntil: 'load', timeout: 120_000 })
  const drawings = await page.evaluate(() => document.querySelectorAll('.mermaid').length)
  if (drawings) {
    // The theme puts each drawing into a shadow root, in the place of its text.
    const drawn = () => [...document.querySelectorAll('.mermaid')].every((box) => box.tagName === 'DIV' && box.getBoundingClientRect().height > 40)
    await page.waitForFunction(drawn, { timeout: 20_000 }).catch(() => say('a diagram is not drawn'))
  }
  const wide = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= limit) return null
    const boxes = [...document.querySelectorAll('.md-content *')].filter((box) => box.getBoundingClientRect().right > limit + 1)
    return boxes.slice(0, 3).map((box) => `${box.tagName.toLowerCase()} ${box.textContent.trim().slice(0, 40)}`)
  })
  if (wide) say(`wider than the screen: ${wide.join(' | ')}`)
}

await mkdir(shots, { recursive: true })
const all = await pages(site)
const views = [[PHONE, 'light'], [DESK, 'dark'], [PHONE, 'dark'], [DESK, 'light']]
for (const [n, [view, colours]] of views.entries()) {
  const tab = await open(view, colours)
  for (const name of n < 2 ? all : SHOWN) {
    await look(tab, name)
    if (SHOWN.includes(name)) {
      await tab.page.screenshot({ path: join(shots, `${name.replaceAll('/', '-').replace('.html', '')}-${view.width}-${colours}.png`) })
    }
  }
  await tab.page.close()
}

/** What a reader does with a page. */
async function use() {
  await browser.defaultBrowserContext().overridePermissions(origin, ['clipboard-read', 'clipboard-write'])
  const { page } = await open(DESK, 'light')
  const check = (holds, what) => holds || faults.push(what)
  await page.goto(`${origin}/guides/append.html`, { waitUntil: 'load' })

  const copy = await page.waitForSelector('button[data-md-type="copy"], .md-clipboard', { timeout: 10_000 })
  const code = await page.$eval('.md-content pre code', (element) => element.textContent)
  await copy.click()
  await page.waitForFunction(async (text) => (await navigator.clipboard.readText()).trim() === text.trim(), { timeout: 5_000 }, code)
    .catch(() => check(false, 'code can not be copied'))

  const before = await page.$eval('body', (body) => body.dataset.mdColorScheme)
  const seen = new Set([before])
  for (let n = 0; n < 3; n += 1) {
    await page.evaluate(() => [...document.querySelectorAll('label[for^="__palette"]')].find((label) => !label.hidden).click())
    seen.add(await page.$eval('body', (body) => body.dataset.mdColorScheme))
  }
  check(seen.size === 2, `the colours do not change: ${[...seen]}`)

  await page.evaluate(() => document.querySelector('[data-md-toggle="search"]').click())
  const input = await page.waitForSelector('.md-search__input', { visible: true })
  await input.type('torn tail')
  await page.waitForSelector('.md-search-result__item a', { timeout: 20_000 }).catch(() => check(false, 'the search finds nothing'))
  const found = await page.$$eval('.md-search-result__item a', (links) => links.map((link) => link.getAttribute('href')))
  check(found.some((link) => /crash-recovery|guarantees/.test(link)), `the search finds other things: ${found}`)
  await page.close()

  const { page: phone } = await open(PHONE, 'light')
  await phone.goto(`${origin}/guides/append.html`, { waitUntil: 'load' })
  const menu = () => phone.$eval('.md-sidebar--primary', (element) => element.getBoundingClientRect().right > 100)
  check(!(await menu()), 'the menu is open from the start')
  await phone.click('label.md-header__button[for="__drawer"]')
  await phone.waitForFunction(() => document.querySelector('.md-sidebar--primary').getBoundingClientRect().left >= 0, { timeout: 5_000 })
    .catch(() => check(false, 'the menu does not open on a phone'))
  await phone.screenshot({ path: join(shots, 'menu-390-light.png') })
  await phone.close()
}
await use()

await browser.close()
server.close()
for (const fault of faults) console.log(fault)
console.log(`${all.length} pages in two widths and two colours, ${faults.length} faults; pictures in ${shots}`)
process.exitCode = faults.length ? 1 : 0
