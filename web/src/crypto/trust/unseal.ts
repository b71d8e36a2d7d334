/**
 * The order of one request's entries, as everybody reads it in the governance log.
 *
 *     (requested) ──approve × t──► (approved) ──release──► (released) ──partial × t, open──► (opened)
 *
 * Expired, lapsed and void have no entry: each reader works them out from witnessed times and from the terms that held when
 * the request was logged. Source: `crypto/src/trust/unseal.rs`; docs/protocol.md, "Opening".
 */
import type { Bytes } from "../codec.ts";
import { need } from "../errors.ts";
import { checkKemKey } from "../hpke/xwing.ts";
import type { Body, Verb } from "../statement/verbs.ts";
import type { Witnessed } from "./witnessed.ts";

const FAILED_BEFORE = ["outer", "label", "case-sig", "proof", "request"];
const FAILED_AFTER = ["commitment", "aead", "record", "none"];
/** `at` is cut to the hour: a statement may be this much younger than it says. */
const HOUR_S = 3600;

export type Status =
  | "requested" | "approved" | "released" | "opened" | "failed" | "declined" | "withdrawn" | "refused" | "expired" | "void" | "lapsed";

/** What held when the request was logged; later changes don't touch it. */
export interface Terms {
  readonly t: number;
  readonly n: number;
  readonly coolingOff: number;
  readonly life: number;
  readonly partialLife: number;
  readonly deferralMax: number;
}

/** An entry about a request, its signatures checked. */
export interface Step {
  readonly entry: number;
  /** Witnessed time. */
  readonly at: number | undefined;
  readonly verb: Verb;
  readonly body: Body<Verb>;
  readonly byAuditor: boolean;
  /** Indices of the officials who signed. */
  readonly signers: readonly number[];
}

/** A request with everything that followed it in the log. */
export interface Request {
  readonly hash: Bytes;
  readonly entry: number;
  readonly body: Body<"unseal.requested">;
  readonly terms: Terms;
  approvals: { entry: number; index: number }[];
  refusals: { entry: number; index: number }[];
  release?: { entry: number; body: Body<"unseal.released">; byAuditor: boolean };
  partials: { entry: number; index: number }[];
  ended?: { entry: number; status: Status };
  notice?: { entry: number; nonce: Bytes };
  voided?: number;
  /** What was taken, in the order of the log. */
  steps: Step[];
}

/** A fresh request. Error: `order` when its notice is deferred for too long. */
export function fresh(hash: Bytes, step: Step, terms: Terms): Request {
  const body = step.body as Body<"unseal.requested">;
  if (body.deferred_until !== undefined) {
    // Who asks could else put the hour off, and with it the end of the longest deferral.
    const asked = Math.min(body.at, step.at ?? body.at);
    need(body.deferred_until <= asked + HOUR_S + terms.deferralMax, "order");
  }
  return { hash, entry: step.entry, body, terms, approvals: [], refusals: [], partials: [], steps: [step] };
}

export function cooledAt(request: Request, witnessed: Witnessed): number | undefined {
  const at = witnessed.of(request.entry);
  return at === undefined ? undefined : at + request.terms.coolingOff;
}

/** Where it stands at that time. */
export function statusOf(request: Request, witnessed: Witnessed, now: number): Status {
  const over = (end: number | undefined): boolean => end !== undefined && now >= end;
  if (request.ended) return request.ended.status;
  if (request.release) {
    const at = witnessed.of(request.release.entry);
    return over(at === undefined ? undefined : at + request.terms.partialLife) ? "lapsed" : "released";
  }
  if (request.voided !== undefined) return "void";
  const cooled = cooledAt(request, witnessed);
  if (over(cooled === undefined ? undefined : cooled + request.terms.life)) return "expired";
  return request.approvals.length >= request.terms.t ? "approved" : "requested";
}

function allows(status: Status, verb: Verb): boolean {
  const first: Verb[] = ["unseal.approved", "unseal.refused", "unseal.withdrawn", "unseal.declined"];
  if (status === "requested") return first.includes(verb);
  if (status === "approved") return first.includes(verb) || verb === "unseal.released" || verb === "unseal.failed";
  if (status === "released") return ["unseal.partial", "unseal.opened", "unseal.failed"].includes(verb);
  return false;
}

const named = (request: Request): number[] => request.release?.body.handouts.map((h) => h.index) ?? [];

