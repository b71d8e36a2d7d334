/**
 * The whole journey in real browsers, against real roles as processes of their own. Scenarios 1, 2, 4, 5, 7, 8 and 9.
 *
 * Each test says in its name which scenario it stands for. `BROWSERS=chromium` runs one browser alone.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";

import { startChromium, startFirefox, NARROW, PHONE, type Browser, type Tab } from "./drive.ts";
import { receiptForms, told, traces } from "./look.ts";
import { Stage } from "./stage.ts";
import { ANSWER, NAME, PHONE_NUMBER, PLACE, begin, comeBack, newWord, send, textWith, until, write } from "./steps.ts";

const axe = readFileSync(createRequire(`${process.cwd()}/`).resolve("axe-core/axe.min.js"), "utf8");
const wanted = (process.env["BROWSERS"] ?? "chromium firefox").split(" ");
const starts: Record<string, () => Promise<Browser>> = { chromium: () => startChromium(), firefox: startFirefox };

let stage: Stage;
before(async () => void (stage = await Stage.start()));
after(async () => stage?.stop());

const words = (tab: Tab, selector: string): Promise<string> =>
  tab.run((s: string) => document.querySelector(s)?.textContent ?? "", selector);

for (const name of wanted) {
  describe(name, () => {
    let browser: Browser;
    before(async () => void (browser = await (starts[name] ?? assert.fail(name))()));
    after(async () => {
      await browser?.end();
      browser?.forget();
    });

    test("scenarios 1, 2, 7, 8: a report without a name, a question, an answer, a closure, a rating, a dispute, the end", async () => {
      const tab = await browser.tab();
      const word = newWord();
      await begin(tab, stage);
      await write(tab, { text: textWith(word), place: PLACE });
      const receipt = await send(tab);
      assert.match(receipt, /^([a-z]{5}-){8}[a-z]{5}$/);
      const id = await stage.complaint(word);
      await stage.officer("ask", id, "Jam berapa kejadiannya?");
      await until(tab, stage, receipt, "#question");
      await tab.type("#answer", ANSWER);
      await tab.click("#send-answer");
      await tab.gone("#question");
      await stage.officer("status", id, "resolved", "--note", "Sudah ditangani");
      await until(tab, stage, receipt, "[data-stars]");
      await tab.click('[data-stars="2"]');
      await tab.see("#rated");
      await tab.click("#dispute summary");
      await tab.type("#dispute-text", ANSWER);
      await tab.click("#send-dispute-text");
      await tab.see("#disputed");
      await tab.click("#erasing summary");
      await tab.click("#erasing input");
      await tab.click("#erase");
      await tab.see("#erased");
      await tab.close();
      checkRequests(browser, [word, PLACE, ANSWER, ...receiptForms(receipt)]);
    });

    test("a report with a name says first who could open it, and no request says the name", async () => {
      const tab = await browser.tab();
      await begin(tab, stage);
      const word = newWord();
      await write(tab, { text: textWith(word), named: true });
      const receipt = await send(tab);
      await tab.close();
      checkRequests(browser, [word, NAME, PHONE_NUMBER, ...receiptForms(receipt)]);
    });

    test("scenario 9: who comes back is told at once that her name was opened, with every step", async () => {
      const tab = await browser.tab();
      const opened: string[] = [];
      for (const { receipt } of stage.citizens) {
        await comeBack(tab, stage, receipt);
        const status = await tab.run(() => document.querySelector("[data-status]")?.getAttribute("data-status") ?? "", undefined);
        if (status !== "") opened.push(status);
        if (status === "opened") {
          const steps = await tab.run(() => [...document.querySelectorAll("[data-step]")].map((s) => s.getAttribute("data-step")), undefined);
          for (const step of ["requested", "approved", "released", "partial", "opened"]) assert.ok(steps.includes(step), `${step} in ${steps.join()}`);
        }
        await tab.click("#close");
      }
      assert.ok(opened.includes("opened"), `an opening in ${opened.join()}`);
      await tab.close();
    });

    test("scenario 4: numbers and names are marked, and one tap blanks them", async () => {
      const tab = await browser.tab();
      await begin(tab, stage);
      await tab.click("#begin");
      await tab.click(".choices li:last-child button");
      await tab.type("#text", `Telepon ${PHONE_NUMBER}, tanya Pak Budi`);
      await tab.see("[data-kind=phone]");
      await tab.see("[data-kind=name]");
      await tab.click("[data-kind=phone] button");
      const value = await tab.run(() => document.querySelector<HTMLTextAreaElement>("#text")?.value ?? "", undefined);
      assert.equal(value, "Telepon ███, tanya Pak Budi");
      await tab.click("#exit");
    });

    test("quick exit leaves an empty page, and the way back leads to nothing that was written", async () => {
      const tab = await browser.tab();
      await begin(tab, stage);
      await write(tab, {});
      await tab.click("#exit");
      await tab.see("html");
      assert.equal(await tab.run(() => document.body?.textContent ?? "", undefined), "");
      assert.equal(await tab.run(() => location.href, undefined), "about:blank");
      await tab.close();
    });

    test("a mistyped receipt names its group; capitals, spaces and line breaks are taken", async () => {
      const tab = await browser.tab();
      await begin(tab, stage);
      await tab.click("#return");
      const [{ receipt } = assert.fail()] = stage.citizens;
      const groups = receipt.split("-");
      const wrong = groups.map((g, i) => (i === 3 ? `${g.slice(0, 4)}${g[4] === "b" ? "d" : "b"}` : g)).join(" ");
      await tab.type("#code", wrong);
      await tab.click("#open");
      await tab.see("[aria-invalid=true]");
      assert.match(await words(tab, ".field .error"), /4/);
      await tab.type("#code", ` ${groups.join(" ").toUpperCase()}  `);
      await tab.click("#open");
      await tab.see(".case");
      await tab.close();
    });

    test("axe finds nothing on any state, nothing is wider than 320 pixels, in both languages", async () => {
      const tab = await browser.tab(NARROW);
      const found: string[] = [];
      const look = async (screen: string): Promise<void> => {
        const wide = await tab.run(() => document.documentElement.scrollWidth > innerWidth, undefined);
        if (wide) found.push(`${screen}: wider than the window`);
        found.push(...(await check(tab)).map((each) => `${screen}: ${each}`));
      };
      for (const language of ["id", "en"]) {
        await begin(tab, stage);
        await tab.click(`header [lang=${language}]`);
        await write(tab, { place: PLACE, named: true, at: (screen) => look(`${language} ${screen}`) });
        await send(tab, { at: (screen) => look(`${language} ${screen}`) });
      }
      await comeBack(tab, stage, stage.citizens[0]?.receipt ?? "");
      await look("case");
      await tab.close();
      assert.deepEqual(found, []);
    });
  });
}

/** axe-core runs as a function of the debugger, which the page's policy does not bind. */
async function check(tab: Tab): Promise<string[]> {
  const run = new Function(`${axe}; return axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => v.id + " " + v.nodes.map((n) => n.target).join(" | ")));`);
  return (await tab.run(run as never, undefined)) as string[];
}

