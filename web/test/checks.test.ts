/** Checks that no file of vectors reaches. */
import { sealFile, openFile } from "../src/crypto/attachment.ts";
import { be, cat, utf8, type Bytes } from "../src/crypto/codec.ts";
import { sign } from "../src/crypto/ed25519.ts";
import { sealTo, kemPublicKey, openWith } from "../src/crypto/hpke/xwing.ts";
import { checkpointBytes, cosign, logVerifier, openCosigned, signCheckpoint, withLine, witnesses } from "../src/crypto/log/checkpoint.ts";
import { COSIGNATURE, ED25519, parseNote, verifierKey, verifierKeyText, verifyNote } from "../src/crypto/log/note.ts";
import { checkSealedMessage, contentHash, padContent, padMessage, padRecord, unpadMessage } from "../src/crypto/padding.ts";
import { publicKey } from "../src/crypto/ed25519.ts";
import { caseId, receiptKeys } from "../src/crypto/receipt.ts";
import { checkRecused, commitTo, openRequest, requestedEnvelope, sealRequest, type RequestText } from "../src/crypto/request.ts";
import { body, signed } from "../src/crypto/statement/statement.ts";
import { fromBytes } from "../src/crypto/statement/value.ts";
import { caseWriteBody, laterWrite, submit, verifyLaterWrite, verifySubmission } from "../src/crypto/submission.ts";
import { councilOf } from "../src/crypto/threshold/council.ts";
import { ceremonyUse, open, seal } from "../src/crypto/hpke/uses.ts";
import { VERBS } from "../src/crypto/statement/verbs.ts";
import { seeded } from "./interop/make.ts";
import { assert, load, refused, test } from "./support.ts";

const random = seeded("checks");
const keys = receiptKeys(random(16));
const T0 = 1_800_000_000;

test("a file's description must fit it", () => {
  const file = random(70_000);
  const [described, ct] = sealFile(file, keys.caseId, "image/jpeg", random);
  assert.deepEqual(openFile(described, keys.caseId, ct), file);
  const larger = { ...described, padded_length: 262_144 };
  refused("size", () => openFile(larger, keys.caseId, cat(ct, ct)));
  refused("aead", () => openFile({ ...described, sha256: random(32) }, keys.caseId, ct));
  refused("aead", () => openFile(described, random(32), ct));
});

test("lengths of what is padded and sealed", () => {
  refused("too-long", () => padContent(new Uint8Array(65_533)));
  refused("too-long", () => padMessage(new Uint8Array(16_381)));
  refused("too-long", () => padRecord(new Uint8Array(1_023)));
  refused("size", () => contentHash(random(5_231)));
  refused("size", () => checkSealedMessage(random(66_672)));
  refused("length", () => unpadMessage(new Uint8Array(4_096)));
  refused("size", () => sealTo(kemPublicKey(random(32)), "info", random(1), new Uint8Array(0), random));
  refused("size", () => openWith(random(32), "info", random(1), random(1_136)));
});

test("a sealed share opens nowhere else", () => {
  const [seed, id] = [random(32), random(32)];
  const sealed = seal(kemPublicKey(seed), ceremonyUse(id, 2, 1, 3), utf8("share"), random);
  assert.deepEqual(open(seed, ceremonyUse(id, 2, 1, 3), sealed), utf8("share"));
  const elsewhere = [ceremonyUse(random(32), 2, 1, 3), ceremonyUse(id, 5, 1, 3), ceremonyUse(id, 2, 2, 3), ceremonyUse(id, 2, 1, 2)];
  for (const place of elsewhere) refused("aead", () => open(seed, place, sealed));
});

test("later writes of another form, case or verb are refused", () => {
  const to = { intake_key_id: random(32), seq: 1 };
  const check = (write: ReturnType<typeof laterWrite>, verb: string, id = keys.caseId): void => {
    verifyLaterWrite(write, verb as "case.erase", id, keys.caseVk);
  };
  const message = laterWrite("case.message", keys, 1, random(5_232), T0, to);
  check(message, "case.message");
  refused("context", () => check(message, "case.message", random(32)));
  refused("verb", () => check(message, "case.dispute"));
  refused("verb", () => check(message, "case.submit"));
  refused("context", () => check({ ...message, payload: random(5_232) }, "case.message"));
  refused("size", () => check(laterWrite("case.message", keys, 1, random(5_000), T0, to), "case.message"));
  refused("field", () => check(laterWrite("case.message", keys, 1, random(5_232), T0), "case.message"));
  refused("field", () => check(laterWrite("case.erase", keys, 1, new Uint8Array(0), T0, to), "case.erase"));
  refused("size", () => check(laterWrite("case.erase", keys, 1, random(1), T0), "case.erase"));
  refused("field", () => check(laterWrite("case.rate", keys, 1, utf8('{"v":1,"stars":6}'), T0), "case.rate"));
  const stranger = { ...keys, caseSeed: random(32) };
  refused("unknown-key", () => check(laterWrite("case.erase", stranger, 1, new Uint8Array(0), T0), "case.erase"));
  refused("field", () => fromBytes(caseWriteBody, utf8('{"v":1,"payload":"00==","statement":{}}')));
});

