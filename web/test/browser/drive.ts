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

export interface Tab {
  open(url: string): Promise<void>;
  /** Waits until it is there and can be seen. */
  see(selector: string): Promise<void>;
  /** Waits until it is no longer there. */
  gone(selector: string): Promise<void>;
  click(selector: string): Promise<void>;
  type(selector: string, text: string): Promise<void>;
  key(name: string): Promise<void>;
  run<T, A>(work: (input: A) => T, input: A): Promise<T>;
  picture(path: string): Promise<void>;
  resize(view: View): Promise<void>;
  close(): Promise<void>;
}

export interface Browser {
  readonly name: "chromium" | "firefox";
  readonly proxy: Proxy;
  readonly profile: string;
  tab(view?: View): Promise<Tab>;
  /** Ends it; the profile stays until `forget`. */
  end(): Promise<void>;
  forget(): void;
}

const profileFolder = (): string => mkdtempSync(join(tmpdir(), "tabir-profile-"));

export async function startChromium(more: { dark?: boolean; cpu?: number } = {}): Promise<Browser> {
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
    serviceWorkers: "allow",
  });
  return {
    name: "chromium", proxy, profile,
    tab: async (view) => {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      if (view) await page.setViewportSize(view);
      if (more.cpu) {
        const session: CDPSession = await context.newCDPSession(page);
        await session.send("Emulation.setCPUThrottlingRate", { rate: more.cpu });
      }
      return chromiumTab(page);
    },
    end: async () => {
      await context.close();
      proxy.stop();
    },
    forget: () => rmSync(profile, { recursive: true, force: true }),
  };
}

function chromiumTab(page: ChromiumPage): Tab {
  return {
    open: async (url) => void (await page.goto(url)),
    see: async (selector) => void (await page.waitForSelector(selector)),
    gone: async (selector) => void (await page.waitForSelector(selector, { state: "detached" })),
    click: (selector) => page.click(selector),
    type: (selector, text) => page.fill(selector, text),
    key: (name) => page.keyboard.press(name),
    run: (work, input) => page.evaluate(work as never, input as never) as Promise<never>,
    picture: async (path) => void (await page.screenshot({ path, fullPage: true })),
    resize: (view) => page.setViewportSize(view),
    close: () => page.close(),
  };
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
  return {
    name: "firefox", proxy, profile,
    tab: async (view = PHONE) => {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await page.setViewport(view);
      return firefoxTab(page);
    },
    end: async () => {
      await browser.close();
      proxy.stop();
    },
    forget: () => rmSync(profile, { recursive: true, force: true }),
  };
}

function firefoxTab(page: FirefoxPage): Tab {
  const see = async (selector: string): Promise<void> => void (await page.waitForSelector(selector, { visible: true }));
  return {
    open: async (url) => void (await page.goto(url)),
    see,
    gone: async (selector) => void (await page.waitForSelector(selector, { hidden: true })),
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
    run: (work, input) => page.evaluate(work as never, input as never) as Promise<never>,
    picture: async (path) => void (await page.screenshot({ path: path as `${string}.png`, fullPage: true })),
    resize: (view) => page.setViewport(view),
    close: () => page.close(),
  };
}
