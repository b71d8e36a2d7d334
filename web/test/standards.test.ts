/** The vectors of the standards' authors: RFC 9578, RFC 9180, HPKE with X-Wing. */
import { x25519 } from "@noble/curves/ed25519.js";
import { createPrivateKey } from "node:crypto";

import { bigBe, cat, fromUtf8, utf8, type Bytes } from "../src/crypto/codec.ts";
import { Context, KEM_X25519, KEM_XWING, contextOfDh } from "../src/crypto/hpke/schedule.ts";
import { kemPublicKey, openWith, sealTo } from "../src/crypto/hpke/xwing.ts";
import { blindToken, spkiOf, tokenKey, verifyToken } from "../src/crypto/token/blind.ts";
import { CHALLENGE_LEN, parsePuzzle, parseSolution, readOffer, solutionText, solve, solves } from "../src/crypto/token/puzzle.ts";
import { challengeFor, decodeChallenge, decodeRequest, decodeToken, encodeChallenge, encodeRequest, encodeToken, readAuthorization, readChallengeHeader, writeAuthorization, writeChallengeHeader } from "../src/crypto/token/wire.ts";
import { Given, Node, assert, drawing, flipped, load, refused, test } from "./support.ts";

const each = (name: string): Node[] => Object.values(load(name).json).map((v) => new Node(v as Record<string, unknown>));

const rfc9578 = each("rfc9578-type2-rs.json");
const [first] = rfc9578;
assert.ok(first !== undefined);

test("RFC 9578, type 2: request, answer, token", () => {
  assert.equal(rfc9578.length, 5);
  for (const v of rfc9578) {
    const key = tokenKey(v.bytes("pk_s"));
    const { n } = createPrivateKey(fromUtf8(v.bytes("sk_s"))).export({ format: "jwk" });
    assert.deepEqual(spkiOf(bigBe(Buffer.from(n ?? "", "base64url"))), key.spki);
    const challenge = decodeChallenge(v.bytes("token_challenge"));
    v.is("token_challenge", encodeChallenge(challenge));
    const given = new Given(cat(v.bytes("nonce"), v.bytes("salt"), v.bytes("blind").reverse()));
    const pending = blindToken(key, challenge, given.draw);
    given.done();
    v.is("token_request", encodeRequest(pending.request));
    assert.deepEqual(decodeRequest(v.bytes("token_request")), pending.request);
    const token = pending.finalize(v.bytes("token_response"));
    v.is("token", encodeToken(token));
    assert.deepEqual(decodeToken(v.bytes("token")), token);
    verifyToken(token, challenge, key);
  }
});

test("hostile tokens, answers and keys are refused", () => {
  const [token, request] = [first.bytes("token"), first.bytes("token_request")];
  const [key, challenge] = [tokenKey(first.bytes("pk_s")), decodeChallenge(first.bytes("token_challenge"))];
  const check = (bytes: Bytes): void => verifyToken(decodeToken(bytes), challenge, key);
  refused("token-type", () => check(flipped(token, 1)));
  refused("token-invalid", () => check(flipped(token, 2)));
  refused("token-challenge", () => check(flipped(token, 34)));
  refused("token-key", () => check(flipped(token, 66)));
  for (const at of [98, 200, 353]) refused("token-invalid", () => check(flipped(token, at)));
  refused("token-invalid", () => check(cat(token.slice(0, 98), new Uint8Array(256).fill(255))));
  refused("size", () => decodeToken(token.slice(0, -1)));
  refused("trailing", () => decodeToken(cat(token, Uint8Array.of(0))));
  refused("size", () => decodeRequest(request.slice(0, -1)));
  refused("trailing", () => decodeRequest(cat(request, Uint8Array.of(0))));

  const given = new Given(cat(first.bytes("nonce"), first.bytes("salt"), first.bytes("blind").reverse()));
  const pending = blindToken(key, challenge, given.draw);
  const response = first.bytes("token_response");
  refused("blind-signature", () => pending.finalize(flipped(response, 255)));
  refused("blind-signature", () => pending.finalize(response.slice(0, -1)));
  refused("blind-signature", () => pending.finalize(new Uint8Array(256).fill(255)));

  const spki = first.bytes("pk_s");
  const fixed = [...Array(81).keys(), 81 + 255, ...[337, 338, 339, 340, 341]];
  for (const at of fixed) refused("token-key", () => tokenKey(flipped(spki, at)), `byte ${at}`);
  refused("token-key", () => tokenKey(spki.map((b, i) => (i === 81 ? b & 0x7f : b))));
  refused("token-key", () => tokenKey(cat(spki, Uint8Array.of(0))));
});

test("challenges of another form are refused", () => {
  const bytes = encodeChallenge(challengeFor("issuer.example", "gateway.example"));
  assert.deepEqual(decodeChallenge(bytes), { issuerName: "issuer.example", originInfo: "gateway.example" });
  refused("size", () => decodeChallenge(bytes.slice(0, -1)));
  refused("trailing", () => decodeChallenge(cat(bytes, Uint8Array.of(0))));
  refused("field", () => decodeChallenge(bytes.map((b, i) => (i === 18 ? 16 : b))));
  refused("field", () => decodeChallenge(cat(bytes.slice(0, 2), new Uint8Array(5))));
  for (const name of ["", "\u00e9", "x".repeat(65_536)]) refused("field", () => challengeFor(name, "gateway.example"));
});

