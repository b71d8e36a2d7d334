import { T, equal, sha256, utf8 } from "../../src/crypto/codec.ts";
import { keyId, publicKey, sign, verify } from "../../src/crypto/ed25519.ts";
import { parse, write } from "../../src/crypto/json.ts";
import { checkKemKey, kemPublicKey, openWith } from "../../src/crypto/hpke/xwing.ts";
import { G2, challenge, decompress, lift, scalar, scalarBytes, toU } from "../../src/crypto/point.ts";
import { unhex, type Put } from "../../src/crypto/codec.ts";
import { assert, test } from "../support.ts";
import { cases, only, refuses } from "./vectors.ts";

test("transcript hash and challenge", () => {
  for (const [input, output] of cases("T")) {
    const puts = (input.get("puts") as [string, string][]).map(([l, d]): Put => [l, unhex(d)]);
    output.is("hash", T(input.text("tag"), puts));
    output.is("challenge", scalarBytes(challenge(input.text("tag"), puts)));
  }
});

test("points and scalars", () => {
  only("g2")[1].is("point", G2.toBytes());
  for (const [input, output] of cases("lift")) {
    const point = lift(input.bytes("u"));
    output.is("point", point.toBytes());
    assert.deepEqual(toU(decompress(point.toBytes())), input.bytes("u"));
  }
  refuses("lift", (input) => lift(input.bytes("u")));
  refuses("point", (input) => decompress(input.bytes("p")));
  refuses("scalar", (input) => scalar(input.bytes("s")));
  assert.equal(scalar(new Uint8Array(32)), 0n);
});

test("Ed25519", () => {
  const [input, output] = only("ed25519");
  const [seed, msg] = [input.bytes("seed"), input.bytes("msg")];
  output.is("pk", publicKey(seed));
  output.is("sig", sign(seed, msg));
  verify(publicKey(seed), msg, sign(seed, msg));
  refuses("ed25519", (i) => verify(i.bytes("pk"), i.bytes("msg"), i.bytes("sig")));
});

test("key ids", () => {
  for (const [input, output] of cases("key_id")) {
    output.is("id", keyId(input.bytes("key")));
    assert.ok(equal(keyId(input.bytes("key")), sha256(input.bytes("key"))));
  }
});

test("X-Wing keys and HPKE", () => {
  const [input, output] = only("xwing_key");
  output.is("pk", checkKemKey(kemPublicKey(input.bytes("seed"))));
  refuses("xwing_pk", (i) => checkKemKey(i.bytes("pk")));
  refuses("hpke", (i) => openWith(i.bytes("seed"), i.text("info"), i.bytes("aad"), i.bytes("wire")));
});

test("strict JSON", () => {
  for (const [input, output] of cases("strict_json")) {
    assert.deepEqual(write(parse(utf8(input.text("json")))), utf8(output.text("compact")));
  }
  refuses("json", (i) => parse(i.bytes("text")));
});
