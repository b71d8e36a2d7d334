/**
 * Making a report: content and identity are sealed here, on the reporter's device, before anything is sent.
 * Source: docs/protocol.md, "Content", "Identity envelope", "Submission"; `src/client/report.rs`.
 */
import { equal, systemRandom, type Bytes } from "../crypto/codec.ts";
import { content, recordToPadded, type Content, type IdentityRecord } from "../crypto/content.ts";
import { keyId } from "../crypto/ed25519.ts";
import { Refused, need } from "../crypto/errors.ts";
import { sealEnvelope } from "../crypto/envelope/outer.ts";
import { contentUse, seal } from "../crypto/hpke/uses.ts";
import { contentHash, padContent } from "../crypto/padding.ts";
import { newSecret, receiptKeys, receiptText, reference } from "../crypto/receipt.ts";
import { body, verify, type Statement } from "../crypto/statement/statement.ts";
import { toBytes } from "../crypto/statement/value.ts";
import type { Body } from "../crypto/statement/verbs.ts";
import { commitmentOf, submission, submit, type Submission } from "../crypto/submission.ts";
import { writeAuthorization, type Token } from "../crypto/token/wire.ts";
import { identity, logOf, type Role } from "../crypto/trust/root.ts";
import { send } from "./http.ts";
import { fromBytes, reported } from "./schema.ts";
import type { Session } from "./session.ts";
import { checkChallenge } from "./tokens.ts";

/** What a reporter wrote. */
export interface Draft {
  readonly category: string;
  readonly text: string;
  readonly language: string;
  readonly location: Content["location"];
  readonly release: Content["release"];
  readonly identity?: IdentityRecord;
  /** The council that was shown before an identity was typed: it is sealed to that one or not at all. */
  readonly shown?: Bytes;
}

/** A sealed report. The body is kept, in memory, until it is accepted: a safe retry needs the same bytes. */
export interface Sealed {
  readonly receipt: string;
  readonly body: Bytes;
  readonly submission: Submission;
}

/** The bytes that a text would take inside the largest report, and how many there are. */
export const MAX_TEXT = 60_000;

/** Seals a report under the keys that the governance log says are current. Errors: `stale`, `not-active`, `too-long`, `context`. */
export function sealReport(session: Session, draft: Draft): Sealed {
  if (draft.identity) session.checkBinding();
  const [intake, warden, { council }] = [session.key("intake"), session.key("warden"), session.council()];
  // While somebody reads, another council may have begun to count.
  need(!draft.identity || (draft.shown !== undefined && equal(draft.shown, council.id)), "context");
  const secret = newSecret(systemRandom);
  const keys = receiptKeys(secret);
  const intakeKeyId = keyId(intake);
  const inside: Content = {
    v: 1,
    category: draft.category,
    text: draft.text,
    language: draft.language,
    location: draft.location,
    attributes: new Map(),
    release: draft.release,
    identity: draft.identity ? "sealed" : "none",
    mailbox_pk: keys.mailboxPk,
    attachments: [],
  };
  const sealed = seal(intake, contentUse(keys.caseId, intakeKeyId), padContent(toBytes(content, inside)), systemRandom);
  const params = {
    ...keys, y: council.y.toBytes(), lineage: council.lineage, wardenKey: warden, contentHash: contentHash(sealed),
  };
  const envelope = sealEnvelope(params, recordToPadded(draft.identity), systemRandom);
  const made = submit(keys, intakeKeyId, sealed, envelope.bytes, session.clock());
  return { receipt: receiptText(secret), body: toBytes(submission, made), submission: made };
}

export interface Accepted {
  readonly reference: string;
  readonly acceptance: Body<"acceptance">;
}

/** Sends a sealed report. Errors: HTTP, `context` (an acceptance of something else), `token-challenge`. */
export async function sendReport(session: Session, sealed: Sealed, token: Token): Promise<Accepted> {
  const headers = { "content-type": "application/json", authorization: writeAuthorization(token) };
  let answer;
  try {
    answer = await send(`${session.server}/v1/reports`, { method: "POST", headers, body: sealed.body });
  } catch (error) {
    checkChallenge(session, error);
    throw error;
  }
  const created = fromBytes(reported, answer.body);
  const acceptance = checkAcceptance(session, created.acceptance);
  const ours = commitmentOf(sealed.submission);
  const fits = equal(acceptance.case_id, ours.caseId) && equal(acceptance.a, ours.a) && equal(acceptance.b, ours.b) &&
    equal(acceptance.nf, ours.nf) && created.reference === reference(ours.caseId);
  need(fits, "context");
  return { reference: created.reference, acceptance };
}

/** Checks a statement by whoever was in a role at some time. Errors: those of statements. */
export function byRole(session: Session, role: string, statement: Statement): void {
  let first: unknown;
  for (const trust of session.state.everyTrust) {
    try {
      verify(statement, [identity(trust, role as Role)]);
      return;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      first ??= error;
    }
  }
  throw first;
}

/** Checks the gateway's signature and the log that an acceptance names. Errors: those of statements, `context`. */
export function checkAcceptance(session: Session, statement: Statement): Body<"acceptance"> {
  byRole(session, "gateway", statement);
  const found = body(statement, "acceptance");
  // A log that went on under another origin holds what was accepted under the one before.
  need(session.state.everyTrust.some((trust) => logOf(trust, "intake").origin === found.log_origin), "context");
  return found;
}
