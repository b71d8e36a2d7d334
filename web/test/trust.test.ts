/** The replay of the governance log, on the log of the vectors and on hostile changes of it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { utf8, type Bytes } from "../src/crypto/codec.ts";
import { Refused } from "../src/crypto/errors.ts";
import { leafHash, rootOf } from "../src/crypto/log/tree.ts";
import { bundleBytes, tilePath, tileOf, bundlesOf } from "../src/crypto/log/tile.ts";
import { parse } from "../src/crypto/statement/statement.ts";
import { pinned, type Trust } from "../src/crypto/trust/root.ts";
import { State } from "../src/crypto/trust/state.ts";
import { readLog, type Source } from "../src/client/log.ts";
import { fromBytes } from "../src/client/schema.ts";
import { installation } from "../src/client/session.ts";
import { VECTORS } from "./support.ts";

interface Log {
  trust: string;
  leaves: string[];
  checkpoints: { note: string; size: number; witnessed: number }[];
}

const log = (JSON.parse(readFileSync(join(VECTORS, "log.json"), "utf8")) as { governance: Log }).governance;
const trust = (): Trust => pinned(parse(utf8(log.trust)));

/** A server of that log; `change` may put other bytes in a file's place. */
const serve = (change: (path: string, bytes: Bytes) => Bytes = (_, bytes) => bytes): Source => {
  const size = log.leaves.length;
  const files = new Map<string, Bytes>();
  for (const { note, size } of log.checkpoints) files.set(`checkpoints/${size}`, utf8(note));
  files.set("checkpoint", utf8(log.checkpoints.at(-1)?.note ?? ""));
  files.set("checkpoints.json", utf8(JSON.stringify({ v: 1, sizes: log.checkpoints.map((c) => c.size) })));
  for (const tile of bundlesOf(0, size)) files.set(tilePath(tileOf("entries", tile.index, size)), bundleBytes(log.leaves.map(utf8)));
  return async (path) => change(path, files.get(path) ?? assert.fail(`no ${path}`));
};

function replay(entries: readonly { index: number; leaf: Bytes; witnessed: number }[]): { state: State; refusals: string[] } {
  const state = new State(trust());
  const refusals: string[] = [];
  for (const { index, leaf, witnessed } of entries) {
    try {
      state.apply(index, leaf, witnessed);
    } catch (error) {
      assert.ok(error instanceof Refused, String(error));
      refusals.push(`${index} ${error.code}`);
    }
  }
  return { state, refusals };
}

test("the log of the vectors is read whole, with the witnessed times that the vectors have", async () => {
  const { entries, checkpoint } = await readLog(trust(), "governance", serve());
  assert.equal(entries.length, log.leaves.length);
  assert.equal(checkpoint.head.size, log.leaves.length);
  for (const { index, witnessed } of entries) {
    assert.equal(witnessed, log.checkpoints.find((c) => c.size > index)?.witnessed);
  }
  const { state, refusals } = replay(entries);
  assert.deepEqual(refusals, []);
  assert.equal(state.requests[0]?.ended?.status, "withdrawn");
});

test("an entry that was changed on its way is seen", async () => {
  const changed = serve((path, bytes) => {
    if (!path.startsWith("tile/entries")) return bytes;
    const copy = bytes.slice();
    copy[100] = (copy[100] ?? 0) ^ 1;
    return copy;
  });
  await assert.rejects(readLog(trust(), "governance", changed), { code: "tile" });
});

test("a kept checkpoint of another history is seen", async () => {
  const [first, second] = log.checkpoints;
  const changed = serve((path, bytes) => (path === `checkpoints/${first?.size}` ? utf8(second?.note ?? "") : bytes));
  await assert.rejects(readLog(trust(), "governance", changed), { code: "checkpoint" });
});

test("a checkpoint without its witnesses is refused", async () => {
  const changed = serve((path, bytes) =>
    path === "checkpoint" ? utf8(Buffer.from(bytes).toString("utf8").replace(/— witness-\d [^\n]*\n/, "")) : bytes);
  await assert.rejects(readLog(trust(), "governance", changed), { code: "quorum" });
});

