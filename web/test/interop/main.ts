/**
 * `node main.js write FILE`: cases made here, for the Rust side to open. `node main.js read FILE`: the Rust side's, opened here.
 * Each run has new randomness; SEED in TABIR_INTEROP_SEED makes a run again.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { Node, assert } from "../support.ts";
import { Case } from "./case.ts";
import { agrees, hostile, texts, textsAgree } from "./hostile.ts";
import { makeCase, seeded } from "./make.ts";

const CASES = 4;
const TEXTS = 2_000;

const [, , what, path] = process.argv;
assert.ok(path !== undefined, "which file?");
if (what === "write") {
  const seed = process.env["TABIR_INTEROP_SEED"] ?? randomBytes(8).toString("hex");
  console.log(`typescript: TABIR_INTEROP_SEED=${seed}`);
  const random = seeded(seed);
  const cases = Array.from({ length: CASES }, () => {
    const made = makeCase(random);
    return { ...made, hostile: hostile(new Case(new Node(made)), random) };
  });
  writeFileSync(path, JSON.stringify({ seed, cases, texts: texts(random, TEXTS) }));
} else {
  assert.equal(what, "read");
  const file = new Node(JSON.parse(readFileSync(path, "utf8")));
  let refusals = 0;
  for (const node of file.nodes("cases")) {
    const found = new Case(node);
    found.opens();
    refusals += agrees(found, node.nodes("hostile"));
  }
  refusals += textsAgree(file.nodes("texts"));
  assert.ok(file.nodes("cases").length > 0 && refusals > 1_000);
  console.log(`typescript: opened ${file.nodes("cases").length} cases made in Rust, and agreed about ${refusals} hostile inputs`);
}
