/** What goes wrong on the way: each says what happened, that nothing was lost, and goes on where it stopped. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Words, type Key } from "../../src/page/i18n.ts";
import type { Browser, Tab } from "./drive.ts";
import type { Fate, Proxy, Seen } from "./proxy.ts";
import type { Stage } from "./stage.ts";
import { States } from "./states.ts";
import { ANSWER, begin, comeBack, newWord, send, textWith, write } from "./steps.ts";

export interface Here {
  readonly stage: Stage;
  readonly browser: Browser;
}

const id = new Words("id");
const REPORTS = "/v1/reports";
const TOKENS = "/token-request";

const flip = (b: Buffer): Buffer => ((b[b.length - 1] = (b[b.length - 1] ?? 0) ^ 1), b);

/** What was posted to an address since a moment. */
const posted = (proxy: Proxy, path: string, since: number): Seen[] =>
  proxy.seen.slice(since).filter((s) => s.method === "POST" && s.url.endsWith(path));

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  ({ status, headers: { "content-type": "application/problem+json", ...headers }, body: JSON.stringify({ type: `urn:tabir:error:${code}`, title: code, status }) });

/** A refusal is shown with these words, as an alert, and the text is still there. */
async function refused(tab: Tab, key: Key, word: string): Promise<void> {
  await tab.see("#again");
  assert.equal(await tab.run(() => document.querySelector("[role=alert]")?.textContent, undefined), id.t(key));
  await tab.click("#edit");
  await tab.see("#send");
  const shown = await tab.run(() => document.querySelector("main")?.textContent ?? "", undefined);
  assert.ok(shown.includes(word), "the text is still there");
  await tab.click("#send");
}

