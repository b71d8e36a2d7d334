/**
 * What the page weighs and how long it takes: `make bench-page`, printed and into `target/figures/page.json`.
 *
 * The line is slowed down in front of the browser, so that it is the same for both, and for everything that they ask. Chromium's
 * main thread is six times slower too; its worker is not, and Firefox has no such brake: it runs without a compiler of scripts.
 */
import { cpus } from "node:os";
import { writeFileSync } from "node:fs";

import { startChromium, startFirefox, type Browser, type Tab } from "./drive.ts";
import type { Line } from "./proxy.ts";
import { Stage } from "./stage.ts";
import { textWith, newWord } from "./steps.ts";

const [to = "../target/figures/page.json"] = process.argv.slice(2);

const SLOW_CPU = 6;
/** 400 kbit/s, and the 300 ms that an answer takes to a phone on such a line. */
const LINE_2G: Line = { bytesPerS: 50_000, delayMs: 300 };

interface Figures {
  readonly browser: string;
  readonly line: string;
  readonly cpu: string;
  /** Bytes that came in, compressed, with headers. */
  readonly firstScreenBytes: number;
  readonly readyBytes: number;
  readonly firstScreenMs: number;
  readonly readyMs: number;
  /** Presses and fields of the shortest report, and from the first press to the receipt. */
  readonly steps: number;
  readonly sentMs: number;
  /** The longest that the page did not listen. */
  readonly longestBlockMs: number;
  /** On which screen that was. */
  readonly longestBlockAt: string;
}

/** The longest time in which the page's own thread did not come to anything else. */
function watchBlocks(): void {
  const state = { longest: 0, at: "", last: performance.now() };
  Object.assign(globalThis, { blocks: state });
  setInterval(() => {
    const now = performance.now();
    const blocked = now - state.last - 10;
    if (blocked > state.longest) Object.assign(state, { longest: blocked, at: document.querySelector("h1")?.textContent ?? "" });
    state.last = now;
  }, 10);
}

async function measure(browser: Browser, stage: Stage, line: Line | undefined, cpu: number): Promise<Figures> {
  const { proxy } = browser;
  const tab: Tab = await browser.tab();
  proxy.line = line;
  const begun = performance.now();
  await tab.open(stage.address);
  await tab.see("#begin");
  const firstScreenMs = performance.now() - begun;
  await tab.run(watchBlocks, undefined);
  await tab.see("#checked");
  const readyMs = performance.now() - begun;
  // The browser's own questions to its makers are not the page's.
  const of = (what: RegExp): number => proxy.crossed.filter((c) => what.test(c.path)).reduce((sum, c) => sum + c.bytes, 0);
  const firstScreenBytes = of(/^\/$|main\.js$|style\.css$/);
  const readyBytes = of(/^\/($|page\/|v1\/services|log\/)/);
  let steps = 0;
  const press = async (selector: string): Promise<void> => (steps++, tab.click(selector));
  const writing = performance.now();
  await press("#begin");
  await press(".choices li:last-child button");
  await tab.type("#text", textWith(newWord()));
  steps++;
  await press("#next");
  await press("#no-place");
  await press("#anonymous");
  await press("#send");
  await tab.see("#receipt");
  const sentMs = performance.now() - writing;
  const { longest: longestBlockMs, at: longestBlockAt } = await tab.run(() => (globalThis as unknown as { blocks: { longest: number; at: string } }).blocks, undefined);
  await tab.close();
  proxy.line = undefined;
  return {
    browser: browser.name, line: line ? `${(line.bytesPerS * 8) / 1_000} kbit/s, ${line.delayMs} ms` : "loopback", cpu: cpu === 1 ? "as it is" : `${cpu} times slower`,
    firstScreenBytes, readyBytes, firstScreenMs, readyMs, steps, sentMs, longestBlockMs, longestBlockAt,
  };
}

const stage = await Stage.start();
const all: Figures[] = [];
try {
  for (const [start, cpu] of [[() => startChromium(), 1], [() => startChromium({ cpu: SLOW_CPU }), SLOW_CPU], [startFirefox, 1]] as const) {
    for (const line of [undefined, LINE_2G]) {
      // A browser of its own, so that nothing of the one before is warm.
      const browser = await start();
      try {
        all.push(await measure(browser, stage, line, cpu));
      } finally {
        await browser.end();
        browser.forget();
      }
    }
  }
} finally {
  await stage.stop();
}
const whole = Object.fromEntries(all.map((f) => [`${f.browser}, ${f.line}, processor ${f.cpu}`, f]));
const shown = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
console.log("browser    line                processor        first screen        ready               sent (steps)   longest block");
for (const f of all) {
  console.log(
    [
      f.browser.padEnd(10), f.line.padEnd(19), f.cpu.padEnd(16), `${(f.firstScreenBytes / 1_000).toFixed(0)} kB ${shown(f.firstScreenMs)}`.padEnd(19),
      `${(f.readyBytes / 1_000).toFixed(0)} kB ${shown(f.readyMs)}`.padEnd(19), `${shown(f.sentMs)} (${f.steps})`.padEnd(14), `${f.longestBlockMs.toFixed(0)} ms (${f.longestBlockAt})`,
    ].join(" "),
  );
}
writeFileSync(to, `${JSON.stringify({ processors: cpus().length, runs: whole }, null, 2)}\n`);
console.log(`written: ${to}`);
