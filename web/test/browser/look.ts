/** What is looked for in everything that left a browser or stayed on its disk: words in every form they could have. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Seen } from "./proxy.ts";

/** A text as it could be written down: in UTF-8, UTF-16, hex, base64 in its three positions, percent-encoded, escaped. */
export function forms(words: string): Map<string, Buffer> {
  const utf8 = Buffer.from(words, "utf8");
  const found = new Map<string, Buffer>([
    ["utf-8", utf8],
    ["utf-16", Buffer.from(words, "utf16le")],
    ["hex", Buffer.from(utf8.toString("hex"))],
    ["percent", Buffer.from(encodeURIComponent(words))],
    ["plus", Buffer.from(words.replaceAll(" ", "+"))],
  ]);
  // Base64 of three positions: what is left of the edges.
  for (let shift = 0; shift < 3; shift++) {
    const text = Buffer.concat([Buffer.alloc(shift), utf8]).toString("base64").replace(/=+$/, "");
    const inner = text.slice(shift === 0 ? 0 : 4, -2);
    // A few letters stand anywhere by chance.
    if (inner.length < 8) continue;
    found.set(`base64 ${shift}`, Buffer.from(inner));
    found.set(`base64url ${shift}`, Buffer.from(inner.replaceAll("+", "-").replaceAll("/", "_")));
  }
  return found;
}

/** A receipt, and each two of its words that follow each other, as they could be written. */
export function receiptForms(receipt: string): string[] {
  const groups = receipt.split("-");
  return [receipt, groups.join(" "), groups.join(""), ...groups.slice(1).flatMap((g, i) => [`${groups[i]}-${g}`, `${groups[i]} ${g}`, `${groups[i]}${g}`])];
}

/** Where words stand in these bytes: names of the forms in which they were found. */
export const within = (bytes: Buffer, words: string): string[] => [...forms(words)].filter(([, form]) => bytes.includes(form)).map(([name]) => name);

/** Requests that say any of these words: address, headers, body. */
export function told(seen: readonly Seen[], secrets: readonly string[]): string[] {
  return seen.flatMap((s) => {
    const all = Buffer.concat([Buffer.from(`${s.url}\n${JSON.stringify(s.headers)}\n`), s.body]);
    return secrets.flatMap((words) => within(all, words).map((form) => `${s.method} ${s.url}: ${words} (${form})`));
  });
}

/** Files of a folder that hold any of these words, by content or name. */
export function traces(folder: string, secrets: readonly string[]): string[] {
  const found: string[] = [];
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const bytes = Buffer.concat([Buffer.from(`${name}\n`), readFileSync(path)]);
    for (const words of secrets) found.push(...within(bytes, words).map((form) => `${name}: ${words} (${form})`));
  }
  return found;
}
