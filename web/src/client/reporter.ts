/**
 * A reporter's device, from the first look to the last: it holds the session, the token, the sealed report and the keys of an opened
 * case, in memory. Used by the page's worker, and by whoever builds Tabir into an app (`web/sdk`).
 */
import { hex, unhex, utf8 } from "../crypto/codec.ts";
import { Refused } from "../crypto/errors.ts";
import { parseVerifierKey } from "../crypto/log/note.ts";
import { councilFingerprint } from "../crypto/threshold/council.ts";
import type { Token } from "../crypto/token/wire.ts";
import { disputeOf, eraseOf, keysOf, messageOf, openQuestion, ratingOf, readCase, sendWrite, type Case, type Write } from "./case.ts";
import { Problem } from "./http.ts";
import { findOpenings } from "./openings.ts";
import { sealReport, sendReport, type Draft, type Sealed } from "./report.ts";
import { Session } from "./session.ts";
import { fetchToken, type Payment } from "./tokens.ts";
import type { CaseData, Consent, DraftData, Progress, Ready, Sent, WriteData } from "./types.ts";

const isOf = (error: unknown, ...codes: string[]): boolean => error instanceof Problem && codes.includes(error.code);
const TOKEN_REFUSED = ["token-spent", "token-key", "token-invalid", "token-challenge", "token-missing"];
const KEYS_CHANGED = ["intake-key", "warden-key", "council", "reference-taken"];

/** Asked for before what it needs was done: a defect of the caller. */
function missing(what: string): never {
  throw new Error(what);
}

export class Reporter {
  private session: Session | undefined;
  private pay: Payment = "puzzle";
  private token: Promise<Token> | undefined;
  private draft: DraftData | undefined;
  private sealed: Sealed | undefined;
  private found: Case | undefined;
  /** A write whose answer was lost: sent again as it was. */
  private unanswered: { what: string; write: Write } | undefined;

  constructor(private readonly progress: (what: Progress) => void = () => {}) {}

  private get opened(): Session {
    return this.session ?? missing("no session");
  }

  /** Reads the installation and checks it. `installation`: what `tabir page build` puts into a page; `address`: the gateway's, where that names none. */
  async start({ installation, address }: { installation: string; address: string }): Promise<Ready> {
    this.session = await Session.open(utf8(installation), address);
    return ready(this.session);
  }

  /** One token, fetched ahead or now; a failed attempt is forgotten, so that the next one tries anew. */
  private getToken(): Promise<Token> {
    const tried = (done: number, of: number): void => this.progress({ phase: "puzzle", done: Math.min(0.99, 1 - Math.exp(-done / of)) });
    this.token ??= fetchToken(this.opened, this.pay, tried);
    this.token.catch(() => (this.token = undefined));
    return this.token;
  }

  /** Gets a token while the person writes, for a puzzle or a voucher. */
  async prepare({ voucher }: { voucher: string | undefined }): Promise<void> {
    if (voucher !== undefined) this.token = undefined;
    this.pay = voucher === undefined ? "puzzle" : { voucher };
    await this.getToken();
  }

  /** Seals and sends. */
  async submit(data: DraftData): Promise<Sent> {
    this.draft = data;
    this.sealed = undefined;
    return this.again();
  }

  /** Goes on from wherever it stopped: a report that is sealed stays the same bytes, so that nothing is ever sent twice in effect. */
  async again(): Promise<Sent> {
    const session = this.opened;
    for (let tries = 0; ; tries++) {
      this.progress({ phase: "puzzle" });
      const paid = await this.getToken();
      this.progress({ phase: "token" });
      this.progress({ phase: "seal" });
      this.sealed ??= sealReport(session, draftOf(this.draft ?? missing("no draft")));
      this.progress({ phase: "send" });
      try {
        const { reference, acceptance } = await sendReport(session, this.sealed, paid);
        const sent = { receipt: this.sealed.receipt, reference, deadline: acceptance.D };
        this.token = this.draft = this.sealed = undefined;
        return sent;
      } catch (error) {
        const [refused, changed] = [isOf(error, ...TOKEN_REFUSED), isOf(error, ...KEYS_CHANGED)];
        if (tries > 1 || !(refused || changed)) throw error;
        if (refused) this.token = undefined;
        await session.refresh();
        // Sealed to a key that no longer counts: nobody has it, so it is sealed anew, with another receipt.
        if (changed) this.sealed = undefined;
      }
    }
  }

  /** Comes back with a receipt, as it was typed. */
  async open({ text }: { text: string }): Promise<CaseData> {
    const keys = keysOf(text);
    const session = this.opened;
    // Who comes back wants to know what happened since, also in the log.
    const [, read] = await Promise.all([session.refresh(), readCase(session, keys)]);
    this.found = read;
    this.unanswered = undefined;
    return caseData(session, read);
  }

  /** Answers, adds, rates, disputes or erases; the case as it is then. */
  async write(what: WriteData): Promise<CaseData> {
    const session = this.opened;
    const found = this.found ?? missing("no case");
    const name = JSON.stringify(what);
    if (this.unanswered?.what !== name) this.unanswered = { what: name, write: make(session, found, what) };
    try {
      await sendWrite(session, this.unanswered.write, what.kind === "message" ? await this.getToken() : undefined);
    } catch (error) {
      // An answer that says no: the next try is made anew. Without an answer, it stays the same bytes.
      if (error instanceof Problem && error.status < 500 && error.status !== 429) this.unanswered = undefined;
      if (isOf(error, ...TOKEN_REFUSED)) this.token = undefined;
      if (isOf(error, "counter", "seq", "intake-key")) {
        await session.refresh();
        this.found = await readCase(session, found.keys);
      }
      throw error;
    }
    if (what.kind === "message") this.token = undefined;
    this.unanswered = undefined;
    this.found = await readCase(session, found.keys);
    return caseData(session, this.found);
  }
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
