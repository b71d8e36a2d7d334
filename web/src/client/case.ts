/**
 * Coming back with the receipt: reading the case, and every later write. Messages to the reporter are opened, the forwarder's
 * signature checked, and their chain followed: a changed one is an error, and what is missing is named. Source: `src/client/case.rs`.
 */
import { equal, hex, sha256, systemRandom, type Bytes } from "../crypto/codec.ts";
import { dispute, message, rating, sealedReply, type Message } from "../crypto/content.ts";
import { keyId } from "../crypto/ed25519.ts";
import { need } from "../crypto/errors.ts";
import { followupUse, mailboxUse, open, seal } from "../crypto/hpke/uses.ts";
import { padMessage, unpadMessage } from "../crypto/padding.ts";
import { parseReceipt, receiptKeys, type ReceiptKeys } from "../crypto/receipt.ts";
import { body } from "../crypto/statement/statement.ts";
import { fromBytes, toBytes } from "../crypto/statement/value.ts";
import type { Body } from "../crypto/statement/verbs.ts";
import { caseWriteBody, laterWrite, type WriteVerb } from "../crypto/submission.ts";
import { writeAuthorization, type Token } from "../crypto/token/wire.ts";
import { send } from "./http.ts";
import { byRole, checkAcceptance } from "./report.ts";
import { caseView, written, type CaseView } from "./schema.ts";
import type { Session } from "./session.ts";
import { checkChallenge } from "./tokens.ts";

/** A case as its reporter sees it, everything checked. */
export interface Case {
  readonly keys: ReceiptKeys;
  readonly view: CaseView;
  readonly acceptance: Body<"acceptance">;
  readonly messages: readonly Message[];
  /** Numbers, first and last, that are missing between them: lost with the gateway's disk, or held back. */
  readonly missing: readonly (readonly [number, number])[];
}

/** Error: those of a receipt, with the group where it is known. */
export const keysOf = (receipt: string): ReceiptKeys => receiptKeys(parseReceipt(receipt));

/** Reads a case. Errors: HTTP, `context` (an answer about another case, a message that is not the forwarder's, or does not follow the one before it). */
export async function readCase(session: Session, keys: ReceiptKeys): Promise<Case> {
  const headers = { authorization: `Tabir-Case ${hex(keys.access)}` };
  const view = fromBytes(caseView, (await send(`${session.server}/v1/case`, { headers })).body);
  const acceptance = checkAcceptance(session, view.acceptance);
  need(equal(acceptance.case_id, keys.caseId) && equal(acceptance.a, keys.a), "context");
  const messages: Message[] = [];
  const missing: [number, number][] = [];
  let last = 0;
  let previous: Bytes = new Uint8Array(32);
  for (const entry of view.messages) {
    const found = openMessage(session, keys, entry.seq, entry.sealed);
    // What stands before a gap says nothing about what stands behind it.
    if (entry.seq > last + 1) missing.push([last + 1, entry.seq - 1]);
    else need(entry.seq === last + 1 && equal(found.message.prev, previous), "context");
    last = entry.seq;
    previous = found.hash;
    messages.push(found.message);
  }
  return { keys, view, acceptance, messages, missing };
}

function openMessage(session: Session, keys: ReceiptKeys, seq: number, sealed: Bytes): { message: Message; hash: Bytes } {
  const padded = open(keys.mailboxSeed, mailboxUse(keys.caseId, seq), sealed);
  const reply = fromBytes(sealedReply, unpadMessage(padded));
  byRole(session, "forwarder", reply.statement);
  const said = body(reply.statement, "reply");
  const hash = sha256(reply.message);
  const found = fromBytes(message, reply.message);
  need(equal(said.case_id, keys.caseId) && said.seq === seq && equal(said.message_hash, hash) && found.seq === seq, "context");
  return { message: found, hash };
}

/** The newest question without an answer, if the gateway still takes one without a token. */
export function openQuestion(found: Case): Message | undefined {
  return found.view.questions > 0 ? [...found.messages].reverse().find((m) => m.kind === "question") : undefined;
}

/** A write of the reporter, ready to be sent; the same bytes may be sent again. */
export interface Write {
  readonly path: string;
  readonly body: Bytes;
}

type Sealing = { intake_key_id: Bytes; seq: number };

function write(session: Session, found: Case, verb: WriteVerb, path: string, payload: Bytes, to?: Sealing): Write {
  const made = laterWrite(verb, found.keys, found.view.counter + 1, payload, session.clock(), to);
  return { path, body: toBytes(caseWriteBody, made) };
}

function sealed(session: Session, found: Case, verb: WriteVerb, path: string, text: (seq: number) => Bytes): Write {
  const seq = found.view.seq + 1;
  const intake = session.key("intake");
  const intakeKeyId = keyId(intake);
  const payload = seal(intake, followupUse(found.keys.caseId, seq, intakeKeyId), padMessage(text(seq)), systemRandom);
  return write(session, found, verb, path, payload, { intake_key_id: intakeKeyId, seq });
}

/** A message, or with `re` the answer to a question. A device that only holds the receipt does not know its earlier ones. */
export function messageOf(session: Session, found: Case, text: string, re?: number): Write {
  return sealed(session, found, "case.message", "messages", (seq) =>
    toBytes(message, {
      v: 1, seq, prev: new Uint8Array(32), kind: re === undefined ? "note" : "answer", ...(re !== undefined && { re }), text,
    }));
}

export type DisputeCode = "not_done" | "wrong_place" | "false_proof" | "other";

export const disputeOf = (session: Session, found: Case, code: DisputeCode, text: string): Write =>
  sealed(session, found, "case.dispute", "dispute", (seq) => toBytes(dispute, { v: 1, seq, code, text }));

export const ratingOf = (session: Session, found: Case, stars: number): Write =>
  write(session, found, "case.rate", "rating", toBytes(rating, { v: 1, stars }));

/** Erases the case at the gateway; what the downstream has stays there. */
export const eraseOf = (session: Session, found: Case): Write =>
  write(session, found, "case.erase", "erase", new Uint8Array(0));

/** Sends a write. A message beyond the answers takes a token. */
export async function sendWrite(session: Session, { path, body }: Write, token?: Token): Promise<void> {
  const headers = { "content-type": "application/json", ...(token && { authorization: writeAuthorization(token) }) };
  try {
    const answer = await send(`${session.server}/v1/case/${path}`, { method: "POST", headers, body });
    fromBytes(written, answer.body);
  } catch (error) {
    checkChallenge(session, error);
    throw error;
  }
}
