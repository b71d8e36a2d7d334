/**
 * The page's worker: everything that takes long or knows a secret. It holds the session, the token, the sealed report and the keys
 * of an opened case, in memory, until the page is gone. Nothing is stored.
 */
import { utf8, unhex, hex } from "../crypto/codec.ts";
import { Refused } from "../crypto/errors.ts";
import { parseVerifierKey } from "../crypto/log/note.ts";
import { councilFingerprint } from "../crypto/threshold/council.ts";
import type { Token } from "../crypto/token/wire.ts";
import { disputeOf, eraseOf, keysOf, messageOf, openQuestion, ratingOf, readCase, sendWrite, type Case, type Write } from "../client/case.ts";
import { Problem, Unreachable } from "../client/http.ts";
import { findOpenings } from "../client/openings.ts";
import { sealReport, sendReport, type Draft, type Sealed } from "../client/report.ts";
import { Session } from "../client/session.ts";
import { fetchToken, type Payment } from "../client/tokens.ts";
import type { Ask, CaseData, Calls, Consent, DraftData, Failure, Progress, Ready, Reply, Sent, WriteData } from "./protocol.ts";

const post = (reply: Reply): void => postMessage(reply);
const progress = (what: Progress): void => post({ progress: what });

let session: Session | undefined;
let pay: Payment = "puzzle";
let token: Promise<Token> | undefined;
let draft: DraftData | undefined;
let sealed: Sealed | undefined;
let found: Case | undefined;
/** A write whose answer was lost: sent again as it was. */
let unanswered: { what: string; write: Write } | undefined;

const opened = (): Session => session ?? fail("defect", "no-session");

function fail(kind: Failure["kind"], code: string): never {
  throw Object.assign(new Error(code), { kind });
}

async function start({ installation, address }: { installation: string; address: string }): Promise<Ready> {
  session = await Session.open(utf8(installation), address);
  return ready(session);
}

function ready(s: Session): Ready {
  const { root } = s.trust;
  const policy = s.state.policy;
  return {
    name: root.name,
    demo: root.demo,
    categories: policy?.categories ?? [],
    consent: consentOf(s),
    clockBehind: s.clockBehind,
    witnessed: s.witnessed,
    codes: policy ? { ...policy.codes } : {},
  };
}

