/**
 * A reporter's device, from the first look to the last: it holds the session, the token, the sealed report and the keys of an opened
 * case, in memory. Used by the page's worker, and by whoever builds Tabir into an app (`web/sdk`).
 */
import { equal, hex, unhex, utf8 } from "../crypto/codec.ts";
import { Refused } from "../crypto/errors.ts";
import { parseVerifierKey } from "../crypto/log/note.ts";
import { councilFingerprint } from "../crypto/threshold/council.ts";
import type { Token } from "../crypto/token/wire.ts";
import { disputeOf, eraseOf, keysOf, messageOf, openQuestion, ratingOf, readCase, sendWrite, type Case, type Write } from "./case.ts";
import { Problem } from "./http.ts";
import { findOpenings } from "./openings.ts";
import { sealReport, sendReport, type Draft, type Sealed } from "./report.ts";
import { Session } from "./session.ts";
import { completePurchase, preparePurchase, type Payment, type Purchase } from "./tokens.ts";
import type { CaseData, Consent, DraftData, Progress, Ready, Sent, WriteData } from "./types.ts";

const isOf = (error: unknown, ...codes: string[]): boolean => error instanceof Problem && codes.includes(error.code);
/** Nobody answered, or nobody could say: what became of it is not known, and the same again is safe. */
const isOpen = (error: unknown): boolean => error instanceof Problem ? error.status >= 500 || error.status === 429 : !(error instanceof Refused);
const TOKEN_REFUSED = ["token-spent", "token-key", "token-invalid", "token-challenge", "token-missing"];
const KEYS_CHANGED = ["intake-key", "warden-key", "council", "reference-taken"];

/** Asked for before what it needs was done: a defect of the caller. */
function missing(what: string): never {
  throw new Error(what);
}

export class Reporter {
  private session: Session | undefined;
  private pay: Payment = "puzzle";
  /** Bought, and not used up: the first is the next one. */
  private tokens: Token[] = [];
  private purchase: Purchase | undefined;
  private buying: Promise<void> | undefined;
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

  /** The next token, bought ahead or now. */
  private async getToken(): Promise<Token> {
    while (this.tokens.length === 0) {
      const buying = (this.buying ??= this.buy());
      try {
        await buying;
      } finally {
        if (this.buying === buying) this.buying = undefined;
      }
    }
    return this.tokens[0] ?? missing("no token");
  }

  private async buy(): Promise<void> {
    const session = this.opened;
    const tried = (done: number, of: number): void => this.progress({ phase: "puzzle", done: Math.min(0.99, 1 - Math.exp(-done / of)) });
    // With its key's epoch the right to ask again is over.
    const kept = this.purchase && equal(this.purchase.key, session.key("token")) ? this.purchase : undefined;
    const purchase = (this.purchase = kept ?? (await preparePurchase(session, this.pay, tried)));
    try {
      this.tokens.push(...(await completePurchase(session, purchase)));
      this.purchase = undefined;
    } catch (error) {
      if (!isOpen(error)) this.purchase = undefined;
      throw error;
    }
  }

  /** A token that was refused buys nothing; if it was not this one alone, neither do the others. */
  private refused(error: unknown): boolean {
    if (!isOf(error, ...TOKEN_REFUSED)) return false;
    this.tokens = isOf(error, "token-spent") ? this.tokens.slice(1) : [];
    return true;
  }

  /** Gets tokens while the person writes, for a puzzle or a voucher. */
  async prepare({ voucher }: { voucher: string | undefined }): Promise<void> {
    const pay: Payment = voucher === undefined ? "puzzle" : { voucher };
    // Who types a voucher does not want to wait for the puzzle; who types the same one again goes on with what it paid for.
    if (voucher !== undefined && JSON.stringify(pay) !== JSON.stringify(this.pay)) this.purchase = this.buying = undefined;
    this.pay = pay;
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
        this.tokens.shift();
        this.draft = this.sealed = undefined;
        return sent;
      } catch (error) {
        const [refused, changed] = [this.refused(error), isOf(error, ...KEYS_CHANGED)];
        if (tries > 1 || !(refused || changed)) throw error;
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
    session.readWhole();
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
      if (!isOpen(error)) this.unanswered = undefined;
      this.refused(error);
      if (isOf(error, "counter", "seq", "intake-key")) {
        await session.refresh();
        this.found = await readCase(session, found.keys);
      }
      throw error;
    }
    if (what.kind === "message") this.tokens.shift();
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
    missing: c.missing,
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
