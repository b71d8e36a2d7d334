/** What must hold on every state of the page: axe-core, no sideways scrolling, targets, and the same from right to left. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { Tab } from "./drive.ts";

const axe = readFileSync(createRequire(`${process.cwd()}/`).resolve("axe-core/axe.min.js"), "utf8");
/** WCAG 2.2, 2.5.8, in CSS pixels. */
const TARGET = 24;

/** axe-core runs as a function of the debugger, which the page's policy does not bind. */
export async function violations(tab: Tab): Promise<string[]> {
  const run = new Function(`${axe}; return axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => v.id + " " + v.nodes.map((n) => n.target).join(" | ")));`);
  return (await tab.run(run as never, undefined)) as string[];
}

/** What stands out of the window, from left to right and from right to left, and what a finger can't hit. */
function measure(least: number): string[] {
  const found: string[] = [];
  const root = document.documentElement;
  const before = root.dir;
  for (const dir of ["ltr", "rtl"]) {
    root.dir = dir;
    if (root.scrollWidth > innerWidth) found.push(`wider than the window (${dir})`);
    for (const each of document.querySelectorAll<HTMLElement>("main *, header *")) {
      const { left, right, width } = each.getBoundingClientRect();
      if (width > 1 && (left < -1 || right > innerWidth + 1)) found.push(`${each.tagName} ${each.id} stands out of the window (${dir})`);
    }
  }
  root.dir = before;
  for (const each of document.querySelectorAll<HTMLElement>("button, input, textarea, summary, a, select")) {
    const { width, height } = each.getBoundingClientRect();
    if (width > 0 && (width < least || height < least)) found.push(`${each.tagName} ${each.id} is ${width} by ${height}`);
  }
  return found;
}

export class States {
  readonly seen = new Set<string>();
  private readonly found: string[] = [];

  /** Looks at a state, once for each name. */
  async at(tab: Tab, name: string): Promise<void> {
    if (this.seen.has(name)) return;
    this.seen.add(name);
    const all = [...(await tab.run(measure, TARGET)), ...(await violations(tab))];
    this.found.push(...all.map((each) => `${name}: ${each}`));
  }

  clean(): void {
    assert.deepEqual(this.found, []);
  }
}
