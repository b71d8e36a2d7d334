/** The catalogues of words: every key is used and none is missing, and both languages name the same things. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { explain } from "../src/page/errors.ts";
import { Words } from "../src/page/i18n.ts";
import { en } from "../src/page/words/en.ts";
import { id } from "../src/page/words/id.ts";

const folder = join(process.cwd(), "src", "page");
const sources = (readdirSync(folder, { recursive: true }) as string[])
  .filter((name) => /\.(ts|html)$/.test(name) && !name.startsWith("words"))
  .map((name) => readFileSync(join(folder, name), "utf8"))
  .join("\n");

const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();

test("both languages have the same keys, with the same places to fill", () => {
  assert.deepEqual(Object.keys(en), Object.keys(id));
  for (const key of Object.keys(id) as (keyof typeof id)[]) {
    assert.deepEqual(placeholders(en[key]), placeholders(id[key]), key);
    assert.notEqual(en[key].trim(), "", key);
    assert.notEqual(id[key].trim(), "", key);
  }
});

test("every key is used", () => {
  // Keys that are put together: `status.${…}` names all that begin with `status.`.
  const made = [...sources.matchAll(/`([a-z-]+\.)\$\{/g)].map(([, prefix]) => prefix ?? "");
  const plural = (key: string): string => key.replace(/\.(one|other)$/, "");
  const unused = Object.keys(id).filter((key) =>
    !sources.includes(`"${key}"`) && !sources.includes(`"${plural(key)}"`) && !sources.includes(`{${key}}`) && !made.some((prefix) => key.startsWith(prefix)));
  assert.deepEqual(unused, []);
});

test("every failure is explained, also one that nobody foresaw", () => {
  for (const language of ["id", "en"] as const) {
    const words = new Words(language);
    for (const code of ["token-spent", "blind-signature", "stale", "tile", "letters", "checksum", "groups", "nonsense", ""]) {
      const said = explain(words, { kind: "problem", code, status: 400, at: 3 });
      assert.ok(said.length > 20 && !/\{\w+\}/.test(said), `${code}: ${said}`);
    }
  }
});

test("no sentence of the first screen claims more than is true", () => {
  for (const catalogue of [id, en]) {
    const first = ["start.what", "start.who", "start.limit", "start.danger"].map((key) => catalogue[key as keyof typeof id]).join(" ");
    assert.doesNotMatch(first, /100|dijamin|guarantee|aman sepenuhnya|completely|impossible|mustahil/i);
  }
});

/** Words a sentence and letters a word: what readability formulas are made of, and what fits Indonesian too. */
test("sentences are short", () => {
  for (const [name, catalogue] of [["id", id], ["en", en]] as const) {
    const sentences = Object.values(catalogue).flatMap((text) => text.split(/(?<=[.!?:;])\s+/));
    const lengths = sentences.map((s) => s.split(/\s+/).length);
    const mean = lengths.reduce((a, b) => a + b, 0) / lengths.length;
    assert.ok(mean < 12, `${name}: ${mean} words a sentence`);
    const long = sentences.filter((s) => s.split(/\s+/).length > 28);
    assert.deepEqual(long, [], name);
  }
});
