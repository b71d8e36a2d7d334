/** The journey as a person goes it: each step waits for what a person would wait for. */
import type { Stage } from "./stage.ts";
import type { Tab } from "./drive.ts";

/** A word that stands in nothing else, not even in another report. */
export const newWord = (): string => `xylofon${Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => "abcdefghijklmnop"[b & 15]).join("")}`;
export const textWith = (word: string): string => `Loket empat meminta ${word} sebelum stempel`;
export const PLACE = "Gang Kuwukbiru dekat pos ronda";
export const NAME = "Zulkarnainungu Wirasaputri";
export const PHONE_NUMBER = "0899-7711-2233";
export const ANSWER = "Pukul sembilan, map kuninggading";

export interface Wanted {
  /** The report; one of its own where none is given. */
  readonly text?: string;
  readonly place?: string;
  readonly named?: boolean;
  readonly release?: "urgent" | "batched";
  /** The report is on its way already. */
  readonly sent?: boolean;
  /** Told of each screen before it is left. */
  readonly at?: (screen: string) => Promise<void>;
}

export async function begin(tab: Tab, stage: Stage): Promise<void> {
  await tab.open(stage.address);
  await tab.see("#checked");
}

/** From the first screen to the review. */
export async function write(tab: Tab, { text = textWith(newWord()), place, named = false, at = async () => {} }: Wanted): Promise<void> {
  await at("start");
  await tab.click("#begin");
  await tab.see(".choices");
  await at("category");
  await tab.click(".choices li:last-child button");
  await tab.type("#text", text);
  await at("text");
  await tab.click("#next");
  await tab.see("#place");
  if (place) await tab.type("#place", place);
  await at("place");
  await tab.click(place ? "#next" : "#no-place");
  await tab.see("#anonymous");
  await at("identity");
  if (named) {
    await tab.click("#give");
    await tab.see("#understood");
    await at("picture");
    await tab.click(".check input");
    await tab.click("#understood");
    await tab.type("#identity-name", NAME);
    await tab.type("#identity-phone", PHONE_NUMBER);
    await at("form");
    await tab.click("#next");
  } else {
    await tab.click("#anonymous");
  }
  await tab.see("#send");
  await at("review");
}

export const receiptOf = (tab: Tab): Promise<string> =>
  tab.run(() => [...document.querySelectorAll("#receipt li")].map((li) => li.textContent).join("-"), undefined);

/** Sends, writes the receipt down, and shows that it was. */
export async function send(tab: Tab, { release = "urgent", sent = false, at = async () => {} }: Wanted = {}): Promise<string> {
  if (!sent) {
    if (release === "urgent") await tab.click("fieldset p:last-child input");
    await tab.click("#send");
  }
  await tab.see("#receipt");
  const receipt = await receiptOf(tab);
  await at("receipt");
  await tab.click("#written");
  await tab.see("#check");
  await at("check");
  const asked = await tab.run(() => [...document.querySelectorAll<HTMLElement>("[data-group]")].map((i) => Number(i.dataset["group"])), undefined);
  for (const n of asked) await tab.type(`[data-group="${n}"]`, receipt.split("-")[n - 1] ?? "");
  await tab.click("#check");
  await tab.see("#finished");
  await at("finished");
  return receipt;
}

export async function comeBack(tab: Tab, stage: Stage, receipt: string): Promise<void> {
  await begin(tab, stage);
  await tab.click("#return");
  await tab.type("#code", receipt);
  await tab.click("#open");
  await tab.see(".case");
}

/** Comes back until something is there: news travel at their own pace. */
export async function until(tab: Tab, stage: Stage, receipt: string, selector: string): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    await comeBack(tab, stage, receipt);
    if (await tab.run((s: string) => document.querySelector(s) !== null, selector)) return;
    await tab.run(() => new Promise((done) => setTimeout(done, 500)), undefined);
    await tab.click("#close");
  }
  throw new Error(`${selector} did not come`);
}
