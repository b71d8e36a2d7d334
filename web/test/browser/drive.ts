/** Two real browsers behind one small interface: Debian's Chromium, and Firefox ESR as Tor Browser's "Safer" has it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium, type BrowserContext, type CDPSession, type Page as ChromiumPage } from "playwright-core";
import puppeteer, { type Browser as Firefox, type Page as FirefoxPage } from "puppeteer-core";

import { Proxy } from "./proxy.ts";

/** Longer than anything takes on a machine with two busy cores and no JIT. */
export const PATIENCE_MS = Number(process.env["PATIENCE_MS"] ?? 180_000);

export interface View {
  readonly width: number;
  readonly height: number;
}
export const PHONE: View = { width: 360, height: 740 };
export const NARROW: View = { width: 320, height: 640 };
export const DESKTOP: View = { width: 1280, height: 900 };
/** What a window of 1280 by 1024 has left at 400 %. */
export const ZOOMED: View = { width: 320, height: 256 };

export interface Tab {
  open(url: string): Promise<void>;
  /** Waits until it is there and can be seen. */
  see(selector: string): Promise<void>;
  /** Waits until it is no longer there. */
  gone(selector: string): Promise<void>;
  click(selector: string): Promise<void>;
  type(selector: string, text: string): Promise<void>;
  key(name: string): Promise<void>;
  /** Types wherever the focus is. */
  keys(text: string): Promise<void>;
  /** The browser's own back button. */
  back(): Promise<void>;
  /** Tries to load the page again; whether the browser asked first. It stays, if it was asked. */
  reload(): Promise<boolean>;
  run<T, A>(work: (input: A) => T, input: A): Promise<T>;
  picture(path: string): Promise<void>;
  resize(view: View): Promise<void>;
  close(): Promise<void>;
}

export interface Browser {
  readonly name: "chromium" | "firefox";
  readonly proxy: Proxy;
  readonly profile: string;
  /** What went wrong inside pages: errors that nobody caught, and what the policy stopped. */
  readonly troubles: string[];
  tab(view?: View): Promise<Tab>;
  /** Ends it; the profile stays until `forget`. */
  end(): Promise<void>;
  forget(): void;
}

/** Remembers in the page itself what its policy stopped. */
function watch(): void {
  const stopped: string[] = [];
  Object.assign(globalThis, { stoppedByPolicy: stopped });
  addEventListener("securitypolicyviolation", (e) => stopped.push(`${e.effectiveDirective} ${e.blockedURI}`));
}

/** What was remembered, and forgets it. */
const stopped = (): string[] => (globalThis as { stoppedByPolicy?: string[] }).stoppedByPolicy?.splice(0) ?? [];

/** A wait that failed says what was there instead. */
async function orSay<T>(waiting: Promise<T>, what: string, there: () => Promise<string>): Promise<T> {
  try {
    return await waiting;
  } catch (error) {
    throw new Error(`${what} did not come; there was: ${await there().catch(() => "no page")}`, { cause: error });
  }
}

const shown = (): string => (document.querySelector("main") ?? document.body).innerText.replace(/\s+/g, " ").slice(0, 600);
/** How long a browser may take to ask whether it may leave. */
const ASKS_MS = 4_000;

/** Ending twice is ending. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

const profileFolder = (): string => mkdtempSync(join(tmpdir(), "tabir-profile-"));

export interface More {
  readonly dark?: boolean;
  /** Movement is not wanted. */
  readonly still?: boolean;
  /** The main thread is this many times slower. */
  readonly cpu?: number;
}

export async function startChromium(more: More = {}): Promise<Browser> {
  const [proxy, profile] = [await Proxy.start(), profileFolder()];
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-default-browser-check", "--disable-sync",
      "--proxy-bypass-list=<-loopback>", "--disable-features=OptimizationHints,MediaRouter,Translate", "--disable-domain-reliability",
    ],
    proxy: { server: `http://127.0.0.1:${proxy.port}` },
    viewport: PHONE,
    colorScheme: more.dark ? "dark" : "light",
    reducedMotion: more.still ? "reduce" : "no-preference",
    serviceWorkers: "allow",
  });
  const troubles: string[] = [];
  await context.addInitScript(watch);
  return {
    name: "chromium", proxy, profile, troubles,
    tab: async (view) => {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      if (view) await page.setViewportSize(view);
      if (more.cpu) {
        const session: CDPSession = await context.newCDPSession(page);
        await session.send("Emulation.setCPUThrottlingRate", { rate: more.cpu });
      }
      return chromiumTab(page, troubles);
    },
    end: once(async () => {
      await context.close();
      proxy.stop();
    }),
    forget: () => rmSync(profile, { recursive: true, force: true }),
  };
}

