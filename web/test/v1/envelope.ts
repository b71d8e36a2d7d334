import type { Bytes } from "../../src/crypto/codec.ts";
import { innerBytes, innerHash, openInner, parseInner, sealInnerWith, verifyInner } from "../../src/crypto/envelope/inner.ts";
import { labelOf } from "../../src/crypto/envelope/label.ts";
import { envelopeHash, openWithLabel, parseOuter, wrap } from "../../src/crypto/envelope/outer.ts";
import { keyId } from "../../src/crypto/ed25519.ts";
import { need } from "../../src/crypto/errors.ts";
import { kemPublicKey } from "../../src/crypto/hpke/xwing.ts";
import { scalar, scalarBytes } from "../../src/crypto/point.ts";
import { councilOf, lineageOf, type Council } from "../../src/crypto/threshold/council.ts";
import { combine, makePartialWith, openRecord, recipientsHash, verifyPartial, type OpeningContext } from "../../src/crypto/threshold/opening.ts";
import { ceremonyOf } from "../../src/crypto/threshold/ceremony.ts";
import { assert, drawing, refused, test, type Node } from "../support.ts";
import { only, refuses } from "./vectors.ts";

/** The council of the vectors. */
export function vectorCouncil(): Council {
  const [input] = only("council_id");
  return councilOf({
    v: 1,
    at: 0,
    ceremony_id: only("lineage")[0].bytes("ceremony_id"),
    lineage: input.bytes("lineage"),
    epoch: input.number("epoch"),
    t: input.number("t"),
    n: 3,
    Y: input.bytes("Y"),
    members: input.nodes("members").map((m, i) => ({
      index: i + 1,
      Yi: m.bytes("Yi"),
      ed_vk: m.bytes("ed_vk"),
      kem_pk: m.bytes("kem_pk"),
    })),
    transcript: new Uint8Array(32),
  });
}

test("lineage, ceremony id and council id", () => {
  const [input, output] = only("lineage");
  output.is("lineage", lineageOf(input.bytes("Y"), input.bytes("ceremony_id")));
  const [given, expected] = only("ceremony_id");
  expected.is("ceremony_id", ceremonyOf(given.utf8("manifest")).id);
  only("council_id")[1].is("council_id", vectorCouncil().id);
});

test("label", () => {
  const [input, output] = only("label");
  const binding = {
    lineage: input.bytes("lineage"),
    caseId: input.bytes("case_id"),
    accessHash: new Uint8Array(32),
    contentHash: input.bytes("content_hash"),
    noticeHash: input.bytes("notice_hash"),
  };
  output.is("label", labelOf(binding, input.bytes("warden_key_id")));
});

test("inner envelope", () => {
  const [input, output] = only("inner");
  let seen = false;
  const sealed = sealInnerWith(input.bytes("Y"), input.bytes("label"), input.bytes("record"), output.bytes("sk_e"), (_, e) => {
    output.is("e", scalarBytes(e));
    seen = true;
    return scalar(input.bytes("k"));
  });
  assert.ok(seen);
  output.is("enc", sealed.enc);
  output.is("key_commitment", sealed.commitment);
  output.is("Ebar", sealed.ebar);
  output.is("c", sealed.c);
  output.is("f", sealed.f);
  output.is("inner", innerBytes(sealed));
  output.is("inner_hash", innerHash(sealed));
  verifyInner(parseInner(output.bytes("inner")), input.bytes("label"));
  refuses("sender", (i) => verifyInner(parseInner(i.bytes("inner")), i.bytes("label")));
  refuses("open_inner", (i) => {
    openInner(verifyInner(parseInner(i.bytes("inner")), i.bytes("label")), i.bytes("Y"), i.bytes("dh"));
  });
});

const openVector = (i: Node): Bytes => {
  const none = new Uint8Array(32);
  const binding = { lineage: none, caseId: i.bytes("case_id"), accessHash: i.bytes("access_hash"), contentHash: none, noticeHash: none };
  const outer = parseOuter(i.bytes("outer"));
  const wardenKey = kemPublicKey(i.bytes("warden_seed"));
  need(keyId(wardenKey).join() === outer.wardenKeyId.join(), "warden-key");
  return openWithLabel(outer, i.bytes("warden_seed"), binding, i.bytes("label")).inner.hash;
};

test("outer envelope", () => {
  const [input, output] = only("outer");
  const p = {
    lineage: input.bytes("lineage"),
    wardenKey: kemPublicKey(input.bytes("warden_seed")),
    caseSeed: input.bytes("case_seed"),
  };
  const inner = parseInner(input.bytes("inner"));
  const sealed = drawing(input.random("ekm"), (random) => wrap(p, input.bytes("label"), inner, random));
  output.is("outer", sealed.bytes);
  output.is("envelope_hash", sealed.hash);
  output.is("envelope_hash", envelopeHash(parseOuter(sealed.bytes)));
  refuses("outer", openVector);
});

function openingContext(input: Node, change: Node = input): OpeningContext {
  return {
    council: vectorCouncil(),
    caseId: (change.has("case_id") ? change : input).bytes("case_id"),
    envelopeHash: (change.has("envelope_hash") ? change : input).bytes("envelope_hash"),
    inner: verifyInner(parseInner(input.bytes("inner")), input.bytes("label")),
    requestHash: input.bytes("request_hash"),
    checkpointHash: input.bytes("checkpoint_hash"),
    recipients: (change.has("recipients") ? change : input).bytes("recipients"),
  };
}

test("opening", () => {
  const [input, output] = only("opening");
  const context = openingContext(input);
  const partials = input.nodes("partial_keys").map((key) => {
    const share = { index: key.number("index"), s: scalar(key.bytes("share")) };
    return makePartialWith(context, share, () => scalar(key.bytes("k")));
  });
  assert.deepEqual(partials, output.list("partials"));
  assert.deepEqual(recipientsHash(input.list("approvers")), input.bytes("recipients"));
  for (const [i, j] of [[0, 1], [0, 2], [2, 1]] as const) {
    const two = [partials[i], partials[j]].filter((p) => p !== undefined);
    output.is("dh", combine(context, two));
  }
  const opened = openRecord(context.council, context.inner, output.bytes("dh"));
  output.is("record", opened.record);
  refuses("partial", (i) => verifyPartial(openingContext(input, i), i.bytes("partial")));
  refuses("combine", (i) => combine(context, i.list("partials")));
  const wrong = { index: 1, s: 5n };
  refused("share", () => makePartialWith(context, wrong, () => 1n));
  assert.deepEqual(openVector(input), innerHash(parseInner(input.bytes("inner"))));
});
