/** `log.json`: a small governance log, a tree of 300 leaves, and tampered copies. */
import { cat, sha256, utf8, type Bytes } from "../src/crypto/codec.ts";
import { bundleBytes, bundlesOf, hashTiles, parseEntries, parseHashes, parseTilePath, tileOf, tilePath } from "../src/crypto/log/tile.ts";
import { checkpointBytes, hashOf, logVerifier, openCheckpoint, openCosigned, parseCheckpoint, witnesses } from "../src/crypto/log/checkpoint.ts";
import { parseVerifierKey, verifierKeyText } from "../src/crypto/log/note.ts";
import { makeProof, parseProof, proofBytes, verifyProof } from "../src/crypto/log/proof.ts";
import { EMPTY, headOf, leafHash, proveConsistency, proveInclusion, rootOf, verifyConsistency, verifyInclusion } from "../src/crypto/log/tree.ts";
import { parse, body } from "../src/crypto/statement/statement.ts";
import { Node, assert, load, refusesAll, test } from "./support.ts";

const file = load("log.json");
const governance = file.node("governance");
const entries = (governance.get("leaves") as string[]).map(utf8);
const leaves = entries.map(leafHash);
const log = logVerifier(governance.text("origin"), governance.text("vkey"));
const by = witnesses(governance.get("witnesses"), governance.number("quorum"));

test("checkpoints: signature, cosignatures, witnessed time, root", () => {
  for (const kept of governance.nodes("checkpoints")) {
    const opened = openCosigned(kept.utf8("note"), log, by);
    assert.deepEqual(opened.head, headOf(leaves.slice(0, kept.number("size"))));
    assert.equal(opened.witnessedTime, kept.number("witnessed"));
    kept.is("hash", hashOf(opened));
    assert.deepEqual(checkpointBytes(opened), kept.utf8("note"));
    assert.equal(parseCheckpoint(opened.note.text).origin, log.origin);
  }
  for (const vkey of [governance.text("vkey"), ...(governance.get("witnesses") as string[])]) {
    assert.equal(verifierKeyText(parseVerifierKey(vkey)), vkey);
  }
});

test("the trust root names the log and its witnesses", () => {
  const root = body(parse(governance.utf8("trust")), "trust.root");
  assert.deepEqual([root.logs[0]?.vkey, root.witnesses], [governance.text("vkey"), governance.get("witnesses")]);
});

test("entry hashes, inclusion and consistency", () => {
  assert.deepEqual(leaves, governance.list("entry_hashes"));
  const head = headOf(leaves);
  (governance.get("inclusion") as string[][]).forEach((proof, i) => {
    const hashes = new Node({ proof }).list("proof");
    assert.deepEqual(proveInclusion(leaves, i), hashes);
    verifyInclusion(leaves[i] ?? assert.fail(), i, head, hashes);
  });
  governance.nodes("consistency").forEach((v) => checkConsistency(leaves, v));
});

function checkConsistency(all: Bytes[], v: Node): void {
  const [before, after] = [all.slice(0, v.number("old")), all.slice(0, v.number("new"))];
  assert.deepEqual(proveConsistency(after, before.length), v.list("proof"));
  verifyConsistency(headOf(before), headOf(after), v.list("proof"));
}

test("an entry with its proof as one file", () => {
  const checkpoint = openCheckpoint(governance.nodes("checkpoints")[2]?.utf8("note") ?? assert.fail(), log);
  (governance.get("proofs") as string[]).forEach((text, i) => {
    const made = makeProof(i, leaves, checkpoint);
    assert.equal(Buffer.from(proofBytes(made)).toString(), text);
    assert.deepEqual(parseProof(utf8(text)), made);
    assert.deepEqual(verifyProof(made, entries[i] ?? assert.fail(), log, by).head, headOf(leaves));
  });
});

test("a tree of 300 leaves", () => {
  const tree = file.node("tree");
  const all = Array.from({ length: 300 }, (_, i) => utf8(String(i)));
  const hashes = all.map(leafHash);
  for (const v of tree.nodes("roots")) v.is("root", rootOf(hashes.slice(0, v.number("size"))));
  for (const v of tree.nodes("inclusion")) {
    const [index, some] = [v.number("index"), hashes.slice(0, v.number("size"))];
    assert.deepEqual(proveInclusion(some, index), v.list("proof"));
    verifyInclusion(some[index] ?? assert.fail(), index, headOf(some), v.list("proof"));
  }
  tree.nodes("consistency").forEach((v) => checkConsistency(hashes, v));
  checkTiles(tree, all);
  checkTiles(governance, entries);
});

/** Hash tiles and entry bundles have these paths and bytes, and come back as they went. */
function checkTiles(node: Node, all: Bytes[]): void {
  const hashes = all.map(leafHash);
  const bundles = [...bundlesOf(0, all.length)].map((tile): [string, Bytes] => {
    const from = tile.index * 256;
    const bytes = bundleBytes(all.slice(from, from + tile.width));
    assert.deepEqual(parseEntries(tile, bytes), all.slice(from, from + tile.width));
    return [tilePath(tile), bytes];
  });
  const made = new Map([...hashTiles(hashes), ...bundles]);
  assert.deepEqual([...made.keys()].sort(), node.nodes("tiles").map((t) => t.text("path")).sort());
  for (const t of node.nodes("tiles")) {
    t.is("sha256", sha256(made.get(t.text("path")) ?? assert.fail()));
    assert.equal(tilePath(parseTilePath(t.text("path"))), t.text("path"));
  }
  const tile = tileOf(0, 0, all.length);
  assert.deepEqual(parseHashes(tile, made.get(tilePath(tile)) ?? assert.fail()), hashes.slice(0, 256));
  const [first] = bundlesOf(511, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(first, { level: "entries", index: 1, width: 256 });
  assert.equal(tilePath(tileOf("entries", 1_234_067, 1_234_068 * 256)), "tile/entries/x001/x234/067");
}

test("what readers must refuse", () => {
  const head = headOf(leaves);
  const slice = (good: Bytes, i: Node): Bytes => cat(good.slice(i.number("from"), i.number("to")), i.bytes("append"));
  refusesAll(file.nodes("reject"), {
    checkpoint: (i) => openCosigned(i.utf8("note"), log, by),
    inclusion: (i) => verifyInclusion(i.bytes("leaf"), i.number("index"), head, i.list("proof")),
    consistency: (i) => verifyConsistency({ size: i.number("size"), root: i.bytes("root") }, head, i.list("proof")),
    hash_tile: (i) => parseHashes(tileOf(0, 0, leaves.length), slice(cat(...leaves), i)),
    entries: (i) => parseEntries(tileOf("entries", 0, leaves.length), slice(bundleBytes(entries), i)),
    tile_path: (i) => parseTilePath(i.text("path")),
    vkey: (i) => parseVerifierKey(i.text("vkey")),
    tlog_proof: (i) => verifyProof(parseProof(i.utf8("proof")), entries[i.number("entry")] ?? assert.fail(), log, by),
  });
  assert.equal(EMPTY.size, 0);
  assert.equal(openCheckpoint(governance.nodes("checkpoints")[0]?.utf8("note") ?? assert.fail(), log).head.size, 2);
});
