// One Chromium for all tests, and a fresh context (storage, service workers, tabs) for each.

import { existsSync } from "node:fs";
import { after, test as nodeTest } from "node:test";
import { chromium } from "playwright-core";
import { Site } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: apt-get install chromium`);

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const launch = (more = []) => chromium.launch({ executablePath, headless: true, args: [...ARGUMENTS, ...more] });

let browser;
after(() => browser?.close());

/** A test with a site of its own; `t.page` is a tab in which `valor.ready()` was awaited, unless `cold`. */
export function test(name, { plugins = [], cold = false, site: how = {}, args }, body) {
  testOn(name, async () => new Site(await Promise.all(plugins), how).start(), { cold, args }, body);
}

/** A test on what `start` has started: its `origin`, and how to `stop` it. */
export function testOn(name, start, { cold, args }, body) {
  nodeTest(name, { timeout: 180_000 }, async () => {
    const own = args ? await launch(args) : null;
    browser ??= await launch();
    const site = await start();
    const context = await (own ?? browser).newContext();
    const t = { site, context, browser: own ?? browser, origin: site.origin, log: [] };
    t.open = async (path = "/", ready = true) => {
      const page = await context.newPage();
      page.on("console", (message) => t.log.push(message.text()));
      page.on("pageerror", (error) => t.log.push(String(error)));
      await page.goto(site.origin + path);
      if (ready) page.plugins = await page.evaluate(() => import("/_valor/valor.js").then(({ ready }) => ready()));
      return page;
    };
    try {
      if (!cold) t.page = await t.open();
      await body(t);
    } catch (error) {
      if (t.log.length > 0) console.error(t.log.join("\n"));
      if (site.log) console.error(site.log);
      throw error;
    } finally {
      await context.close();
      await own?.close();
      await site.stop();
    }
  });
}

/** `fetch` in a page: status, headers, text. */
export const get = (page, url, init = {}) =>
  page.evaluate(async ([url, init]) => {
    const response = await fetch(url, init);
    return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
  }, [url, init]);

/** Stops every service worker, as the browser does when it likes to. */
export async function stopServiceWorkers(t) {
  const session = await t.browser.newBrowserCDPSession();
  const page = await t.context.newCDPSession(t.context.pages()[0]);
  await page.send("ServiceWorker.enable");
  await page.send("ServiceWorker.stopAllWorkers");
  await page.detach();
  await session.detach();
}

/** Waits until `check` is true. */
export async function until(check, what = "it") {
  for (let tries = 0; tries < 200; tries++) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${what} has not come true`);
}