function cameEarly(request: Request, witnessed: Witnessed): boolean {
  if (!request.release || request.release.byAuditor) return false;
  const [at, cooled] = [witnessed.of(request.release.entry), cooledAt(request, witnessed)];
  return at !== undefined && cooled !== undefined && at < cooled;
}

/** Whether this may be the next entry. Errors: `order`, `duplicate`, `too-few`, `context`, `cooling-off` (of a release last). */
export function check(request: Request, witnessed: Witnessed, step: Step): void {
  if (step.verb === "unseal.notice") {
    const until = request.body.deferred_until;
    return need(until !== undefined && !request.notice && (step.at === undefined || step.at >= until), "order");
  }
  // A time of 0 is before every end: the status by entries and void alone.
  need(allows(statusOf(request, witnessed, step.at ?? 0), step.verb), "order");
  switch (step.verb) {
    case "unseal.approved": {
      const body = step.body as Body<"unseal.approved">;
      checkVote(request, body.index);
      need(body.deferred_until === request.body.deferred_until, "context");
      checkKemKey(body.kem_pk);
      break;
    }
    case "unseal.refused":
      checkVote(request, (step.body as Body<"unseal.refused">).index);
      break;
    case "unseal.withdrawn":
      need((step.body as Body<"unseal.withdrawn">).index === request.body.requester, "order");
      break;
    case "unseal.released":
      checkRelease(request, witnessed, step);
      break;
    case "unseal.failed": {
      const { code } = step.body as Body<"unseal.failed">;
      need((request.release ? FAILED_AFTER : FAILED_BEFORE).includes(code), "order");
      break;
    }
    case "unseal.partial": {
      const body = step.body as Body<"unseal.partial">;
      // What came out too early is out, and stays so; help with it has no place in the log.
      need(!cameEarly(request, witnessed), "cooling-off");
      need(named(request).includes(body.index), "order");
      need(!request.partials.some((p) => p.index === body.index), "duplicate", body.index);
      need(body.partials.map((p) => p.index).join() === named(request).join(), "context");
      break;
    }
    case "unseal.opened":
      need(request.partials.length >= request.terms.t, "too-few");
  }
}

/** One official, one vote. */
function checkVote(request: Request, index: number): void {
  need(![...request.approvals, ...request.refusals].some((vote) => vote.index === index), "duplicate", index);
}

function checkRelease(request: Request, witnessed: Witnessed, step: Step): void {
  const body = step.body as Body<"unseal.released">;
  need(body.tree_size > request.entry && body.tree_size <= step.entry, "order");
  const to = body.handouts.map((h) => h.index);
  need(to.every((index, i) => i === 0 || index > (to[i - 1] ?? 0)), "order");
  need(to.length >= request.terms.t, "too-few");
  for (const index of to) {
    need(request.approvals.some((a) => a.index === index && a.entry < body.tree_size), "order", index);
  }
  const cooled = cooledAt(request, witnessed);
  const early = step.at !== undefined && (cooled === undefined || step.at < cooled);
  need(step.byAuditor || !early, "cooling-off");
}

/** Takes an entry that `check` let through. */
export function take(request: Request, step: Step): void {
  const { entry } = step;
  request.steps.push(step);
  switch (step.verb) {
    case "unseal.approved":
      request.approvals.push({ entry, index: (step.body as Body<"unseal.approved">).index });
      break;
    case "unseal.refused":
      request.refusals.push({ entry, index: (step.body as Body<"unseal.refused">).index });
      if (request.refusals.length > request.terms.n - request.terms.t) request.ended = { entry, status: "refused" };
      break;
    case "unseal.withdrawn":
      request.ended = { entry, status: "withdrawn" };
      break;
    case "unseal.released":
      request.release = { entry, body: step.body as Body<"unseal.released">, byAuditor: step.byAuditor };
      break;
    case "unseal.declined":
      request.ended = { entry, status: "declined" };
      break;
    case "unseal.failed":
      request.ended = { entry, status: "failed" };
      break;
    case "unseal.partial":
      request.partials.push({ entry, index: (step.body as Body<"unseal.partial">).index });
      break;
    case "unseal.opened":
      request.ended = { entry, status: "opened" };
      break;
    case "unseal.notice":
      request.notice = { entry, nonce: (step.body as Body<"unseal.notice">).nonce };
  }
}
