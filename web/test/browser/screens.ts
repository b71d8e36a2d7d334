/**
 * Pictures of every state, phone and desktop, both languages and both schemes: `make screens`, into `target/screens`. For people to
 * look at. `node build/browser/screens.js FOLDER [id|en] [light|dark]`
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { DESKTOP, PHONE, startChromium } from "./drive.ts";
import { Stage } from "./stage.ts";
import { PHONE_NUMBER, PLACE, begin, comeBack, newWord, send, textWith, until, write } from "./steps.ts";

const [folder = "../target/screens", language, scheme] = process.argv.slice(2);

async function walk(stage: Stage, language: "id" | "en", scheme: "light" | "dark"): Promise<void> {
  const browser = await startChromium({ dark: scheme === "dark" });
  const tab = await browser.tab();
  const at = async (screen: string): Promise<void> => {
    for (const [name, view] of [["desktop", DESKTOP], ["phone", PHONE]] as const) {
      await tab.resize(view);
      await tab.picture(join(folder, `${screen}.${language}.${scheme}.${name}.png`));
    }
  };
  const start = async (): Promise<void> => {
    await begin(tab, stage);
    await tab.click(`header [lang=${language}]`);
  };
  browser.proxy.rule = ({ url }) => (url.endsWith("/v1/services") ? "cut" : undefined);
  await tab.open(stage.address);
  await tab.see("#broken");
  await tab.click(`header [lang=${language}]`);
  await at("offline");
  browser.proxy.rule = () => undefined;

  await start();
  await tab.click("#begin");
  await tab.click(".choices li:last-child button");
  await tab.type("#text", `Kemarin petugas minta uang. Telepon ${PHONE_NUMBER} atau Pak Budi Santoso, mobil B 1234 XYZ`);
  await at("warnings");
  await tab.click("#exit");

  await start();
  const word = newWord();
  await write(tab, { text: textWith(word), place: PLACE, named: true, at });
  browser.proxy.rule = ({ url }) => (url.endsWith("/v1/reports") ? { status: 503, headers: { "retry-after": "60" } } : undefined);
  await tab.click("fieldset p:last-child input");
  await tab.click("#send");
  await tab.see("#again");
  await at("not-sent");
  browser.proxy.rule = () => undefined;
  await tab.click("#again");
  await tab.see("#receipt");
  const receipt = await send(tab, { sent: true, at });

  await start();
  await tab.click("#return");
  await tab.type("#code", `x${receipt.slice(1)}`);
  await tab.click("#open");
  await tab.see("[aria-invalid=true]");
  await at("back");
  await comeBack(tab, stage, receipt);
  await tab.click(`header [lang=${language}]`);
  await at("case-new");
  const id = await stage.complaint(word);
  await stage.officer("ask", id, "Jam berapa kejadiannya?");
  await until(tab, stage, receipt, "#question");
  await tab.click(`header [lang=${language}]`);
  await at("case-question");
  await stage.officer("status", id, "resolved", "--note", "Sudah ditangani");
  await until(tab, stage, receipt, "[data-stars]");
  await tab.click(`header [lang=${language}]`);
  await at("case-resolved");
  for (const citizen of stage.citizens) {
    await comeBack(tab, stage, citizen.receipt);
    await tab.click(`header [lang=${language}]`);
    if (await tab.run(() => document.querySelector("[data-status=opened]") !== null, undefined)) {
      await at("case-opened");
      break;
    }
  }
  await comeBack(tab, stage, receipt);
  await tab.click(`header [lang=${language}]`);
  await tab.click("#erasing summary");
  await tab.click("#erasing input");
  await tab.click("#erase");
  await tab.see("#erased");
  await at("case-erased");
  await browser.end();
  browser.forget();
}

mkdirSync(folder, { recursive: true });
const stage = await Stage.start();
try {
  for (const l of ["id", "en"] as const) {
    for (const s of ["light", "dark"] as const) {
      if ((language ?? l) === l && (scheme ?? s) === s) await walk(stage, l, s);
    }
  }
  console.log(`${readdirSync(folder).length} pictures in ${folder}`);
} finally {
  await stage.stop();
}
