/**
 * The whole journey in real browsers, against real roles as processes of their own. Scenarios 1, 2, 4, 5, 7, 8 and 9.
 *
 * Each test says in its name which scenario it stands for. `BROWSERS=chromium` runs one browser alone. Firefox has no compiler of
 * scripts here, and is some ten times slower: what it would only repeat runs there with `BROWSERS_ALL=1`.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startChromium, startFirefox, NARROW, PHONE, type Browser, type Tab } from "./drive.ts";
import { leaving } from "./leaving.ts";
import { receiptForms, told, traces } from "./look.ts";
import { Stage } from "./stage.ts";
import { States, violations } from "./states.ts";
import { ANSWER, NAME, PHONE_NUMBER, PLACE, begin, comeBack, newWord, send, textWith, until, write } from "./steps.ts";
import { troubles } from "./troubles.ts";

const wanted = (process.env["BROWSERS"] ?? "chromium firefox").split(" ");
const starts: Record<string, () => Promise<Browser>> = { chromium: () => startChromium(), firefox: startFirefox };

let stage: Stage;
before(async () => void (stage = await Stage.start()));
after(async () => stage?.stop());

const words = (tab: Tab, selector: string): Promise<string> =>
  tab.run((s: string) => document.querySelector(s)?.textContent ?? "", selector);

// Each browser has a core, and one waits while the other works.
describe("the page", { concurrency: wanted.length }, () => {
  for (const name of wanted) describe(name, { concurrency: 1 }, () => browserTests(name));
});

function browserTests(name: string): void {
  const start = starts[name] ?? assert.fail(name);
  const all = name === "chromium" || process.env["BROWSERS_ALL"] !== undefined;
  let browser: Browser;
  const states = new States();
  before(async () => void (browser = await start()));
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
    await tab.resize(NARROW);
    await states.at(tab, "case with a question");
    await tab.type("#answer", ANSWER);
    await tab.click("#send-answer");
    await tab.gone("#question");
    await stage.officer("status", id, "resolved", "--note", "Sudah ditangani");
    await until(tab, stage, receipt, "[data-stars]");
    await tab.run(() => document.querySelectorAll("details").forEach((each) => (each.open = true)), undefined);
    await states.at(tab, "case that is resolved, everything opened");
    await tab.run(() => document.querySelectorAll("details").forEach((each) => (each.open = false)), undefined);
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
    await states.at(tab, "case that was erased");
    await tab.close();
    checkRequests(browser, [word, PLACE, ANSWER, ...receiptForms(receipt)]);
  });

  test("scenario 9: who comes back is told at once that her name was opened, with every step", async () => {
    const tab = await browser.tab();
    const opened: string[] = [];
    for (const { receipt } of stage.citizens) {
      if (!all && opened.includes("opened")) break;
      await comeBack(tab, stage, receipt);
      const status = await tab.run(() => document.querySelector("[data-status]")?.getAttribute("data-status") ?? "", undefined);
      if (status !== "") opened.push(status);
      if (status === "opened") {
        const steps = await tab.run(() => [...document.querySelectorAll("[data-step]")].map((s) => s.getAttribute("data-step")), undefined);
        await tab.resize(NARROW);
        await states.at(tab, "case with an opening");
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
    await states.at(tab, "warnings");
    await tab.click("[data-kind=phone] button");
    const value = await tab.run(() => document.querySelector<HTMLTextAreaElement>("#text")?.value ?? "", undefined);
    assert.equal(value, "Telepon ███, tanya Pak Budi");
    await tab.close();
  });

  leaving(() => ({ stage, browser }));
  troubles(() => ({ stage, browser }), all);

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
    await states.at(tab, "mistyped receipt");
    await tab.type("#code", ` ${groups.join(" ").toUpperCase()}  `);
    await tab.click("#open");
    await tab.see(".case");
    await tab.close();
  });

  test("a report with a name says first who could open it; on every state axe finds nothing, nothing is wider than 320 pixels, targets are large enough", async () => {
    const tab = await browser.tab(NARROW);
    const told: string[] = [];
    for (const language of all ? ["id", "en"] : ["id"]) {
      await begin(tab, stage);
      await tab.click(`header [lang=${language}]`);
      const at = (screen: string): Promise<void> => states.at(tab, `${language} ${screen}`);
      const word = newWord();
      await write(tab, { text: textWith(word), place: PLACE, named: true, at });
      told.push(word, ...receiptForms(await send(tab, { at })));
    }
    await tab.close();
    checkRequests(browser, [NAME, PHONE_NUMBER, PLACE, ...told]);
    assert.ok(states.seen.size >= (all ? 28 : 17), [...states.seen].join());
    states.clean();
  });

  test("scenario 5: no file of the browser's profile has the text, the name, the receipt or an answer", async () => {
    const browser = await start();
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
      // The address is what stays: a search that finds nothing at all would have looked in the wrong place.
      assert.notDeepEqual(traces(browser.profile, [new URL(stage.address).host]), []);
    } finally {
      await browser.end();
      browser.forget();
    }
  });

  test("no page had an error that nobody caught, and its policy stopped nothing", () => assert.deepEqual(browser.troubles, []));

  // The last one, since it breaks things on purpose.
  test("these looks find what is wrong: a picture without words, a wide box, a tiny button, what the policy stops", async () => {
    const tab = await browser.tab(NARROW);
    await begin(tab, stage);
    await tab.run(() => {
      const [picture, wide, tiny] = [document.createElement("img"), document.createElement("p"), document.createElement("button")];
      wide.style.inlineSize = "500px";
      wide.textContent = "wide";
      tiny.style.cssText = "all: unset; inline-size: 9px; block-size: 9px; display: block";
      document.querySelector("main")?.append(picture, wide, tiny);
      picture.src = "https://elsewhere.example/x.png";
      return fetch("https://elsewhere.example/").catch(() => undefined);
    }, undefined);
    assert.ok((await violations(tab)).some((each) => each.startsWith("image-alt")));
    const own = new States();
    await own.at(tab, "broken on purpose");
    assert.throws(() => own.clean(), /wider than the window[^]* is 9 by 9/);
    const before = browser.troubles.length;
    await tab.close();
    const stopped = browser.troubles.splice(before).join();
    for (const what of ["img-src", "connect-src"]) assert.ok(stopped.includes(what), stopped);
  });
}

/** Only the installation was asked, and nothing says any of these words. */
function checkRequests(browser: Browser, secrets: readonly string[]): void {
  const { seen } = browser.proxy;
  const ours = seen.map((s) => new URL(s.url).origin).filter((origin) => origin.startsWith("http://127.0.0.1"));
  assert.ok(ours.length > 10);
  for (const origin of new Set(ours)) assert.ok(stage.origins.includes(origin), origin);
  const others = seen.map((s) => s.url).filter((url) => !url.startsWith("http://127.0.0.1"));
  // The browsers' own questions, which no page can make or stop: updates, time, a way out to the net, lists of theirs.
  const own = /(^|\.)(detectportal\.firefox\.com|mozilla\.(com|net|org)|gstatic\.com|google\.com|googleapis\.com|gvt1\.com)$/;
  const hosts = [...others.map((url) => new URL(url).hostname), ...browser.proxy.tunnels.map((to) => to.replace(/:\d+$/, ""))];
  assert.deepEqual(hosts.filter((host) => !own.test(host)), []);
  assert.deepEqual(told(seen, secrets), []);
  for (const s of seen) {
    assert.equal(s.headers["cookie"], undefined);
    if (!s.url.endsWith("/page/main.js")) assert.equal(s.headers["referer"], undefined, s.url);
  }
}
