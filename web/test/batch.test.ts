/** The generic batch: the vectors of draft-ietf-privacypass-batched-tokens, and what no decoder may take. */
import { createPrivateKey } from "node:crypto";

import { pow } from "@noble/curves/abstract/modular.js";

import { be, bigBe, cat, equal, fromUtf8, systemRandom, type Bytes } from "../src/crypto/codec.ts";
import {
  MAX_BATCH, blindBatch, decodeBatchRequest, decodeBatchResponse, encodeBatchRequest, encodeBatchResponse, joinRequests, joinResponses,
  splitRequests, splitResponses,
} from "../src/crypto/token/batch.ts";
import { blindToken, tokenKey, verifyToken, type TokenKey } from "../src/crypto/token/blind.ts";
import { challengeFor, decodeChallenge, encodeRequest, encodeToken } from "../src/crypto/token/wire.ts";
import { Given, Node, assert, flipped, load, refused, test } from "./support.ts";

const vectors = Object.values(load("batched-tokens-generic-rs.json").json).map((v) => new Node(v as Record<string, unknown>));

const exponent = (pem: Bytes): bigint => bigBe(Buffer.from(createPrivateKey(fromUtf8(pem)).export({ format: "jwk" }).d ?? "", "base64url"));

test("draft-ietf-privacypass-batched-tokens, generic batch: requests, answers, tokens", () => {
  assert.equal(vectors.length, 3);
  let ours = 0;
  for (const v of vectors) {
    const [requests, responses] = [splitRequests(v.bytes("token_request")), splitResponses(v.bytes("token_response"))];
    v.is("token_request", joinRequests(requests));
    v.is("token_response", joinResponses(responses));
    const issued = v.nodes("issuance");
    assert.deepEqual([requests.length, responses.length], [issued.length, issued.length]);
    issued.forEach((one, i) => {
      const [request, response] = [requests[i] ?? assert.fail(), responses[i] ?? assert.fail()];
      for (const message of [request, response]) assert.deepEqual(message.slice(0, 2), one.bytes("token_type"));
      if (one.text("token_type") !== "0002") return;
      ours++;
      const [key, challenge] = [tokenKey(one.bytes("pk_s")), decodeChallenge(one.bytes("token_challenge"))];
      const given = new Given(cat(one.bytes("nonce"), one.bytes("salt"), one.bytes("blind").reverse()));
      const pending = blindToken(key, challenge, given.draw);
      given.done();
      assert.deepEqual(encodeRequest(pending.request), request);
      const signed = be(pow(bigBe(request.slice(3)), exponent(one.bytes("sk_s")), key.n), 256);
      assert.deepEqual(cat(be(2, 2), signed), response);
      const token = pending.finalize(response.slice(2));
      one.is("token", encodeToken(token));
      verifyToken(token, challenge, key);
    });
    // With other types among them they are no batch that this client or issuer takes.
    refused("token-type", () => decodeBatchRequest(v.bytes("token_request")));
    refused("token-type", () => decodeBatchResponse(v.bytes("token_response")));
  }
  assert.equal(ours, 4);
});

/** A key of the vectors, and an issuer's answer to a batch for it. */
function issuer(): { key: TokenKey; answer: (request: Bytes) => Bytes } {
  const one = vectors.flatMap((v) => v.nodes("issuance")).find((i) => i.text("token_type") === "0002") ?? assert.fail();
  const [key, d] = [tokenKey(one.bytes("pk_s")), exponent(one.bytes("sk_s"))];
  const sign = (message: Bytes): Bytes => be(pow(bigBe(message), d, key.n), 256);
  return { key, answer: (request) => encodeBatchResponse(decodeBatchRequest(request).map((r) => sign(r.blindedMsg))) };
}

test("a batch of eight comes back as eight tokens, and of a changed answer none", () => {
  const { key, answer } = issuer();
  const challenge = challengeFor("issuer.example", "gateway.example");
  const pending = blindBatch(key, challenge, systemRandom);
  assert.equal(pending.request.length, 2 + MAX_BATCH * 259);
  const response = answer(pending.request);
  const tokens = pending.finalize(response);
  assert.equal(tokens.length, MAX_BATCH);
  for (const token of tokens) verifyToken(token, challenge, key);
  assert.ok(tokens.every((a, i) => tokens.every((b, j) => i === j || !equal(a.nonce, b.nonce))));

  refused("blind-signature", () => pending.finalize(flipped(response, response.length - 1)));
  const answers = decodeBatchResponse(response);
  refused("blind-signature", () => pending.finalize(encodeBatchResponse(answers.slice(1))));
  refused("blind-signature", () => pending.finalize(encodeBatchResponse(answers.slice().reverse())));
  const parts = splitResponses(response);
  refused("blind-signature", () => pending.finalize(joinResponses([undefined, ...parts.slice(1)])));
});

test("batches of another form are refused", () => {
  const { key, answer } = issuer();
  const request = blindBatch(key, challengeFor("issuer.example", "gateway.example"), systemRandom, 2).request;
  const one = splitRequests(request)[0] ?? assert.fail();
  const of = (count: number): Bytes => joinRequests(Array.from({ length: count }, () => one));
  refused("too-few", () => decodeBatchRequest(of(0)));
  refused("too-long", () => decodeBatchRequest(of(9)));
  refused("size", () => decodeBatchRequest(new Uint8Array(0)));
  refused("size", () => decodeBatchRequest(request.slice(0, 1)));
  refused("size", () => decodeBatchRequest(request.slice(0, -1)));
  refused("trailing", () => decodeBatchRequest(cat(request, be(0, 1))));
  refused("size", () => decodeBatchRequest(joinRequests([one, one.slice(0, 100)])));
  refused("token-type", () => decodeBatchRequest(joinRequests([one, flipped(one, 0)])));
  refused("too-long", () => decodeBatchRequest(cat(be(0x80000000 + request.length - 2, 4), request.slice(2))));
  refused("non-canonical", () => decodeBatchRequest(cat(be(0x4000 + 40, 2), new Uint8Array(40))));
  for (const count of [0, 9]) refused(count === 0 ? "too-few" : "too-long", () => blindBatch(key, challengeFor("a", "b"), systemRandom, count));
  assert.deepEqual(encodeBatchRequest(decodeBatchRequest(request)), request);

  const response = answer(request);
  refused("field", () => decodeBatchResponse(response.map((b, i) => (i === 2 ? 2 : b))));
  refused("token-type", () => decodeBatchResponse(flipped(response, 3)));
  refused("size", () => decodeBatchResponse(joinResponses([be(2, 2)])));
  refused("too-few", () => decodeBatchResponse(be(0, 1)));
});