function chromiumTab(page: ChromiumPage, troubles: string[]): Tab {
  page.on("pageerror", (error) => troubles.push(String(error)));
  const gather = async (): Promise<void> => void troubles.push(...(await page.evaluate(stopped)));
  const there = (): Promise<string> => page.evaluate(shown);
  let asked = 0;
  page.on("dialog", (dialog) => {
    asked++;
    void dialog.dismiss();
  });
  return {
    open: async (url) => {
      await gather();
      await page.goto(url);
    },
    see: async (selector) => void (await orSay(page.waitForSelector(selector), selector, there)),
    gone: async (selector) => void (await orSay(page.waitForSelector(selector, { state: "detached" }), `the end of ${selector}`, there)),
    click: (selector) => orSay(page.click(selector), selector, there),
    type: (selector, text) => orSay(page.fill(selector, text), selector, there),
    key: (name) => page.keyboard.press(name),
    keys: (text) => page.keyboard.type(text),
    back: async () => void (await page.evaluate(() => history.back())),
    reload: async () => {
      await gather();
      return leaves(page, () => asked);
    },
    run: (work, input) => page.evaluate(work as never, input as never) as Promise<never>,
    picture: async (path) => void (await page.screenshot({ path, fullPage: true })),
    resize: (view) => page.setViewportSize(view),
    close: async () => {
      await gather();
      await page.close();
    },
  };
}

/** Loads the page again by its own hand, which asks like any other way of leaving. */
async function leaves(page: { evaluate: (work: () => void) => Promise<unknown> }, asked: () => number): Promise<boolean> {
  const before = asked();
  await page.evaluate(() => {
    Object.assign(globalThis, { stillHere: true });
    setTimeout(() => location.reload(), 0);
  });
  for (const end = Date.now() + ASKS_MS; Date.now() < end; ) {
    if (asked() > before) return true;
    await new Promise((again) => setTimeout(again, 50));
    const here = await page.evaluate(() => (globalThis as { stillHere?: boolean }).stillHere === true).catch(() => true);
    if (!here) return false;
  }
  throw new Error("the browser neither asked nor left");
}

/** Tor Browser's "Safer": no WebAssembly, no compiler of scripts, fingerprinting resisted. */
const SAFER = {
  "javascript.options.wasm": false,
  "javascript.options.ion": false,
  "javascript.options.baselinejit": false,
  "javascript.options.native_regexp": false,
  "javascript.options.asmjs": false,
  "mathml.disabled": true,
  "privacy.resistFingerprinting": true,
};

export async function startFirefox(): Promise<Browser> {
  const [proxy, profile] = [await Proxy.start(), profileFolder()];
  const browser: Firefox = await puppeteer.launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless: true,
    userDataDir: profile,
    protocolTimeout: PATIENCE_MS,
    extraPrefsFirefox: {
      ...SAFER,
      "network.proxy.type": 1,
      "network.proxy.http": "127.0.0.1",
      "network.proxy.http_port": proxy.port,
      "network.proxy.ssl": "127.0.0.1",
      "network.proxy.ssl_port": proxy.port,
      "network.proxy.allow_hijacking_localhost": true,
      "network.proxy.no_proxies_on": "",
    },
  });
  const troubles: string[] = [];
  return {
    name: "firefox", proxy, profile, troubles,
    tab: async (view = PHONE) => {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await page.setViewport(view);
      await page.evaluateOnNewDocument(watch);
      return firefoxTab(page, troubles);
    },
    end: once(async () => {
      await browser.close();
      proxy.stop();
    }),
    forget: () => rmSync(profile, { recursive: true, force: true }),
  };
}

function firefoxTab(page: FirefoxPage, troubles: string[]): Tab {
  page.on("pageerror", (error) => troubles.push(String(error)));
  const gather = async (): Promise<void> => void troubles.push(...(await page.evaluate(stopped)));
  const there = (): Promise<string> => page.evaluate(shown);
  let asked = 0;
  page.on("dialog", (dialog) => {
    asked++;
    void dialog.dismiss();
  });
  const see = async (selector: string): Promise<void> =>
    void (await orSay(page.waitForSelector(selector, { visible: true }), selector, there));
  return {
    open: async (url) => {
      await gather();
      await page.goto(url);
    },
    see,
    gone: async (selector) => void (await orSay(page.waitForSelector(selector, { hidden: true }), `the end of ${selector}`, there)),
    click: async (selector) => {
      await see(selector);
      await page.click(selector);
    },
    type: async (selector, text) => {
      await see(selector);
      await page.click(selector, { count: 3 });
      await page.type(selector, text);
    },
    key: (name) => page.keyboard.press(name as never),
    keys: (text) => page.keyboard.type(text),
    back: async () => void (await page.evaluate(() => history.back())),
    reload: async () => {
      await gather();
      return leaves(page, () => asked);
    },
    run: (work, input) => page.evaluate(work as never, input as never) as Promise<never>,
    picture: async (path) => void (await page.screenshot({ path: path as `${string}.png`, fullPage: true })),
    resize: (view) => page.setViewport(view),
    close: async () => {
      await gather();
      await page.close();
    },
  };
}
