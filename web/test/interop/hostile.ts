/** Hostile copies of good bytes, and what one side says of each; the other must say the same. */
import { cat, hex, unhex, utf8, type Bytes, type Random } from "../../src/crypto/codec.ts";
import { fromBytes } from "../../src/crypto/statement/value.ts";
import { VERBS, isVerb } from "../../src/crypto/statement/verbs.ts";
import { Node, assert, load } from "../support.ts";
import { says, type Case } from "./case.ts";
import { below } from "./make.ts";

/** `remove` bytes at `offset` give way to `insert`. */
interface Edit {
  readonly offset: number;
  readonly remove: number;
  readonly insert: Bytes;
}

const apply = (bytes: Bytes, e: Edit): Bytes => cat(bytes.slice(0, e.offset), e.insert, bytes.slice(e.offset + e.remove));

/** Where points and scalars stand in what has them. */
const POINTS: Record<string, number[]> = { inner: [0, 64], partial: [99] };
const SCALARS: Record<string, number[]> = { inner: [96, 128], partial: [131, 163], share: [2] };

/** Every hostile encoding of the vectors, for u-coordinates, points and scalars alike. */
function encodings(decoders: string[], field: string): Bytes[] {
  const all = load("tabir-v1.json").nodes("reject").filter((r) => decoders.includes(r.text("decoder")));
  return all.map((r) => r.node("in")).filter((i) => i.has(field)).map((i) => i.bytes(field)).filter((b) => b.length === 32);
}

const points = [...encodings(["lift"], "u"), ...encodings(["point"], "p")];
const scalars = encodings(["scalar"], "s");

function edits(name: string, good: Bytes, random: Random): Edit[] {
  const put = (offset: number, insert: Bytes): Edit => ({ offset, remove: insert.length, insert });
  const flip = (): Edit => {
    const offset = below(random, good.length);
    return put(offset, Uint8Array.of((good[offset] ?? 0) ^ (1 << below(random, 8))));
  };
  const at = (): number => below(random, good.length + 1);
  return [
    ...Array.from({ length: 24 }, flip),
    { offset: good.length, remove: 0, insert: random(1) },
    { offset: good.length - 1, remove: 1, insert: new Uint8Array(0) },
    { offset: 0, remove: good.length, insert: new Uint8Array(0) },
    { offset: at(), remove: 0, insert: random(1 + below(random, 3)) },
    { offset: at(), remove: below(random, 4), insert: new Uint8Array(0) },
    ...(POINTS[name] ?? []).flatMap((offset) => points.map((p) => put(offset, p))),
    ...(SCALARS[name] ?? []).flatMap((offset) => scalars.map((s) => put(offset, s))),
  ];
}

/** What this side says of hostile copies of everything in a case. */
export function hostile(of: Case, random: Random): Record<string, unknown>[] {
  const all: Record<string, unknown>[] = [];
  for (const [decoder, { good, read }] of Object.entries(of.decoders())) {
    for (const e of edits(decoder, good, random)) {
      const said = says(() => read(apply(good, e)));
      all.push({ decoder, offset: e.offset, remove: e.remove, insert: hex(e.insert), says: said });
    }
  }
  return all;
}

/** This side says the same of each. */
export function agrees(of: Case, all: Node[]): number {
  const decoders = of.decoders();
  for (const v of all) {
    const { good, read } = decoders[v.text("decoder")] ?? assert.fail(v.text("decoder"));
    const edit = { offset: v.number("offset"), remove: v.number("remove"), insert: v.bytes("insert") };
    assert.equal(says(() => read(apply(good, edit))), v.text("says"), JSON.stringify(v.json));
  }
  return all.length;
}

const TOKENS = ["{", "}", "[", "]", ",", ":", '"', "\\", " ", "\n", "0", "-0", "01", "1e5", "1.0", "9007199254740992", "null", "true", '"\\u0041"', '"\\ud800"', '{"v":1}', '"at":', "é", "\ufeff", "'"];

/** Payloads of every verb, damaged as text: what a strict parser and a schema say. */
export function texts(random: Random, count: number): Record<string, unknown>[] {
  const valid = load("statements.json").nodes("valid");
  return Array.from({ length: count }, () => {
    const v = valid[below(random, valid.length)] ?? assert.fail();
    let payload = v.utf8("payload");
    for (let i = below(random, 3); i >= 0; i--) {
      const offset = below(random, payload.length + 1);
      const insert = [random(1).map((b) => b & 0x7f), utf8(TOKENS[below(random, TOKENS.length)] ?? ""), new Uint8Array(0)][below(random, 3)] ?? random(1);
      payload = apply(payload, { offset, remove: below(random, 4), insert });
    }
    return { verb: v.text("verb"), payload: hex(payload), says: readText(v.text("verb"), payload) };
  });
}

function readText(verb: string, payload: Bytes): string {
  return says(() => fromBytes(VERBS[isVerb(verb) ? verb : assert.fail(verb)] as any, payload));
}

export function textsAgree(all: Node[]): number {
  for (const v of all) {
    const payload = unhex(v.text("payload"));
    assert.equal(readText(v.text("verb"), payload), v.text("says"), `${v.text("verb")} ${Buffer.from(payload).toString()}`);
  }
  return all.length;
}
