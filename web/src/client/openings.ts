/**
 * The openings of one case, as its reporter finds them: by her notice key, in a governance log that she read and checked herself.
 * Nobody is asked, so nobody can hide one; and the whole log is read, so nobody learns which entry was looked for.
 * Source: `src/client/opening/mod.rs`.
 */
import { equal, type Bytes } from "../crypto/codec.ts";
import { noticeTag } from "../crypto/receipt.ts";
import type { Body } from "../crypto/statement/verbs.ts";
import { cooledAt, statusOf, type Request, type Status } from "../crypto/trust/unseal.ts";
import type { Session } from "./session.ts";

/** One step in the log. `by`: officials by their number in the council. */
export interface Step {
  readonly entry: number;
  /** Unix seconds: when witnesses saw it. */
  readonly witnessed: number;
  readonly what:
    | "requested" | "approved" | "refused" | "withdrawn" | "released" | "partial" | "opened" | "failed" | "declined" | "notice";
  readonly by: readonly number[];
  /** A code of the policy, where the step has one. */
  readonly code?: string;
  readonly legalBasis?: string;
  /** Of a release: an auditor signed beside the warden; it came before the waiting time was over. */
  readonly byAuditor?: boolean;
  readonly early?: boolean;
}

export interface Opening {
  readonly status: Status;
  readonly t: number;
  readonly n: number;
  readonly cooledAt?: number;
  readonly deferredUntil?: number;
  readonly deferral?: string;
  /** Enough officials sent their parts: whoever of them wants to can read the identity, logged as opened or not. */
  readonly readable: boolean;
  readonly steps: readonly Step[];
}

/** Every opening that this notice key recognises, in the order of the log. */
export function findOpenings(session: Session, noticeKey: Bytes): Opening[] {
  const hers = session.state.requests.filter((request) => {
    const nonce = request.body.nonce ?? request.notice?.nonce;
    return nonce !== undefined && equal(noticeTag(noticeKey, nonce), request.body.tag);
  });
  return hers.map((request) => tell(session, request));
}

function tell(session: Session, request: Request): Opening {
  const { witnessed } = session.state;
  const cooled = cooledAt(request, witnessed);
  const { deferred_until: deferredUntil, deferral } = request.body;
  const steps = request.steps.map((step): Step => {
    const at = step.at ?? 0;
    const head = { entry: step.entry, witnessed: at };
    const body = step.body as any;
    switch (step.verb) {
      case "unseal.requested": {
        const asked: Body<"unseal.requested"> = body;
        return { ...head, what: "requested", by: [asked.requester], code: asked.reason, legalBasis: asked.legal_basis };
      }
      case "unseal.released": {
        const to = (body as Body<"unseal.released">).handouts.map((h) => h.index);
        const early = !step.byAuditor && (cooled === undefined || at < cooled);
        return { ...head, what: "released", by: to, byAuditor: step.byAuditor, early };
      }
      case "unseal.opened":
        return { ...head, what: "opened", by: step.signers };
      case "unseal.failed":
        return { ...head, what: "failed", by: step.signers, code: body.code };
      case "unseal.declined":
        return { ...head, what: "declined", by: [], code: body.code };
      case "unseal.partial":
        return { ...head, what: "partial", by: [body.index] };
      case "unseal.notice":
        return { ...head, what: "notice", by: [] };
      default: {
        const what = step.verb.slice("unseal.".length) as "approved" | "refused" | "withdrawn";
        return { ...head, what, by: [body.index], code: body.reason };
      }
    }
  });
  return {
    status: statusOf(request, witnessed, session.now),
    t: request.terms.t,
    n: request.terms.n,
    ...(cooled !== undefined && { cooledAt: cooled }),
    ...(deferredUntil !== undefined && { deferredUntil }),
    ...(deferral !== undefined && { deferral }),
    readable: request.partials.length >= request.terms.t,
    steps,
  };
}