function consentOf(s: Session): Consent | undefined {
  try {
    s.checkBinding();
    const { council } = s.council();
    const { root } = s.trust;
    return {
      councilId: hex(council.id),
      fingerprint: councilFingerprint(council),
      t: council.t,
      n: council.members.length,
      coolingOff: root.cooling_off_s,
      deferralMax: root.deferral_max_s,
      kept: s.state.policy?.envelope_retention_s,
      witnesses: root.witnesses.map((vkey) => parseVerifierKey(vkey).name),
      bases: s.state.policy?.codes.legal_basis ?? [],
    };
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/** One token, fetched ahead or now; a failed attempt is forgotten, so that the next one tries anew. */
function getToken(): Promise<Token> {
  token ??= fetchToken(opened(), pay, (done, of) => progress({ phase: "puzzle", done: Math.min(0.99, 1 - Math.exp(-done / of)) }));
  token.catch(() => (token = undefined));
  return token;
}

async function prepare({ voucher }: { voucher: string | undefined }): Promise<void> {
  const wanted: Payment = voucher === undefined ? "puzzle" : { voucher };
  if (voucher !== undefined) token = undefined;
  pay = wanted;
  await getToken();
}

const isOf = (error: unknown, ...codes: string[]): boolean => error instanceof Problem && codes.includes(error.code);
const TOKEN_REFUSED = ["token-spent", "token-key", "token-invalid", "token-challenge", "token-missing"];
const KEYS_CHANGED = ["intake-key", "warden-key", "council", "reference-taken"];

async function submit(data: DraftData): Promise<Sent> {
  draft = data;
  sealed = undefined;
  return deliver();
}

/** From wherever it stopped: a report that is sealed stays the same bytes, so that nothing is ever sent twice in effect. */
async function deliver(): Promise<Sent> {
  const s = opened();
  for (let tries = 0; ; tries++) {
    progress({ phase: "puzzle" });
    const paid = await getToken();
    progress({ phase: "token" });
    progress({ phase: "seal" });
    sealed ??= sealReport(s, draftOf(draft ?? fail("defect", "no-draft")));
    progress({ phase: "send" });
    try {
      const { reference, acceptance } = await sendReport(s, sealed, paid);
      const sent = { receipt: sealed.receipt, reference, deadline: acceptance.D };
      token = draft = sealed = undefined;
      return sent;
    } catch (error) {
      const [refused, changed] = [isOf(error, ...TOKEN_REFUSED), isOf(error, ...KEYS_CHANGED)];
      if (tries > 1 || !(refused || changed)) throw error;
      if (refused) token = undefined;
      await s.refresh();
      // Sealed to a key that no longer counts: nobody has it, so it is sealed anew, with another receipt.
      if (changed) sealed = undefined;
    }
  }
}

function draftOf(data: DraftData): Draft {
  const place = data.place.trim();
  const given = data.identity;
  const contact = [
    ...(given?.phone.trim() ? [{ kind: "phone" as const, value: given.phone.trim() }] : []),
    ...(given?.email.trim() ? [{ kind: "email" as const, value: given.email.trim() }] : []),
  ];
  const identity = given && {
    v: 1 as const,
    ...(given.name.trim() && { name: given.name.trim() }),
    ...(contact.length > 0 && { contact }),
    ...(given.note.trim() && { note: given.note.trim() }),
  };
  return {
    category: data.category,
    text: data.text.trimEnd(),
    language: data.language,
    location: place === "" ? { precision: "none", text: "" } : { precision: "ward", text: place },
    release: data.release,
    ...(identity && { identity }),
    ...(data.councilId !== undefined && { shown: unhex(data.councilId) }),
  };
}

async function open({ text }: { text: string }): Promise<CaseData> {
  const keys = keysOf(text);
  const s = opened();
  // Who comes back wants to know what happened since, also in the log.
  const [, read] = await Promise.all([s.refresh(), readCase(s, keys)]);
  found = read;
  unanswered = undefined;
  return caseData(s, read);
}

function caseData(s: Session, c: Case): CaseData {
  const { view } = c;
  return {
    reference: view.reference,
    status: view.status.map((e) => ({ status: e.status, at: e.at, due: e.due, eta: e.eta })),
    sent: view.sent,
    messages: c.messages.map(({ seq, kind, text }) => ({ seq, kind, text })),
    question: openQuestion(c)?.seq,
    rated: view.rated,
    disputed: view.disputed,
    erased: view.erased,
    deadline: c.acceptance.D,
    openings: findOpenings(s, c.keys.noticeKey),
    logSize: s.state.size,
    witnessed: s.witnessed,
  };
}

async function write(what: WriteData): Promise<CaseData> {
  const s = opened();
  const c = found ?? fail("defect", "no-case");
  const name = JSON.stringify(what);
  if (unanswered?.what !== name) unanswered = { what: name, write: make(s, c, what) };
  const { write: made } = unanswered;
  try {
    await sendWrite(s, made, what.kind === "message" ? await getToken() : undefined);
  } catch (error) {
    // An answer that says no: the next try is made anew. Without an answer, it stays the same bytes.
    if (error instanceof Problem && error.status < 500 && error.status !== 429) unanswered = undefined;
    if (isOf(error, ...TOKEN_REFUSED)) token = undefined;
    if (isOf(error, "counter", "seq", "intake-key")) {
      await s.refresh();
      found = await readCase(s, c.keys);
    }
    throw error;
  }
  if (what.kind === "message") token = undefined;
  unanswered = undefined;
  found = await readCase(s, c.keys);
  return caseData(s, found);
}

function make(s: Session, c: Case, what: WriteData): Write {
  switch (what.kind) {
    case "answer":
      return messageOf(s, c, what.text, what.re);
    case "message":
      return messageOf(s, c, what.text);
    case "rating":
      return ratingOf(s, c, what.stars);
    case "dispute":
      return disputeOf(s, c, what.code, what.text);
    case "erase":
      return eraseOf(s, c);
  }
}

function failure(error: unknown): Failure {
  if (error instanceof Refused) return { kind: "refused", code: error.code, ...(error.at !== undefined && { at: error.at }) };
  if (error instanceof Problem) return { kind: "problem", code: error.code, status: error.status };
  if (error instanceof Unreachable) return { kind: "unreachable", code: "unreachable" };
  return { kind: "defect", code: error instanceof Error ? error.name : "unknown" };
}

type Handlers = { [K in keyof Calls]: (input: never) => Promise<ReturnType<Calls[K]>> };
const handlers: Handlers = { start, prepare, submit, again: deliver, open, write };

addEventListener("message", ({ data }: MessageEvent<Ask>) => {
  const work = (handlers[data.call] as (input: unknown) => Promise<unknown>)(data.input);
  work.then(
    (value) => post({ id: data.id, ok: true, value }),
    (error: unknown) => post({ id: data.id, ok: false, failure: failure(error) }),
  );
});