test("headers come back as they went, and no other form is read", () => {
  const token = decodeToken(first.bytes("token"));
  const value = writeAuthorization(token);
  assert.deepEqual(readAuthorization(value), token);
  assert.deepEqual(readAuthorization(value.replace("PrivateToken token", "privatetoken TOKEN")), token);
  const text = value.split('"')[1] ?? "";
  const wrong: [header: string, code: string][] = [
    ["", "field"],
    ["PrivateToken", "field"],
    [`Bearer token="${text}"`, "field"],
    [`PrivateToken token=${text}`, "field"],
    [`PrivateToken token="${text}`, "field"],
    [`PrivateToken key="${text}"`, "field"],
    [`PrivateToken token="${text}", token="${text}"`, "field"],
    [`PrivateToken token="${text}", extra="1"`, "field"],
    [`PrivateToken token="${text}="`, "base64"],
    [`PrivateToken token="${text.slice(1)}"`, "base64"],
    [`PrivateToken token="${text.slice(0, 9)}+${text.slice(10)}"`, "base64"],
    [`PrivateToken token="${text.slice(4)}"`, "token-type"],
    [`PrivateToken token="${text.slice(0, 468)}"`, "size"],
    [`PrivateToken token="${text}AAAA"`, "trailing"],
    [`PrivateToken token="${"A".repeat(5_000)}"`, "too-long"],
  ];
  for (const [header, code] of wrong) refused(code, () => readAuthorization(header), header);
  const challenge = challengeFor("issuer.example", "gateway.example");
  const header = writeChallengeHeader(challenge, first.bytes("pk_s"));
  assert.deepEqual(readChallengeHeader(header), { challenge, spki: first.bytes("pk_s") });
  refused("field", () => readChallengeHeader(header.split(", ")[0] ?? ""));
});

test("RFC 9180, base mode from a DH output", () => {
  const v = each("rfc9180-x25519-hkdfsha256-chacha20poly1305.json").find((found) => found.number("mode") === 0);
  assert.ok(v !== undefined);
  const dh = x25519.getSharedSecret(v.bytes("skEm"), v.bytes("pkRm"));
  const info = fromUtf8(v.bytes("info"));
  checkContext(v, [contextOfDh(dh, v.bytes("enc"), v.bytes("pkRm"), info), new Context(KEM_X25519, v.bytes("shared_secret"), info)]);
  refused("zero-dh", () => contextOfDh(new Uint8Array(32), v.bytes("enc"), v.bytes("pkRm"), info));
});

test("HPKE with X-Wing", () => {
  // the file's other suite has another key derivation
  const suite = each("xwing-hpke.json").filter((v) => v.number("kdf_id") === 1);
  assert.equal(suite.length, 1);
  for (const v of suite) {
    const [seed, info] = [v.bytes("skRm"), fromUtf8(v.bytes("info"))];
    v.is("pkRm", kemPublicKey(seed));
    checkContext(v, [new Context(KEM_XWING, v.bytes("shared_secret"), info)]);
    const message = v.nodes("encryptions")[0];
    assert.ok(message !== undefined);
    const wire = drawing(v.random("ikmE"), (random) => sealTo(kemPublicKey(seed), info, message.bytes("aad"), message.bytes("pt"), random));
    assert.deepEqual(wire, cat(v.bytes("enc"), message.bytes("ct")));
    message.is("pt", openWith(seed, info, message.bytes("aad"), wire));
  }
});

function checkContext(v: Node, contexts: Context[]): void {
  const message = v.nodes("encryptions")[0];
  assert.ok(message !== undefined);
  for (const context of contexts) {
    message.is("ct", context.seal(message.bytes("aad"), message.bytes("pt")));
    message.is("pt", context.open(message.bytes("aad"), message.bytes("ct")));
    for (const e of v.nodes("exports")) {
      // Context.export takes text; the other exporter contexts of the RFC are single bytes beyond ASCII
      const name = e.bytes("exporter_context");
      if (name.every((b) => b < 0x80)) e.is("exported_value", context.export(fromUtf8(name), e.number("L")));
    }
  }
}

test("a puzzle is solved, written and read", () => {
  const challenge = cat(Uint8Array.of(1, 3), new Uint8Array(7), Uint8Array.of(9), new Uint8Array(CHALLENGE_LEN - 10).fill(7));
  const puzzle = readOffer(utf8(`{"v":1,"challenge":"${Buffer.from(challenge).toString("hex")}","bits":3}`));
  assert.deepEqual([puzzle.difficulty, puzzle.expires], [3, 9n]);
  const counter = solve(puzzle, 0n, 500) ?? assert.fail("500 tries of a puzzle of 3 bits");
  assert.deepEqual(parseSolution(solutionText(puzzle, counter)), { puzzle, counter });
  assert.ok(solves(puzzle, counter));
  assert.equal(solve(puzzle, counter, 1), counter);
  refused("puzzle", () => parsePuzzle(challenge.map((b, i) => (i === 1 ? 25 : b))));
  refused("version", () => parsePuzzle(challenge.map((b, i) => (i === 0 ? 2 : b))));
  refused("size", () => parsePuzzle(challenge.slice(1)));
  refused("puzzle", () => readOffer(utf8(`{"v":1,"challenge":"${Buffer.from(challenge).toString("hex")}","bits":4}`)));
  refused("size", () => parseSolution(solutionText(puzzle, counter).slice(0, -4)));
});