test("a submission's statement has counter 0", () => {
  const sent = submit(keys, random(32), random(5_232), random(2_498), T0);
  const commitment = verifySubmission(sent);
  assert.deepEqual(commitment.caseId, keys.caseId);
  const write = body(sent.statement, "case.submit");
  refused("context", () => verifySubmission({ ...sent, statement: signed("case.submit", { ...write, counter: 1 }, keys.caseSeed) }));
  refused("verb", () => verifySubmission({ ...sent, statement: signed("case.message", write, keys.caseSeed) }));
  refused("verb", () => body(sent.statement, "case.erase"));
  const identity = cat(Uint8Array.of(1), new Uint8Array(31));
  refused("A-small-order", () => verifySubmission({ ...sent, case_vk: identity, case_id: caseId(keys.accessHash, identity) }));
});

test("who is left out, and which envelope is asked for", () => {
  const text: RequestText = {
    v: 1, case_id: keys.caseId, access_hash: keys.accessHash, content_hash: random(32), envelope_hash: random(32),
    notice_key: keys.noticeKey, nonce: random(32), words: "",
  };
  const recused = (...indices: number[]): RequestText => ({ ...text, recused: indices.map((index) => ({ index, code: "kin" })) });
  checkRecused(recused(2, 3), 1, 2, 4);
  refused("threshold", () => checkRecused(recused(2, 3), 1, 3, 4));
  for (const wrong of [recused(3, 2), recused(2, 2), recused(1), recused(0), recused(5)]) refused("index", () => checkRecused(wrong, 1, 2, 4));
  const outer = cat(Uint8Array.of(1, 1), random(2_496));
  refused("context", () => requestedEnvelope(text, outer.slice(34, 66), outer));
  const seed = random(32);
  const { commit, tag } = commitTo(text, random(32));
  const entry = {
    v: 1 as const, at: T0, request_id: random(16), council_id: random(32), requester: 1, legal_basis: "a", reason: "b",
    commit, tag, nonce: text.nonce,
  };
  refused("size", () => openRequest(entry, seed, sealRequest(random(31), commit, kemPublicKey(seed), random)));
  refused("context", () => openRequest(entry, seed, sealRequest(random(99), commit, kemPublicKey(seed), random)));
});

const vkey = (name: string, kind: typeof ED25519 | typeof COSIGNATURE, seed: Bytes): string =>
  verifierKeyText(verifierKey(name, kind, publicKey(seed)));

test("keys of logs and witnesses are not exchanged", () => {
  const [log, one, two] = [random(32), random(32), random(32)];
  const [first, second] = [vkey("w-1", COSIGNATURE, one), vkey("w-2", COSIGNATURE, two)];
  assert.equal(witnesses([first, second], 2).keys.length, 2);
  refused("duplicate", () => witnesses([first, vkey("other", COSIGNATURE, one)], 1));
  refused("note", () => witnesses([first, vkey("log", ED25519, log)], 1));
  for (const quorum of [0, 3]) refused("quorum", () => witnesses([first, second], quorum));
  refused("note", () => logVerifier("log", first));
  for (const origin of ["", "a\nb"]) refused("checkpoint", () => logVerifier(origin, vkey("log", ED25519, log)));
  const signedHead = signCheckpoint("log", { size: 1, root: random(32) }, "log", log);
  refused("note", () => verifyNote(signedHead.note, verifierKey("log", COSIGNATURE, publicKey(log))));
  refused("too-long", () => parseNote(cat(utf8("x".repeat(128 * 1024)), checkpointBytes(signedHead))));
  for (const name of ["", "a b", "a+b", "x".repeat(256)]) refused("note", () => verifierKey(name, ED25519, publicKey(log)));
});

test("a cosignature's time", () => {
  const [log, seed] = [random(32), random(32)];
  const verifier = logVerifier("log", vkey("log", ED25519, log));
  const by = witnesses([vkey("w", COSIGNATURE, seed)], 1);
  const signedHead = signCheckpoint("log", { size: 1, root: random(32) }, "log", log);
  const line = cosign(signedHead, "w", seed, T0);
  const opened = openCosigned(checkpointBytes(withLine(signedHead, line)), verifier, by);
  assert.equal(opened.witnessedTime, T0);
  const late = be(1n << 63n, 8);
  const signature = cat(late, sign(seed, utf8(`cosignature/v1\ntime ${1n << 63n}\n${signedHead.note.text}`)));
  refused("note", () => openCosigned(checkpointBytes(withLine(signedHead, { ...line, signature })), verifier, by));
  refused("size", () => openCosigned(checkpointBytes(withLine(signedHead, { ...line, signature: random(7) })), verifier, by));
  refused("signature", () => {
    const other = cat(be(T0 + 1, 8), line.signature.slice(8));
    return openCosigned(checkpointBytes(withLine(signedHead, { ...line, signature: other })), verifier, by);
  });
});

test("one key for sealed things on two chairs of a council", () => {
  const formed = fromBytes(VERBS["council.formed"], utf8(load("statements.json").nodes("valid").find((v) => v.text("verb") === "council.formed")?.text("payload") ?? ""));
  assert.equal(councilOf(formed).members.length, 3);
  const [first, second, third] = formed.members;
  assert.ok(first && second && third);
  refused("duplicate", () => councilOf({ ...formed, members: [first, { ...second, kem_pk: first.kem_pk }, third] }));
  refused("threshold", () => councilOf({ ...formed, t: 1 }));
  refused("index", () => councilOf({ ...formed, n: 4 }));
});