/** The right edge after so many entries, as who builds a page writes it down. */
function baseOf(size: number): { size: number; edge: Bytes[] } {
  const leaves = log.leaves.map((leaf) => leafHash(utf8(leaf)));
  const edge: Bytes[] = [];
  for (let part = 2 ** 10, at = 0; part >= 1; part /= 2) {
    if (Math.floor(size / part) % 2 === 0) continue;
    edge.push(rootOf(leaves.slice(at, at + part)));
    at += part;
  }
  return { size, edge };
}

test("a log is read on from every tree that was checked before, with the same times", async () => {
  const whole = await readLog(trust(), "governance", serve());
  for (let size = 0; size <= log.leaves.length; size++) {
    const on = await readLog(trust(), "governance", serve(), baseOf(size));
    assert.deepEqual(on.entries, whole.entries.slice(size));
    const again = await readLog(trust(), "governance", serve(), baseOf(size), true);
    assert.deepEqual(again.entries, whole.entries);
  }
});

test("a log that does not begin with the tree that was checked before is refused, read on or whole", async () => {
  const { size, edge } = baseOf(5);
  const other = { size, edge: edge.map((root, i) => (i === 0 ? leafHash(root) : root)) };
  await assert.rejects(readLog(trust(), "governance", serve(), other), { code: "tile" });
  await assert.rejects(readLog(trust(), "governance", serve(), other, true), { code: "consistency" });
  await assert.rejects(readLog(trust(), "governance", serve(), { size: log.leaves.length + 1, edge }), { code: "shrunk" });
  await assert.rejects(readLog(trust(), "governance", serve(), { size, edge: edge.slice(1) }), { code: "size" });
});

test("entries that were checked before give the keys that count, without those between", async () => {
  const { entries } = await readLog(trust(), "governance", serve());
  const full = replay(entries).state;
  const wanted = entries.filter(({ leaf }) => !parse(leaf).verb.startsWith("unseal."));
  assert.ok(wanted.length < entries.length);
  const state = new State(trust());
  for (const { index, leaf, witnessed } of wanted) {
    state.pass(index);
    state.apply(index, leaf, witnessed);
  }
  state.pass(entries.length);
  assert.equal(state.size, full.size);
  const at = log.checkpoints.at(-1)?.witnessed ?? 0;
  const keys = (of: State): unknown[] => (["token", "intake", "warden"] as const).map((kind) => active(of, kind, at));
  assert.deepEqual(keys(state), keys(full));
  assert.throws(() => state.pass(entries.length - 1), { code: "order" });
});

test("the bases that the program makes of that log give the keys that count", async () => {
  const bases = JSON.parse(readFileSync(join(VECTORS, "../../../tests/data/page-bases.json"), "utf8")) as unknown[];
  assert.ok(bases.length > 0);
  const whole = await readLog(trust(), "governance", serve());
  for (const found of bases) {
    const { base } = fromBytes(installation, utf8(JSON.stringify({ v: 1, server: "", trust: [], base: found })));
    assert.ok(base !== undefined);
    assert.deepEqual(base.edge, baseOf(base.size).edge);
    const { entries } = await readLog(trust(), "governance", serve(), base);
    const state = new State(trust());
    for (const { index, leaf, witnessed } of base.entries) {
      assert.deepEqual({ index, leaf, witnessed }, whole.entries[index]);
      state.pass(index);
      state.apply(index, leaf, witnessed);
    }
    state.pass(base.size);
    for (const { index, leaf, witnessed } of entries.filter((e) => !parse(e.leaf).verb.startsWith("unseal."))) {
      state.pass(index);
      state.apply(index, leaf, witnessed);
    }
    const full = replay(whole.entries).state;
    const last = log.checkpoints.at(-1)?.witnessed ?? 0;
    for (const kind of ["token", "intake", "warden"] as const) assert.deepEqual(active(state, kind, last), active(full, kind, last));
  }
});

function active(state: State, kind: "token" | "intake" | "warden", at: number): unknown {
  try {
    return state.activeKey(kind, at, at).id;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}