/** Only the installation was asked, and nothing says any of these words. */
function checkRequests(browser: Browser, secrets: readonly string[]): void {
  const { seen } = browser.proxy;
  const hosts = seen.map((s) => new URL(s.url).origin).filter((origin) => origin.startsWith("http://127.0.0.1"));
  assert.ok(hosts.length > 10);
  for (const origin of new Set(hosts)) assert.ok(stage.origins.includes(origin), origin);
  const others = seen.map((s) => s.url).filter((url) => !url.startsWith("http://127.0.0.1"));
  // The browsers' own questions, which no page can make or stop: whether there is a way out to the net.
  assert.deepEqual(others.filter((url) => !/detectportal\.firefox\.com|gstatic\.com|google\.com|googleapis\.com|mozilla\./.test(url)), []);
  assert.deepEqual(told(seen, secrets), []);
  for (const s of seen) {
    assert.equal(s.headers["cookie"], undefined);
    if (!s.url.endsWith("/page/main.js")) assert.equal(s.headers["referer"], undefined, s.url);
  }
}

describe("scenario 5: nothing is left on the device", () => {
  for (const name of wanted) {
    test(`${name}: no file of its profile has the text, the name, the receipt or an answer`, async () => {
      const browser = await (starts[name] ?? assert.fail(name))();
      try {
        const tab = await browser.tab(PHONE);
        await begin(tab, stage);
        const word = newWord();
        await write(tab, { text: textWith(word), place: PLACE, named: true });
        const receipt = await send(tab);
        await comeBack(tab, stage, receipt);
        const storage = await tab.run(async () => ({
          cookies: document.cookie,
          local: localStorage.length + sessionStorage.length,
          databases: (await indexedDB.databases()).length,
          caches: (await caches.keys()).length,
          workers: (await navigator.serviceWorker?.getRegistrations())?.length ?? 0,
        }), undefined);
        assert.deepEqual(storage, { cookies: "", local: 0, databases: 0, caches: 0, workers: 0 });
        await tab.close();
        await browser.end();
        const secrets = [word, PLACE, "Kuwukbiru", NAME, "Zulkarnainungu", PHONE_NUMBER, ANSWER, ...receiptForms(receipt)];
        assert.deepEqual(traces(browser.profile, secrets), []);
      } finally {
        browser.forget();
      }
    });
  }
});
