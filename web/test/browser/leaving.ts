/** Leaving: back, reload and quick exit. And the journey by keyboard alone, in a window at 400 %. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ZOOMED, type Tab } from "./drive.ts";
import { begin, newWord, receiptOf, textWith, write } from "./steps.ts";
import type { Here } from "./troubles.ts";

const textOf = (tab: Tab): Promise<string> => tab.run(() => document.querySelector<HTMLTextAreaElement>("#text")?.value ?? "", undefined);
const everything = (tab: Tab): Promise<string> =>
  tab.run(() => document.documentElement.outerHTML + [...document.querySelectorAll("textarea")].map((t) => t.value).join(), undefined);

export function leaving(here: () => Here): void {
  test("the back button goes one screen back and loses nothing; loading again asks first, only if something would be lost", async () => {
    const { stage, browser } = here();
    const tab = await browser.tab();
    const word = newWord();
    await begin(tab, stage);
    assert.equal(await tab.reload(), false, "nothing is lost yet");
    await tab.see("#checked");
    await tab.click("#begin");
    await tab.click(".choices li:last-child button");
    await tab.type("#text", textWith(word));
    await tab.back();
    await tab.see(".choices");
    await tab.click(".choices li:last-child button");
    await tab.see("#text");
    assert.equal(await textOf(tab), textWith(word));
    await tab.click("#next");
    await tab.see("#place");
    await tab.back();
    await tab.see("#text");
    assert.equal(await textOf(tab), textWith(word));
    assert.equal(await tab.reload(), true, "a draft would be lost");
    assert.equal(await textOf(tab), textWith(word));
    assert.equal(await tab.run(() => location.href, undefined), `${stage.address.replace(/\/$/, "")}/`);
    await tab.close();
  });

  for (const [how, leave] of [
    ["its button", (tab: Tab) => tab.click("#exit")],
    ["Escape, twice", async (tab: Tab) => (await tab.key("Escape"), await tab.key("Escape"))],
  ] as const) {
    test(`quick exit by ${how} leaves an empty page, and the way back leads to nothing that was written`, async () => {
      const { stage, browser } = here();
      const tab = await browser.tab();
      const word = newWord();
      await begin(tab, stage);
      await write(tab, { text: textWith(word) });
      assert.ok((await everything(tab)).includes(word));
      await leave(tab);
      await tab.see("html");
      for (let tries = 0; tries < 100 && (await tab.run(() => location.href, undefined)) !== "about:blank"; tries++) {
        await new Promise((again) => setTimeout(again, 50));
      }
      assert.equal(await tab.run(() => location.href, undefined), "about:blank");
      assert.equal(await tab.run(() => document.body?.textContent ?? "", undefined), "");
      await tab.back();
      await tab.see("#checked");
      assert.ok(!(await everything(tab)).includes(word));
      await tab.click("#begin");
      await tab.click(".choices li:last-child button");
      await tab.see("#text");
      assert.equal(await textOf(tab), "");
      await tab.close();
    });
  }

  test("the keyboard alone sends a report at 400 %, every stop can be seen, and nothing scrolls sideways", async () => {
    const { stage, browser } = here();
    const tab = await browser.tab(ZOOMED);
    await begin(tab, stage);
    await reach(tab, "#begin", "Enter");
    await tab.see(".choices");
    await reach(tab, ".choices button", "Enter");
    await reach(tab, "#text");
    await tab.keys(textWith(newWord()));
    await reach(tab, "#next", "Enter");
    await tab.see("#place");
    await reach(tab, "#no-place", " ");
    await tab.see("#anonymous");
    await reach(tab, "#anonymous", "Enter");
    await tab.see("#send");
    await reach(tab, "#send", "Enter");
    await tab.see("#receipt");
    const receipt = await receiptOf(tab);
    await reach(tab, "#written", "Enter");
    await tab.see("#check");
    const asked = await tab.run(() => [...document.querySelectorAll<HTMLElement>("[data-group]")].map((i) => Number(i.dataset["group"])), undefined);
    for (const n of asked) {
      await reach(tab, `[data-group="${n}"]`);
      await tab.keys(receipt.split("-")[n - 1] ?? "");
    }
    await reach(tab, "#check", "Enter");
    await tab.see("#finished");
    await reach(tab, "#finished .primary");
    await tab.close();
  });
}

/** More stops than any screen has. */
const STOPS = 60;

/** What is wrong with the stop that has the focus. */
function stop(): string[] {
  const it = document.activeElement as HTMLElement | null;
  if (!it || it === document.body || it.matches("h1, main")) return [];
  const found: string[] = [];
  const { outlineStyle, outlineWidth } = getComputedStyle(it);
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) found.push(`${it.tagName} ${it.id} does not show that it has the focus`);
  const { left, top, width, height } = it.getBoundingClientRect();
  const [x, y] = [left + width / 2, Math.min(Math.max(top + height / 2, 1), innerHeight - 1)];
  const above = document.elementFromPoint(x, y);
  if (!above || !(it.contains(above) || above.contains(it))) found.push(`${it.tagName} ${it.id} is hidden by ${above?.tagName}`);
  if (document.documentElement.scrollWidth > innerWidth) found.push("it scrolls sideways");
  return found;
}

/** Goes on by the tabulator until something has the focus, and presses a key there. */
async function reach(tab: Tab, selector: string, key?: string): Promise<void> {
  for (let stops = 0; stops < STOPS; stops++) {
    await tab.key("Tab");
    assert.deepEqual(await tab.run(stop, undefined), []);
    if (await tab.run((s: string) => document.activeElement?.matches(s) ?? false, selector)) {
      if (key) await tab.key(key);
      return;
    }
  }
  assert.fail(`the keyboard does not reach ${selector}`);
}
