/** The vectors of the check for what gives somebody away: the command line passes the same ones. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { find } from "../src/warnings.ts";

interface Vector {
  text: string;
  found: [kind: string, words: string][];
}

const { vectors } = JSON.parse(readFileSync(join(process.cwd(), "..", "tests", "data", "warnings.json"), "utf8")) as { vectors: Vector[] };

for (const { text, found } of vectors) {
  test(`${text.slice(0, 60)}: ${found.length}`, () => {
    assert.deepEqual(find(text).map(({ kind, from, to }) => [kind, text.slice(from, to)]), found);
  });
}
