/** `journey.json`: one report from its receipt to the opening of its identity, every byte made again. */
import { openFile, sealFile, attachment } from "../src/crypto/attachment.ts";
import { equal, sha256, type Bytes } from "../src/crypto/codec.ts";
import { content, dispute, message, rating, record, recordFromPadded, recordToPadded, sealedReply } from "../src/crypto/content.ts";
import { keyId } from "../src/crypto/ed25519.ts";
import { innerBytes, parseInner, verifyInner } from "../src/crypto/envelope/inner.ts";
import { labelOf, type CaseBinding } from "../src/crypto/envelope/label.ts";
import { openOuter, parseOuter, sealEnvelope } from "../src/crypto/envelope/outer.ts";
import { contentUse, followupUse, mailboxUse, open, seal } from "../src/crypto/hpke/uses.ts";
import { kemPublicKey } from "../src/crypto/hpke/xwing.ts";
import { write, type Json } from "../src/crypto/json.ts";
import { openKeyFile, sealKeyFile } from "../src/crypto/keyfile.ts";
import { contentHash, padContent, padMessage, unpadContent, unpadMessage } from "../src/crypto/padding.ts";
import { acceptBody, parseReceipt, receiptKeys, receiptText } from "../src/crypto/receipt.ts";
import { bodyTag, bodyHash, caseWriteBody, laterWrite, submission, submit, verifyLaterWrite, verifySubmission, type WriteVerb } from "../src/crypto/submission.ts";
import { body, parse, verify } from "../src/crypto/statement/statement.ts";
import { fromBytes, toBytes } from "../src/crypto/statement/value.ts";
import { blindToken, tokenKey, verifyToken } from "../src/crypto/token/blind.ts";
import { parseSolution, readOffer, solves } from "../src/crypto/token/puzzle.ts";
import { challengeFor, encodeChallenge, encodeRequest, encodeToken, readAuthorization, readChallengeHeader, writeAuthorization, writeChallengeHeader } from "../src/crypto/token/wire.ts";
import { opening } from "./journey/opening.ts";
import { assert, drawing, edited, flipped, load, refusesAll, test } from "./support.ts";

const file = load("journey.json");
const step = (name: string) => file.node(name);
const keys = receiptKeys(step("receipt").bytes("secret"));
const sealedContent = step("content").bytes("sealed");
const wardenSeed = step("envelope").bytes("warden_seed");
const outer = parseOuter(step("envelope").bytes("outer"));
const inner = parseInner(step("envelope").bytes("inner"));
const binding: CaseBinding = { ...keys, lineage: step("envelope").bytes("lineage"), contentHash: contentHash(sealedContent) };

test("receipt", () => {
  const v = step("receipt");
  v.is("text", receiptText(v.bytes("secret")));
  assert.deepEqual(parseReceipt(v.text("text").toUpperCase().replaceAll("-", "")), v.bytes("secret"));
  v.is("case_id", keys.caseId);
  v.is("case_vk", keys.caseVk);
  v.is("reference", keys.reference);
  v.is("access_hash", keys.accessHash);
  v.is("notice_hash", keys.noticeHash);
  v.is("a", keys.a);
});

test("content", () => {
  const v = step("content");
  const read = fromBytes(content, v.utf8("json"));
  assert.deepEqual(toBytes(content, read), v.utf8("json"));
  assert.deepEqual(read.mailbox_pk, keys.mailboxPk);
  const intake = v.bytes("intake_seed");
  const place = contentUse(keys.caseId, keyId(kemPublicKey(intake)));
  const again = drawing(v.random(), (random) => seal(kemPublicKey(intake), place, padContent(v.utf8("json")), random));
  assert.deepEqual(again, v.bytes("sealed"));
  assert.deepEqual(unpadContent(open(intake, place, v.bytes("sealed"))), v.utf8("json"));
  v.is("content_hash", contentHash(again));
});

