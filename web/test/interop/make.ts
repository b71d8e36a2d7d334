/** Makes cases for the other implementation to open, each with new keys, texts and sizes of the council. */
import { be, cat, sha256, utf8, type Bytes, type Random } from "../../src/crypto/codec.ts";
import { content, message, record, recordToPadded, sealedReply } from "../../src/crypto/content.ts";
import { keyId, publicKey } from "../../src/crypto/ed25519.ts";
import { openOuter, parseOuter, sealEnvelope } from "../../src/crypto/envelope/outer.ts";
import { contentUse, mailboxUse, seal } from "../../src/crypto/hpke/uses.ts";
import { kemPublicKey } from "../../src/crypto/hpke/xwing.ts";
import { checkpointBytes, cosign, signCheckpoint, withLine } from "../../src/crypto/log/checkpoint.ts";
import { COSIGNATURE, ED25519, verifierKey, verifierKeyText } from "../../src/crypto/log/note.ts";
import { B, Fn, times } from "../../src/crypto/point.ts";
import { contentHash, padContent, padMessage } from "../../src/crypto/padding.ts";
import { newSecret, receiptKeys, receiptText } from "../../src/crypto/receipt.ts";
import { commitTo, sealRequest } from "../../src/crypto/request.ts";
import { submission, submit } from "../../src/crypto/submission.ts";
import { signed } from "../../src/crypto/statement/statement.ts";
import { toBytes } from "../../src/crypto/statement/value.ts";
import { VERBS, type Body } from "../../src/crypto/statement/verbs.ts";
import { councilOf, lineageOf, shareBytes, type Share } from "../../src/crypto/threshold/council.ts";
import { makePartial, openRecord, combine, recipientsHash } from "../../src/crypto/threshold/opening.ts";

const HOUR = 1_800_000_000 - (1_800_000_000 % 3_600);

/** Randomness from a seed that is told, so that a failure can be made again: SHA-256 in counter mode. */
export function seeded(seed: string): Random {
  let block = 0;
  let left = new Uint8Array(0) as Bytes;
  return (n) => {
    while (left.length < n) left = cat(left, sha256(utf8(`${seed} ${block++}`)));
    const out = left.slice(0, n);
    left = left.slice(n);
    return out;
  };
}

/** A number from 0 to below `n`, nearly even. */
export const below = (random: Random, n: number): number => {
  const [a, b, c] = random(3);
  return (((a ?? 0) << 16) | ((b ?? 0) << 8) | (c ?? 0)) % n;
};

const LETTERS = [..."abc ÄßЖ中🙂\u0000\u001f\"\\/\u2028\u007f\n'<>&{}[]:,0"];
const words = (random: Random, most: number): string =>
  Array.from({ length: below(random, most) }, () => LETTERS[below(random, LETTERS.length)]).join("");

const scalar = (random: Random): bigint => Fn.create(BigInt("0x" + Buffer.from(random(48)).toString("hex")));

/** A council of random size whose key was dealt by one hand: enough for everything but a ceremony. */
function council(random: Random): { body: Body<"council.formed">; shares: Share[] } {
  const t = 2 + below(random, 3);
  const n = t + below(random, 4);
  const polynomial = Array.from({ length: t }, () => scalar(random));
  const at = (i: number): bigint => polynomial.reduceRight((sum, a) => Fn.add(Fn.mul(sum, BigInt(i)), a), 0n);
  const y = times(B, at(0)).toBytes();
  const ceremony_id = random(32);
  const indices = Array.from({ length: n }, (_, i) => i + 1);
  const members = indices.map((index) => ({
    index,
    Yi: times(B, at(index)).toBytes(),
    ed_vk: publicKey(random(32)),
    kem_pk: kemPublicKey(random(32)),
  }));
  const lineage = lineageOf(y, ceremony_id);
  const head = { v: 1 as const, at: HOUR, ceremony_id, lineage, epoch: 1, t, n, Y: y };
  return { body: { ...head, members, transcript: random(32) }, shares: indices.map((index) => ({ index, s: at(index) })) };
}

/** `from` in a random order, so many of them. */
function some<T>(random: Random, from: readonly T[], count: number): T[] {
  const left = [...from];
  return Array.from({ length: count }, () => left.splice(below(random, left.length), 1)[0] as T);
}

