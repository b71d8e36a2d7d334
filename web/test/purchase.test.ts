/** Buying tokens: what pays is spent once, whatever is lost on the way, and a batch is used up before the next is bought. */
import { createPrivateKey } from "node:crypto";

import { pow } from "@noble/curves/abstract/modular.js";

import { be, bigBe, cat, equal, fromUtf8, type Bytes } from "../src/crypto/codec.ts";
import { BATCH_REQUEST_TYPE, decodeBatchRequest, encodeBatchResponse } from "../src/crypto/token/batch.ts";
import { tokenKey } from "../src/crypto/token/blind.ts";
import { Reporter } from "../src/client/reporter.ts";
import { Node, assert, load, test } from "./support.ts";

const ISSUER = "http://issuer.example";
const vectors = Object.values(load("batched-tokens-generic-rs.json").json).map((v) => new Node(v as Record<string, unknown>));
const one = vectors.flatMap((v) => v.nodes("issuance")).find((i) => i.text("token_type") === "0002") ?? assert.fail();
const spki = one.bytes("pk_s");
const [key, d] = [tokenKey(spki), bigBe(Buffer.from(createPrivateKey(fromUtf8(one.bytes("sk_s"))).export({ format: "jwk" }).d ?? "", "base64url"))];
const sign = (request: Bytes): Bytes => encodeBatchResponse(decodeBatchRequest(request).map((r) => be(pow(bigBe(r.blindedMsg), d, key.n), 256)));

interface Asked {
  readonly attestation: string | null;
  readonly type: string | null;
  readonly body: Bytes;
}

/** A reporter who has read the log already, and an issuer that answers as `answers` says, one after the other. */
function world(answers: ((body: Bytes) => Response)[]): { reporter: Reporter; asked: Asked[] } {
  const asked: Asked[] = [];
  globalThis.fetch = async (url, init) => {
    assert.equal(url instanceof Request ? url.url : url.toString(), `${ISSUER}/token-request`);
    const headers = new Headers(init?.headers);
    const body = new Uint8Array(await new Response(init?.body ?? null).arrayBuffer());
    asked.push({ attestation: headers.get("tabir-attestation"), type: headers.get("content-type"), body });
    return (answers.shift() ?? assert.fail("asked once more than expected"))(body);
  };
  const reporter = new Reporter();
  const session = { issuer: ISSUER, key: () => spki, trust: { root: { issuer_name: "issuer.example", origin: "gateway.example" } } };
  Object.assign(reporter, { session });
  return { reporter, asked };
}

const answer = (bytes: Bytes): Response => new Response(bytes as Uint8Array<ArrayBuffer>);
const signed = (body: Bytes): Response => answer(sign(body));
const lost = (): Response => {
  throw new TypeError("the line was cut");
};
const refusal = (status: number, code: string) => (): Response =>
  new Response(JSON.stringify({ type: `urn:tabir:error:${code}`, title: "no", status }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });

test("after a lost answer the very same batch is asked for again, so that a voucher is spent once", async () => {
  const { reporter, asked } = world([lost, lost, refusal(500, "internal"), signed]);
  const buy = (): Promise<void> => reporter.prepare({ voucher: " 4F7K-2Q9M-8XTR-6WHD " });
  await assert.rejects(buy());
  await assert.rejects(buy());
  await buy();
  const [first, ...again] = asked;
  assert.ok(first !== undefined && again.length === 3);
  assert.deepEqual([first.attestation, first.type], ["voucher 4F7K-2Q9M-8XTR-6WHD", BATCH_REQUEST_TYPE]);
  for (const other of again) assert.ok(equal(other.body, first.body) && other.attestation === first.attestation);
});

test("what was refused is not asked for again, and another voucher pays for another batch", async () => {
  const { reporter, asked } = world([refusal(401, "voucher"), signed]);
  await assert.rejects(reporter.prepare({ voucher: "AAAA-AAAA-AAAA-AAAA" }));
  await reporter.prepare({ voucher: "BBBB-BBBB-BBBB-BBBB" });
  const [first, second] = asked;
  assert.ok(first !== undefined && second !== undefined && !equal(first.body, second.body));
  assert.equal(second.attestation, "voucher BBBB-BBBB-BBBB-BBBB");
});

test("a batch is enough for eight, and a changed answer gives nothing", async () => {
  const { reporter, asked } = world([(body) => answer(cat(sign(body).slice(0, -1), new Uint8Array(1))), signed]);
  await assert.rejects(reporter.prepare({ voucher: "AAAA-AAAA-AAAA-AAAA" }));
  await reporter.prepare({ voucher: "BBBB-BBBB-BBBB-BBBB" });
  for (let i = 0; i < 3; i++) await reporter.prepare({ voucher: undefined });
  assert.equal(asked.length, 2);
});
