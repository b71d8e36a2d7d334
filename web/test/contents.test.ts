/** `contents.json`: who sealed a content, byte for byte. */
import { content } from "../src/crypto/content.ts";
import { fromBytes, toBytes } from "../src/crypto/statement/value.ts";
import { assert, load, refusesAll, test } from "./support.ts";

const file = load("contents.json");

test("contents say who sealed them, and come out as the same bytes", () => {
  for (const v of file.nodes("taken")) {
    const read = fromBytes(content, v.utf8("json"));
    assert.equal(read.via ?? null, v.get("via"));
    assert.deepEqual(toBytes(content, read), v.utf8("json"));
  }
});

test("contents that must be refused", () => {
  refusesAll(file.nodes("reject"), { content_json: (input) => fromBytes(content, input.utf8("json")) });
});