test("identity envelope", () => {
  const v = step("envelope");
  const read = fromBytes(record, v.utf8("json"));
  v.is("record", recordToPadded(read));
  assert.deepEqual(recordFromPadded(v.bytes("record")), read);
  const p = { ...keys, ...binding, y: v.bytes("Y"), wardenKey: kemPublicKey(wardenSeed) };
  const sealed = drawing(v.random(), (random) => sealEnvelope(p, v.bytes("record"), random));
  v.is("outer", sealed.bytes);
  v.is("envelope_hash", sealed.hash);
  v.is("label", labelOf(binding, keyId(p.wardenKey)));
  const released = openOuter(outer, wardenSeed, binding);
  v.is("inner", innerBytes(released.inner.inner));
  v.is("inner_hash", released.inner.hash);
});

test("submission", () => {
  const v = step("submission");
  const intakeKeyId = keyId(kemPublicKey(step("content").bytes("intake_seed")));
  const made = submit(keys, intakeKeyId, sealedContent, outer.bytes, v.number("at"));
  assert.equal(Buffer.from(toBytes(submission, made)).toString(), v.text("body"));
  const commitment = verifySubmission(fromBytes(submission, v.utf8("body")));
  v.is("body_hash", bodyHash(commitment));
  v.is("a", commitment.a);
  v.is("b", commitment.b);
});

test("token", () => {
  const v = step("token");
  const challenge = challengeFor(v.text("issuer_name"), v.text("origin"));
  v.is("challenge", encodeChallenge(challenge));
  const key = tokenKey(v.bytes("token_key"));
  const pending = drawing(v.random(), (random) => blindToken(key, challenge, random));
  v.is("request", encodeRequest(pending.request));
  const token = pending.finalize(v.bytes("response"));
  v.is("token", encodeToken(token));
  v.is("authorization", writeAuthorization(token));
  assert.deepEqual(readAuthorization(v.text("authorization")), token);
  v.is("www_authenticate", writeChallengeHeader(challenge, key.spki));
  assert.deepEqual(readChallengeHeader(v.text("www_authenticate")), { challenge, spki: key.spki });
  verifyToken(token, challenge, key);
  v.is("body_tag", bodyTag(token.authenticator, "POST", "/v1/reports", "application/json", step("submission").utf8("body")));
});

test("puzzle", () => {
  const v = step("puzzle");
  const puzzle = readOffer(v.utf8("offer"));
  v.is("challenge", puzzle.bytes);
  assert.equal(puzzle.expires, BigInt(v.number("expires")));
  const solution = parseSolution(v.text("solution"));
  assert.deepEqual(solution.puzzle, puzzle);
  assert.ok(solves(puzzle, solution.counter));
  for (let counter = 0n; counter < solution.counter; counter++) assert.ok(!solves(puzzle, counter));
});

test("acceptance and windows", () => {
  const v = step("acceptance");
  const b = acceptBody(keys.r, contentHash(sealedContent), sha256(outer.bytes));
  const [gateway, forwarder] = [v.bytes("gateway_vk"), v.bytes("forwarder_vk")];
  verify(parse(v.utf8("statement")), [gateway]);
  const accepted = body(parse(v.utf8("statement")), "acceptance");
  assert.equal(accepted.log_origin, v.text("log_origin"));
  const expected = [keys.caseId, keys.a, b, keys.nf];
  assert.deepEqual([accepted.case_id, accepted.a, accepted.b, accepted.nf], expected);
  verify(parse(v.utf8("accepted")), [gateway]);
  const window = body(parse(v.utf8("accepted")), "report.accepted");
  assert.deepEqual([window.w, window.deadline], [accepted.w, accepted.D]);
  assert.ok(window.pairs.some(([a, found]) => equal(a, keys.a) && equal(found, b)));
  verify(parse(v.utf8("forwarded")), [forwarder]);
  const forwarded = body(parse(v.utf8("forwarded")), "report.forwarded");
  assert.ok(forwarded.nf.some((nf) => equal(nf, keys.nf)));
});