/** All of them, or the two that a browser's own network code could change: no network, and an answer that was lost. */
export function troubles(here: () => Here, all: boolean): void {
  /** A report up to the button that sends it, in a tab of its own. What is broken is whole again afterwards. */
  const sending = async (work: (tab: Tab, proxy: Proxy, since: number, word: string) => Promise<void>): Promise<void> => {
    const { stage, browser } = here();
    const { proxy } = browser;
    const tab = await browser.tab();
    const word = newWord();
    try {
      const since = proxy.seen.length;
      await begin(tab, stage);
      await write(tab, { text: textWith(word) });
      await work(tab, proxy, since, word);
    } finally {
      proxy.rule = () => undefined;
      await tab.close();
    }
  };

  const stopped = (what: string, key: Key, fate: Fate): void => {
    test(`${what}: it is said in words, nothing is lost, and it goes on`, () =>
      sending(async (tab, proxy, _, word) => {
        proxy.rule = ({ url }) => (url.endsWith(REPORTS) ? fate : undefined);
        await tab.click("#send");
        await refused(tab, key, word);
        await tab.see("#again");
        const since = proxy.seen.length;
        await tab.click("#again");
        await tab.see("#again");
        proxy.rule = () => undefined;
        await tab.click("#again");
        await send(tab, { sent: true });
        const bodies = new Set(posted(proxy, REPORTS, since).map((s) => s.body.toString()));
        assert.equal(bodies.size, 1, "trying again sends the same bytes");
      }));
  };
  stopped("no network", "error.unreachable", "cut");

  test("an answer that was lost: the report is sent once more, and there is one", () =>
    sending(async (tab, proxy, since) => {
      let times = 0;
      proxy.rule = ({ url, method }) => (method === "POST" && url.endsWith(REPORTS) && ++times === 1 ? "lose" : undefined);
      await tab.click("#send");
      const receipt = await send(tab, { sent: true });
      const bodies = posted(proxy, REPORTS, since).map((s) => s.body.toString());
      assert.equal(bodies.length, 2);
      assert.equal(new Set(bodies).size, 1);
      await comeBack(tab, here().stage, receipt);
    }));

  if (!all) return;

  test("a slow gateway: the page says what it waits for, and stays awake", () =>
    sending(async (tab, proxy) => {
      let answer = (): void => {};
      const until = new Promise<void>((done) => (answer = done));
      proxy.rule = ({ url }) => (url.endsWith(REPORTS) ? { until } : undefined);
      await tab.click("#send");
      await tab.see("[data-phase=send].now");
      await tab.click("header [lang=en]");
      await tab.see("html[lang=en] [data-phase=send].now");
      assert.ok((await tab.run(() => document.querySelector("progress")?.value ?? 0, undefined)) > 0.5, "it still shows how far it is");
      answer();
      await send(tab, { sent: true });
    }));

  test("429 for a moment: the same bytes are sent again by themselves", () =>
    sending(async (tab, proxy, since) => {
      let times = 0;
      proxy.rule = ({ url, method }) => (method === "POST" && url.endsWith(REPORTS) && ++times < 3 ? problem(429, "rate", { "retry-after": "1" }) : undefined);
      await tab.click("#send");
      await send(tab, { sent: true });
      const [first, ...others] = posted(proxy, REPORTS, since).map((s) => s.body.toString());
      assert.equal(others.length, 2);
      for (const other of others) assert.equal(other, first);
    }));

  stopped("429 for a minute", "error.busy", problem(429, "rate", { "retry-after": "60" }));
  stopped("503 for a minute", "error.busy", problem(503, "busy", { "retry-after": "60" }));
  stopped("500", "error.server", problem(500, "internal"));

  test("a token that was spent: the gateway refuses it, the page pays with another, and the report arrives", () =>
    sending(async (tab, proxy, since) => {
      const before = proxy.seen.findLast((s) => s.method === "POST" && s.url.endsWith(REPORTS))?.headers["authorization"];
      assert.ok(typeof before === "string", "an earlier test has sent a report");
      let times = 0;
      proxy.rule = ({ url, method }) => (method === "POST" && url.endsWith(REPORTS) && ++times === 1 ? { as: { authorization: before } } : undefined);
      await tab.click("#send");
      await send(tab, { sent: true });
      const paid = posted(proxy, REPORTS, since).map((s) => s.headers["authorization"]);
      assert.equal(paid.length, 2);
      assert.equal(new Set([before, ...paid]).size, 3, "no token is tried twice");
    }));

  test("the intake key was replaced: the log is read again, and the report is sealed anew", () =>
    sending(async (tab, proxy, since) => {
      let times = 0;
      proxy.rule = ({ url, method }) => (method === "POST" && url.endsWith(REPORTS) && ++times === 1 ? problem(400, "intake-key") : undefined);
      await tab.click("#send");
      const receipt = await send(tab, { sent: true });
      const bodies = posted(proxy, REPORTS, since).map((s) => s.body.toString());
      assert.equal(new Set(bodies).size, 2, "nobody has the key that the first one was sealed to");
      const [first = 0] = proxy.seen.flatMap((s, i) => (i >= since && s.method === "POST" && s.url.endsWith(REPORTS) ? [i] : []));
      assert.ok(proxy.seen.slice(first).some((s) => s.url.endsWith("/log/governance/checkpoint")));
      await comeBack(tab, here().stage, receipt);
    }));

  test("scenario 25: a token signed by a key that is not in the log stops everything before a word is sent", async () => {
    const { stage, browser } = here();
    const { proxy } = browser;
    const tab = await browser.tab();
    try {
      proxy.rule = ({ url }) => (url.endsWith(TOKENS) ? { change: flip } : undefined);
      const since = proxy.seen.length;
      await begin(tab, stage);
      const word = newWord();
      await write(tab, { text: textWith(word) });
      await tab.click("#send");
      await refused(tab, "error.marked", word);
      await tab.see("#again");
      assert.deepEqual(posted(proxy, REPORTS, since), []);
    } finally {
      proxy.rule = () => undefined;
      await tab.close();
    }
  });

  test("a log with a changed entry: nothing can be written, and the page says why", async () => {
    const { stage, browser } = here();
    const { proxy } = browser;
    const tab = await browser.tab();
    const states = new States();
    try {
      proxy.rule = ({ url }) => (url.includes("/log/governance/tile/entries/") ? { change: flip } : undefined);
      const since = proxy.seen.length;
      await tab.open(stage.address);
      await tab.see("#broken");
      assert.ok((await tab.run(() => document.querySelector("#broken")?.textContent ?? "", undefined)).startsWith(id.t("error.log")));
      await states.at(tab, "broken");
      await tab.click("#begin");
      await tab.see("#broken");
      assert.equal(await tab.run(() => document.querySelector(".choices"), undefined), null);
      assert.deepEqual(proxy.seen.slice(since).filter((s) => s.method === "POST").map((s) => s.url), []);
      states.clean();
    } finally {
      proxy.rule = () => undefined;
      await tab.close();
    }
  });

  test("two tabs on one report: the second is told, its words stay, and its next try counts", async () => {
    const { stage, browser } = here();
    // Browsers run beside each other: each has a report of its own.
    const receipt = stage.citizens[browser.name === "firefox" ? 1 : 0]?.receipt ?? assert.fail();
    const [one, two] = [await browser.tab(), await browser.tab()];
    const add = async (tab: Tab, text: string): Promise<void> => {
      await tab.type("#message", text);
      await tab.click("#send-message");
    };
    const isSent = (tab: Tab): Promise<void> => tab.gone("#adding[open]");
    for (const tab of [one, two]) {
      await comeBack(tab, stage, receipt);
      await tab.click("#adding summary");
    }
    await add(one, `${ANSWER} satu`);
    await isSent(one);
    await add(two, `${ANSWER} dua`);
    await isTold(two, id.t("error.elsewhere"));
    assert.equal(await two.run(() => document.querySelector<HTMLTextAreaElement>("#message")?.value, undefined), `${ANSWER} dua`);
    await two.click("#send-message");
    await isSent(two);
    await one.close();
    await two.close();
  });
}

/** Waits until these words stand in an error of the page. */
async function isTold(tab: Tab, words: string): Promise<void> {
  await tab.see("#adding [aria-invalid=true]");
  assert.ok((await tab.run(() => document.querySelector("#adding .error")?.textContent ?? "", undefined)).startsWith(words));
}
