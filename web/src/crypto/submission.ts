/**
 * What a submission commits to, later writes, and the tag that makes a retry of any of them safe.
 *
 *     POST /v1/reports   {v, case_id, access_hash, case_vk, intake_key_id, content, envelope, mailbox_pk, r, nf,
 *                         notice_key, statement: case.submit}
 *     body_hash          T("tabir/v1/submission"; case_id, content_hash, envelope_hash, mailbox_pk, a, b, nf, notice_hash)
 *     POST /v1/case/…    {v, intake_key_id, seq, payload, statement}     the first two absent for rating and erase
 *     body_hash          SHA-256(payload bytes)
 *     body_tag           HMAC-SHA256(key, method ‖ path ‖ type ‖ SHA-256(body)), each with its u32 length before it
 *     key                HKDF-SHA256(authenticator, no salt, info "tabir/v1/body", 32)
 *
 * Source: docs/protocol.md, "Submission", "Spent token row".
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as sha256Hash } from "@noble/hashes/sha2.js";

import { T, be, cat, equal, sha256, utf8, type Bytes } from "./codec.ts";
import { kemKey, rating } from "./content.ts";
import { verifyingKey } from "./ed25519.ts";
import { need, refuse } from "./errors.ts";
import { checkSealedMessage, contentHash } from "./padding.ts";
import { accept, acceptBody, caseId, noticeHash, type ReceiptKeys } from "./receipt.ts";
import { body, embedded, signed, verify as verifyStatement, type Statement } from "./statement/statement.ts";
import { base64url, bytes, fromBytes, h, maybe, n, object, v1, type Of } from "./statement/value.ts";
import type { Body, Verb } from "./statement/verbs.ts";

export const submission = object({
  v: v1,
  case_id: h,
  access_hash: h,
  case_vk: h,
  intake_key_id: h,
  content: bytes,
  envelope: bytes,
  mailbox_pk: kemKey,
  r: h,
  nf: h,
  notice_key: h,
  statement: embedded,
});
export type Submission = Of<typeof submission>;

/** What the statement of a submission commits to. */
export interface Commitment {
  readonly caseId: Bytes;
  readonly contentHash: Bytes;
  readonly envelopeHash: Bytes;
  readonly mailboxPk: Bytes;
  readonly a: Bytes;
  readonly b: Bytes;
  readonly nf: Bytes;
  readonly noticeHash: Bytes;
}

export function bodyHash(c: Commitment): Bytes {
  return T("tabir/v1/submission", [
    ["case_id", c.caseId],
    ["content_hash", c.contentHash],
    ["envelope_hash", c.envelopeHash],
    ["mailbox_pk", c.mailboxPk],
    ["a", c.a],
    ["b", c.b],
    ["nf", c.nf],
    ["notice_hash", c.noticeHash],
  ]);
}

/** Makes a submission of a sealed content and envelope. `at` in Unix seconds. Error: `size`. */
export function submit(keys: ReceiptKeys, intakeKeyId: Bytes, content: Bytes, envelope: Bytes, at: number): Submission {
  const [content_hash, envelope_hash] = [contentHash(content), sha256(envelope)];
  const commitment = {
    ...keys,
    contentHash: content_hash,
    envelopeHash: envelope_hash,
    b: acceptBody(keys.r, content_hash, envelope_hash),
  };
  const write = { v: 1 as const, at, case_id: keys.caseId, counter: 0, body_hash: bodyHash(commitment) };
  return {
    v: 1,
    case_id: keys.caseId,
    access_hash: keys.accessHash,
    case_vk: keys.caseVk,
    intake_key_id: intakeKeyId,
    content,
    envelope,
    mailbox_pk: keys.mailboxPk,
    r: keys.r,
    nf: keys.nf,
    notice_key: keys.noticeKey,
    statement: signed("case.submit", write, keys.caseSeed),
  };
}

/** What a submission commits to. Error: `size`, for a content of a length that no sealed content has. */
export function commitmentOf(s: Submission): Commitment {
  const [content_hash, envelope_hash] = [contentHash(s.content), sha256(s.envelope)];
  return {
    caseId: s.case_id,
    contentHash: content_hash,
    envelopeHash: envelope_hash,
    mailboxPk: s.mailbox_pk,
    a: accept(s.r, s.nf),
    b: acceptBody(s.r, content_hash, envelope_hash),
    nf: s.nf,
    noticeHash: noticeHash(s.notice_key),
  };
}

/** Checks all that can be checked without opening anything. Errors: `size`, `case-key`, `verb`, `context`, those of statements. */
export function verifySubmission(s: Submission): Commitment {
  const commitment = commitmentOf(s);
  verifyingKey(s.case_vk);
  need(equal(caseId(s.access_hash, s.case_vk), s.case_id), "case-key");
  const write = verifyWrite("case.submit", s.case_id, s.case_vk, s.statement, bodyHash(commitment));
  need(write.counter === 0, "context");
  return commitment;
}

export type WriteVerb = "case.message" | "case.rate" | "case.dispute" | "case.erase";

/** The body of a later write. */
export const caseWriteBody = object({ v: v1, intake_key_id: maybe(h), seq: maybe(n), payload: base64url, statement: embedded });
export type CaseWriteBody = Of<typeof caseWriteBody>;

/** Makes a later write; `to` is the intake key and number of what is sealed. */
export function laterWrite(
  verb: WriteVerb,
  keys: ReceiptKeys,
  counter: number,
  payload: Bytes,
  at: number,
  to?: { intake_key_id: Bytes; seq: number },
): CaseWriteBody {
  const write = { v: 1 as const, at, case_id: keys.caseId, counter, body_hash: sha256(payload) };
  return { v: 1, ...to, payload, statement: signed(verb, write, keys.caseSeed) };
}

/** Checks form and signature of a later write. Errors: `field`, `size`, `verb`, `context`, those of a rating and of statements. */
export function verifyLaterWrite(write: CaseWriteBody, verb: Verb, id: Bytes, caseVk: Bytes): Body<"case.submit"> {
  let sealed = false;
  if (verb === "case.message" || verb === "case.dispute") {
    checkSealedMessage(write.payload);
    sealed = true;
  } else if (verb === "case.rate") {
    fromBytes(rating, write.payload);
  } else if (verb === "case.erase") {
    need(write.payload.length === 0, "size");
  } else {
    refuse("verb");
  }
  need((write.intake_key_id !== undefined) === sealed && (write.seq !== undefined) === sealed, "field");
  return verifyWrite(verb, id, caseVk, write.statement, sha256(write.payload));
}

function verifyWrite(
  verb: "case.submit" | WriteVerb,
  id: Bytes,
  caseVk: Bytes,
  statement: Statement,
  hash: Bytes,
): Body<"case.submit"> {
  need(statement.verb === verb, "verb");
  verifyStatement(statement, [caseVk]);
  const write = body(statement, verb);
  need(equal(write.case_id, id) && equal(write.body_hash, hash), "context");
  return write;
}

/** Ties a spent token to one request. `path` is without query, `mediaType` without parameters. */
export function bodyTag(authenticator: Bytes, method: string, path: string, mediaType: string, request: Bytes): Bytes {
  const key = hkdf(sha256Hash, authenticator, undefined, utf8("tabir/v1/body"), 32);
  const parts = [utf8(method), utf8(path), utf8(mediaType), sha256(request)];
  return hmac(sha256Hash, key, cat(...parts.flatMap((part) => [be(part.length, 4), part])));
}