test("a reply to the reporter", () => {
  const v = step("later").node("reply");
  const place = mailboxUse(keys.caseId, v.number("seq"));
  const again = drawing(v.random(), (random) => seal(keys.mailboxPk, place, padMessage(v.utf8("json")), random));
  assert.deepEqual(again, v.bytes("sealed"));
  const reply = fromBytes(sealedReply, unpadMessage(open(keys.mailboxSeed, place, v.bytes("sealed"))));
  assert.deepEqual(reply.message, v.utf8("message"));
  verify(reply.statement, [step("acceptance").bytes("forwarder_vk")]);
  const signed = body(reply.statement, "reply");
  assert.deepEqual([signed.case_id, signed.message_hash], [keys.caseId, sha256(v.utf8("message"))]);
  assert.deepEqual(toBytes(message, fromBytes(message, reply.message)), reply.message);
});

test("later writes", () => {
  const intake = step("content").bytes("intake_seed");
  const intakeKeyId = keyId(kemPublicKey(intake));
  const formats = { "case.message": message, "case.dispute": dispute, "case.rate": rating };
  const writes = step("later").nodes("writes");
  assert.equal(writes.length, 4);
  for (const v of writes) {
    const [verb, counter] = [v.text("verb") as WriteVerb, v.number("counter")];
    const read = fromBytes(caseWriteBody, v.utf8("body"));
    assert.equal(verifyLaterWrite(read, verb, keys.caseId, keys.caseVk).counter, counter);
    if (verb !== "case.erase") {
      const format = formats[verb] as typeof message;
      assert.deepEqual(toBytes(format, fromBytes(format, v.utf8("json"))), v.utf8("json"));
    }
    let [payload, to]: [Bytes, { intake_key_id: Bytes; seq: number } | undefined] = [v.utf8("json"), undefined];
    if (read.seq !== undefined) {
      const place = followupUse(keys.caseId, read.seq, intakeKeyId);
      payload = drawing(v.random(), (random) => seal(kemPublicKey(intake), place, padMessage(v.utf8("json")), random));
      assert.deepEqual(unpadMessage(open(intake, place, payload)), v.utf8("json"));
      to = { intake_key_id: intakeKeyId, seq: read.seq };
    }
    const at = step("submission").number("at");
    const made = laterWrite(verb, keys, counter, payload, at, to);
    assert.equal(Buffer.from(toBytes(caseWriteBody, made)).toString(), v.text("body"));
  }
});

test("a file beside the report", () => {
  const v = step("attachment");
  const bytes = Uint8Array.from({ length: v.number("length") }, (_, i) => i % 251);
  const [described, ct] = drawing(v.random(), (random) => sealFile(bytes, keys.caseId, "image/jpeg", random));
  assert.deepEqual(toBytes(attachment, described), v.utf8("json"));
  v.is("ct_hash", sha256(ct));
  assert.deepEqual(openFile(fromBytes(attachment, v.utf8("json")), keys.caseId, ct), bytes);
});

test("an official's share at rest", () => {
  const v = step("key_file");
  const [passphrase, bound] = [v.utf8("passphrase"), v.bytes("bound_to")];
  const cost = { memoryKib: v.number("memory_kib"), iterations: v.number("iterations"), lanes: v.number("lanes") };
  v.is("file", drawing(v.random(), (random) => sealKeyFile(passphrase, v.bytes("secret"), bound, cost, random)));
  v.is("secret", openKeyFile(passphrase, v.bytes("file"), bound));
  refusesAll(v.nodes("reject"), {
    key_file: (i) => openKeyFile(i.has("passphrase") ? i.utf8("passphrase") : passphrase, i.bytes("file"), bound),
  });
});

test("request, approvals, release, partials, opened", () => {
  const decoders = opening(file, keys, binding, wardenSeed, outer);
  const label = step("envelope").bytes("label");
  const submitted = JSON.parse(step("submission").text("body")) as Json;
  refusesAll(file.nodes("reject"), {
    ...decoders,
    outer: (i) => openOuter(parseOuter(flipped(outer.bytes, i.number("offset"))), wardenSeed, binding),
    inner: (i) => verifyInner(parseInner(flipped(innerBytes(inner), i.number("offset"))), label),
    submission: (i) => verifySubmission(fromBytes(submission, write(edited(submitted, i.text("path"), i.get("put"))))),
  });
});
