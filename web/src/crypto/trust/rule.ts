/**
 * Whose signatures an entry of the governance log needs, by what holds at that entry. A signature too many refuses it: it is not
 * what its signers agreed on. Source: docs/protocol.md, "Verbs"; `crypto/src/trust/rule.rs`.
 *
 * Only what decides which keys, which council, which policy and which requests count: `key.custody`, `council.checked` and
 * `page.built` change none of these, and the page leaves them to auditors.
 */
import { compare, equal, type Bytes } from "../codec.ts";
import { keyId, verifyingKey } from "../ed25519.ts";
import { need, refuse } from "../errors.ts";
import { verify, type Statement, type Verified } from "../statement/statement.ts";
import type { Body } from "../statement/verbs.ts";
import { councilOf, memberOf, type Council } from "../threshold/council.ts";
import { identity, update, type Role, type Trust } from "./root.ts";
import type { State } from "./state.ts";
import type { Request } from "./unseal.ts";

/** So many of these keys. */
interface Group {
  readonly least: number;
  readonly keys: readonly Bytes[];
}

/** Every group of one of the sets must be met; keys beside may sign and need not. */
interface Rule {
  readonly sets: readonly (readonly Group[])[];
  readonly beside?: readonly Bytes[];
}

const all = (...groups: Group[]): Rule => ({ sets: [groups] });
const one = (key: Bytes): Group => ({ least: 1, keys: [key] });

/** The role of each kind of key. */
const ROLE_OF = { token: "issuer", intake: "forwarder", warden: "warden" } as const;

/** Verbs that change nothing of what this replay answers. */
export const PASSED_OVER: readonly string[] = ["key.custody", "council.checked", "page.built"];

export const isAuditor = (trust: Trust, signer: Bytes): boolean => trust.root.auditors.some((key) => equal(keyId(key), signer));
export const officials = (council: Council): Bytes[] => council.members.map((m) => m.edVk);

/** Says whether the signatures suffice. Errors: `unknown-key`, `insufficient-signatures`, `context`, `index`, `field`, `verb`, those of statements. */
export function check(trust: Trust, state: State, statement: Statement, body: Body<never>): Verified {
  if (statement.verb === "trust.root") {
    const next = update(trust, statement);
    return verify(statement, [...trust.root.auditors, ...next.root.auditors]);
  }
  const rule = ruleOf(trust, state, statement, body);
  const known = [...rule.sets.flat().flatMap((group) => group.keys), ...(rule.beside ?? [])];
  const verified = verify(statement, known);
  const met = ({ least, keys }: Group): boolean => {
    const ids = [...keys].sort(compare).filter((key, i, sorted) => i === 0 || !equal(key, sorted[i - 1] ?? key)).map(keyId);
    return ids.filter((id) => verified.signers.some((signer) => equal(signer, id))).length >= least;
  };
  need(rule.sets.some((set) => set.every(met)), "insufficient-signatures");
  return verified;
}

function ruleOf(trust: Trust, state: State, statement: Statement, found: Body<never>): Rule {
  const role = (name: string): Group => one(identity(trust, name as Role));
  const auditors = (least: number): Group => ({ least, keys: trust.root.auditors });
  const quorum = auditors(trust.root.auditor_quorum);
  const official = (council: Bytes, index: number): Rule => all(one(memberOf(state.council(council).council, index).edVk));
  const asked = (hash: Bytes): Request => state.request(hash) ?? refuse("context");
  const body = found as any;
  switch (statement.verb) {
    case "key.announced": {
      const b: Body<"key.announced"> = body;
      need(b.role === ROLE_OF[b.kind], "field");
      if (b.kind === "warden") return all(role(b.role), quorum);
      // Beside the issuer's, an auditor's signature waives the activation delay of a token key.
      return b.kind === "token" ? { ...all(role(b.role)), beside: trust.root.auditors } : all(role(b.role));
    }
    case "key.retired": {
      const key = state.keyById(body.key_id) ?? refuse("context");
      return { sets: [[role(ROLE_OF[key.body.kind])], [quorum]] };
    }
    case "council.formed":
    case "council.refreshed":
    case "council.reshared":
      return councilRule(trust, state, statement.verb, body);
    case "council.retired": {
      const { council } = state.council(body.council_id);
      return all({ least: council.t, keys: officials(council) });
    }
    case "policy.set":
      return all(role("gateway"), auditors(1));
    case "unseal.requested":
      return official(body.council_id, body.requester);
    case "unseal.approved":
    case "unseal.refused":
    case "unseal.withdrawn":
      need(equal(asked(body.request_hash).body.council_id, body.council_id), "context");
      return official(body.council_id, body.index);
    case "unseal.partial":
      return official(asked(body.request_hash).body.council_id, body.index);
    case "unseal.released":
      asked(body.request_hash);
      return { ...all(role("warden")), beside: trust.root.auditors };
    case "unseal.notice":
    case "unseal.declined":
      asked(body.request_hash);
      return all(role("warden"));
    case "unseal.failed": {
      const request = asked(body.request_hash);
      return request.release ? all(approvers(state, request)) : all(role("warden"));
    }
    // As many as can read the identity: if all whom the release names had to sign, one who stays away would leave an opening
    // that happened without its entry.
    case "unseal.opened":
      return all(approvers(state, asked(body.request_hash)));
    default:
      return refuse("verb");
  }
}

/** t of the approvers whom the release names. Error: `order` before a release. */
function approvers(state: State, request: Request): Group {
  const release = request.release ?? refuse("order");
  const { council } = state.council(request.body.council_id);
  return { least: request.terms.t, keys: release.body.handouts.map((h) => memberOf(council, h.index).edVk) };
}

function councilRule(trust: Trust, state: State, verb: string, body: Body<"council.formed">): Rule {
  const made = councilOf(body);
  // An official who is also warden, auditor or a role would stand on both sides of a check.
  const hats = [...trust.root.identities.values(), ...trust.root.auditors];
  need(!officials(made).some((key) => hats.some((hat) => equal(hat, verifyingKey(key)))), "duplicate");
  const auditors = (least: number): Group => ({ least, keys: trust.root.auditors });
  const base = [{ least: made.members.length, keys: officials(made) }, one(identity(trust, "warden" as Role))];
  const consent = (old: Council): Group => ({ least: old.t, keys: officials(old) });
  const newest = state.newestCouncil();
  if (verb !== "council.formed") {
    const old = state.current(made.lineage) ?? refuse("context");
    return { sets: [[...base, auditors(1), consent(old.council)]] };
  }
  if (!newest) return { sets: [[...base, auditors(1)]] };
  // One who holds warden and an auditor's key could else put straw people in the place of a council. In a removal who leaves
  // has dealt and signs the new key too; the reshare that replaced his council may be logged first.
  const before = state.councilBeforeNewest();
  return {
    sets: [[...base, auditors(1), consent(newest.council)], [...base, auditors(trust.root.auditor_quorum)]],
    beside: before ? officials(before.council) : [],
  };
}