/** One case, as JSON that the other side reads. */
export function makeCase(random: Random): Record<string, unknown> {
  const text = (bytes: Bytes): string => Buffer.from(bytes).toString();
  const hexOf = (bytes: Bytes): string => Buffer.from(bytes).toString("hex");
  const { body, shares } = council(random);
  const made = councilOf(body);
  const [wardenSeed, intakeSeed, secret] = [random(32), random(32), newSecret(random)];
  const [wardenKey, intakeKey, keys] = [kemPublicKey(wardenSeed), kemPublicKey(intakeSeed), receiptKeys(secret)];
  const intakeKeyId = keyId(intakeKey);

  const contentJson = toBytes(content, {
    v: 1,
    category: "road",
    text: words(random, 2_000),
    language: "id",
    location: { precision: "point", lat: "-6.1754", lon: "106.8272", text: words(random, 20) },
    attributes: new Map([["b", "2"], ["a", "1" + words(random, 9)]]),
    release: "urgent",
    identity: "sealed",
    mailbox_pk: keys.mailboxPk,
    attachments: [],
  });
  const sealedContent = seal(intakeKey, contentUse(keys.caseId, intakeKeyId), padContent(contentJson), random);
  const identity = { v: 1 as const, name: words(random, 60), contact: [{ kind: "email" as const, value: words(random, 30) }] };
  const p = { ...keys, y: body.Y, lineage: made.lineage, wardenKey, contentHash: contentHash(sealedContent) };
  const envelope = sealEnvelope(p, recordToPadded(identity), random);

  const asked = {
    v: 1 as const,
    case_id: keys.caseId,
    access_hash: keys.accessHash,
    content_hash: p.contentHash,
    envelope_hash: envelope.hash,
    notice_key: keys.noticeKey,
    nonce: random(32),
    words: words(random, 100),
  };
  const { plaintext, commit, tag } = commitTo(asked, random(32));
  const entry: Body<"unseal.requested"> = {
    v: 1, at: HOUR, request_id: random(16), council_id: made.id, requester: 1, legal_basis: "court", reason: "danger",
    commit, tag, nonce: asked.nonce,
  };

  const released = openOuter(parseOuter(envelope.bytes), wardenSeed, { ...p, caseId: keys.caseId });
  const salt = random(32);
  const recipients = Array.from({ length: made.t }, () => kemPublicKey(random(32)));
  const context = {
    council: made,
    caseId: keys.caseId,
    envelopeHash: envelope.hash,
    inner: released.inner,
    requestHash: random(32),
    checkpointHash: random(32),
    recipients: recipientsHash(recipients),
  };
  const partials = some(random, shares, made.t).map((share) => makePartial(context, share, random));
  const opened = openRecord(made, released.inner, combine(context, partials));

  const forwarderSeed = random(32);
  const reply = toBytes(message, { v: 1, seq: 1, prev: new Uint8Array(32), kind: "note", text: words(random, 300) });
  const replyStatement = signed("reply", { v: 1, at: HOUR, case_id: keys.caseId, seq: 1, message_hash: sha256(reply) }, forwarderSeed);
  const sealedJson = toBytes(sealedReply, { v: 1, message: reply, statement: replyStatement });

  return {
    case_id: hexOf(keys.caseId),
    receipt: hexOf(secret),
    receipt_text: receiptText(secret),
    formed: text(toBytes(VERBS["council.formed"], body)),
    shares: shares.map((s) => hexOf(shareBytes(s))),
    warden_seed: hexOf(wardenSeed),
    intake_seed: hexOf(intakeSeed),
    content_json: text(contentJson),
    content: hexOf(sealedContent),
    record_json: text(toBytes(record, identity)),
    envelope: hexOf(envelope.bytes),
    envelope_hash: hexOf(envelope.hash),
    submission: text(toBytes(submission, submit(keys, intakeKeyId, sealedContent, envelope.bytes, HOUR))),
    request_entry: text(toBytes(VERBS["unseal.requested"], entry)),
    request_sealed: hexOf(sealRequest(plaintext, commit, wardenKey, random)),
    request_hash: hexOf(context.requestHash),
    checkpoint_hash: hexOf(context.checkpointHash),
    recipients: recipients.map(hexOf),
    salt: hexOf(salt),
    handout: hexOf(released.handout(salt)),
    partials: partials.map(hexOf),
    opened_salt: hexOf(opened.salt),
    forwarder_vk: hexOf(publicKey(forwarderSeed)),
    reply_message: text(reply),
    reply_sealed: hexOf(seal(keys.mailboxPk, mailboxUse(keys.caseId, 1), padMessage(sealedJson), random)),
    ...checkpoint(random),
  };
}

/** A checkpoint with two of three cosignatures. */
function checkpoint(random: Random): Record<string, unknown> {
  const [origin, logSeed] = ["interop.test/log", random(32)];
  const seeds = [random(32), random(32), random(32)];
  const head = { size: 1 + below(random, 1_000_000), root: random(32) };
  let signedHead = signCheckpoint(origin, head, origin, logSeed);
  for (const i of some(random, [0, 1, 2], 2)) {
    signedHead = withLine(signedHead, cosign(signedHead, `witness-${i}`, seeds[i] ?? be(0, 32), HOUR + i));
  }
  const vkey = (name: string, kind: typeof ED25519 | typeof COSIGNATURE, seed: Bytes): string =>
    verifierKeyText(verifierKey(name, kind, publicKey(seed)));
  return {
    log_origin: origin,
    log_vkey: vkey(origin, ED25519, logSeed),
    witnesses: seeds.map((seed, i) => vkey(`witness-${i}`, COSIGNATURE, seed)),
    quorum: 2,
    note: Buffer.from(checkpointBytes(signedHead)).toString(),
  };
}

