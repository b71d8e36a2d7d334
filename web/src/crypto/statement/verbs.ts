/**
 * The payload of each verb, as the table "Verbs" of docs/protocol.md has them: one verb, one schema.
 * Who must sign which is not decided here.
 */
import type { Json } from "../json.ts";
import { bool, bytes, code, h, hexOf, hour, list, mapOf, maybe, n, object, oneOf, orNull, pair, second, some, text, u16, u8, v1, where, type Format, type Of } from "./value.ts";

const HEAD = { v: v1, at: hour };

const ROLES = ["issuer", "gateway", "forwarder", "council", "log", "warden"] as const;
const STATUSES = ["received", "waiting", "coordination", "disposition", "in_progress", "scheduled", "resolved", "declined"] as const;
export const role = oneOf(...ROLES);
export const status = oneOf(...STATUSES);
export const release = oneOf("urgent", "batched");

const codeList = list(object({ code, id: text, en: text }));
const indexedHashes = list(object({ index: u16, hash: h }));

export const manifest = object({
  ...HEAD,
  kind: oneOf("form", "refresh", "reshare", "remove"),
  t: u16,
  n: u16,
  members: list(object({ index: u16, ed_vk: h, kem_pk: bytes })),
  previous: h,
  dealers: maybe(some(u16)),
  nonce: h,
});

/** A council, complete. */
const council = object({
  ...HEAD,
  ceremony_id: h,
  lineage: h,
  epoch: n,
  t: u16,
  n: u16,
  Y: h,
  members: list(object({ index: u16, Yi: h, ed_vk: h, kem_pk: bytes })),
  transcript: h,
  reshare_id: maybe(h),
});
/** The ceremony that made the shares is named where it is not the one that made the key. */
const formed = where(council, (b) => b.reshare_id === undefined);
const reshared = where(council, (b) => b.reshare_id !== undefined);

export const trustRoot = object({
  ...HEAD,
  version: n,
  demo: bool,
  name: text,
  issuer_name: text,
  origin: text,
  logs: list(object({ name: oneOf("governance", "intake"), origin: text, vkey: text, follows: maybe(object({ size: n, root: h })) })),
  witnesses: list(text),
  witness_quorum: n,
  identities: mapOf(role, h, ROLES),
  auditors: list(h),
  auditor_quorum: n,
  activation_s: object({ token: n, intake: n, warden: n, council: n }),
  freshness_s: n,
  cooling_off_s: n,
  release_cap_per_day: n,
  deferral_max_s: n,
  previous: orNull(h),
});

const policy = object({
  ...HEAD,
  version: n,
  codes: object({ legal_basis: codeList, reason: codeList, refusal: codeList, deferral: codeList, failure: codeList, recusal: codeList }),
  deadlines_s: mapOf(status, n, STATUSES),
  window_s: n,
  forward_s: n,
  release_s: n,
  request_life_s: n,
  partial_life_s: n,
  envelope_retention_s: n,
  categories: list(object({ code, id: text, en: text, release })),
});

const requestedFields = object({
  ...HEAD,
  request_id: hexOf(16),
  council_id: h,
  requester: u16,
  legal_basis: code,
  reason: code,
  commit: h,
  tag: h,
  nonce: maybe(h),
  deferred_until: maybe(second),
  deferral: maybe(code),
});

/** The nonce is absent exactly under a deferral. */
export const requested = where(requestedFields, (b) => {
  const deferred = b.deferral !== undefined;
  return deferred === (b.deferred_until !== undefined) && deferred !== (b.nonce !== undefined);
});

const refused = object({ ...HEAD, request_hash: h, council_id: h, index: u16, reason: code });
const ended = object({ ...HEAD, request_hash: h, code });
const fate = object({ ...HEAD, w: n, round: n, part: n, parts: n, nf: list(h) });
export const caseWrite = object({ ...HEAD, case_id: h, counter: n, body_hash: h });

/** Every verb that anybody signs, with its payload. */
export const VERBS = {
  "trust.root": trustRoot,
  "key.announced": object({
    ...HEAD,
    role,
    kind: oneOf("token", "intake", "warden"),
    epoch: n,
    key: bytes,
    not_before: second,
    not_after: second,
  }),
  "key.retired": object({ ...HEAD, key_id: h, reason: code }),
  "key.custody": object({ ...HEAD, key_id: h, act: oneOf("split", "restored", "destroyed"), threshold: u16, holders: list(h) }),
  "council.manifest": manifest,
  "council.message": object({ ...HEAD, ceremony_id: h, round: u8, from: u16, to: u16, bytes }),
  "council.formed": formed,
  "council.refreshed": reshared,
  "council.reshared": reshared,
  "council.retired": object({ ...HEAD, council_id: h, codes: list(code) }),
  "council.checked": object({ ...HEAD, council_id: h, index: u16, tree_size: n, checkpoint_hash: h, partial: bytes }),
  "policy.set": policy,
  "page.built": object({ ...HEAD, version: text, files: list(object({ path: text, sha256: h })), base_size: n, base_checkpoint: h }),
  "unseal.requested": requested,
  "unseal.approved": object({
    ...HEAD,
    request_hash: h,
    council_id: h,
    index: u16,
    reason: code,
    kem_pk: bytes,
    deferred_until: maybe(second),
  }),
  "unseal.refused": refused,
  "unseal.withdrawn": refused,
  "unseal.released": object({ ...HEAD, request_hash: h, tree_size: n, checkpoint_hash: h, inner_commit: h, handouts: indexedHashes }),
  "unseal.declined": ended,
  "unseal.partial": object({ ...HEAD, request_hash: h, index: u16, partials: indexedHashes }),
  "unseal.opened": object({ ...HEAD, request_hash: h, record_commit: h }),
  "unseal.failed": ended,
  "unseal.notice": object({ ...HEAD, request_hash: h, nonce: h }),
  "report.accepted": object({
    ...HEAD,
    w: n,
    opens: second,
    closes: second,
    deadline: second,
    part: n,
    parts: n,
    pairs: list(pair(h)),
  }),
  "report.forwarded": fate,
  "report.refused": fate,
  "report.pending": fate,
  "report.erased": object({ ...HEAD, w: n, round: n, items: list(pair(h)) }),
  "retention.counts": object({ ...HEAD, w: n, counts: mapOf(code, n) }),
  "case.submit": caseWrite,
  "case.message": caseWrite,
  "case.rate": caseWrite,
  "case.dispute": caseWrite,
  "case.erase": caseWrite,
  acceptance: object({ ...HEAD, case_id: h, a: h, b: h, nf: h, w: n, D: second, log_origin: text }),
  reply: object({ ...HEAD, case_id: h, seq: n, message_hash: h }),
  call: object({ ...HEAD, method: text, path: text, body_hash: h, audience: role, minute: second, nonce: hexOf(16) }),
} as const satisfies Record<string, Format<any>>;

export type Verb = keyof typeof VERBS;
export type Body<V extends Verb> = Of<(typeof VERBS)[V]>;

export const isVerb = (name: string): name is Verb => Object.hasOwn(VERBS, name);

/** Reads a payload of a verb from parsed JSON. */
export const readBody = <V extends Verb>(verb: V, json: Json): Body<V> => VERBS[verb].read(json) as Body<V>;
