/**
 * The full text of an unseal request: what the public entry only commits to. Sealed to each official and the warden.
 *
 *     plaintext = salt 32 ‖ JSON {v, case_id, access_hash, content_hash, envelope_hash, notice_key, nonce, words, category, recused}
 *     commit    = SHA-256("tabir/v1/request" ‖ plaintext)          tag = SHA-256("tabir/v1/notice" ‖ notice_key ‖ nonce)
 *
 * `category` is what the requester states: only the downstream has read the report.
 * Everybody who opens a text checks it against the logged entry before anything of it is believed.
 * Source: docs/protocol.md, "Unseal entries".
 */
import { cat, equal, type Bytes, type Random } from "./codec.ts";
import { keyId } from "./ed25519.ts";
import type { CaseBinding } from "./envelope/label.ts";
import { envelopeHash, parseOuter, type Outer } from "./envelope/outer.ts";
import { need } from "./errors.ts";
import { open, requestUse, seal } from "./hpke/uses.ts";
import { kemPublicKey } from "./hpke/xwing.ts";
import { noticeHash, noticeTag, requestCommit } from "./receipt.ts";
import { anyText, code, fromBytes, h, maybe, object, some, toBytes, u16, v1, type Of } from "./statement/value.ts";
import type { Body } from "./statement/verbs.ts";

export const requestText = object({
  v: v1,
  case_id: h,
  access_hash: h,
  content_hash: h,
  envelope_hash: h,
  notice_key: h,
  nonce: h,
  words: anyText,
  category: maybe(code),
  recused: maybe(some(object({ index: u16, code }))),
});
export type RequestText = Of<typeof requestText>;

/** The bytes that are sealed, and what the entry says of them. */
export function commitTo(found: RequestText, salt: Bytes): { plaintext: Bytes; commit: Bytes; tag: Bytes } {
  const json = toBytes(requestText, found);
  const tag = noticeTag(found.notice_key, found.nonce);
  return { plaintext: cat(salt, json), commit: requestCommit(salt, json), tag };
}

/** One recipient's copy. Draws 64 bytes. Error: `kem`. */
export const sealRequest = (plaintext: Bytes, commit: Bytes, recipient: Bytes, random: Random): Bytes =>
  seal(recipient, requestUse(commit, keyId(recipient)), plaintext, random);

/**
 * Opens one copy and checks it against the logged entry. Errors: those of HPKE, `size`, `context` (commit, tag or public
 * nonce differ), those of strict JSON.
 */
export function openRequest(entry: Body<"unseal.requested">, seed: Bytes, sealed: Bytes): RequestText {
  const plaintext = open(seed, requestUse(entry.commit, keyId(kemPublicKey(seed))), sealed);
  need(plaintext.length >= 32, "size");
  const [salt, json] = [plaintext.slice(0, 32), plaintext.slice(32)];
  need(equal(requestCommit(salt, json), entry.commit), "context");
  const found = fromBytes(requestText, json);
  need(equal(noticeTag(found.notice_key, found.nonce), entry.tag), "context");
  // Without a deferral the reporter must be able to find the entry now: by this very nonce.
  const deferred = entry.deferred_until !== undefined;
  need(deferred ? entry.nonce === undefined : entry.nonce !== undefined && equal(entry.nonce, found.nonce), "context");
  return found;
}

/** What the envelope must be bound to, for a council of this lineage. */
export const bindingOf = (found: RequestText, lineage: Bytes): CaseBinding => ({
  lineage,
  caseId: found.case_id,
  accessHash: found.access_hash,
  contentHash: found.content_hash,
  noticeHash: noticeHash(found.notice_key),
});

/** Whether this is the envelope that is asked for, of this lineage. Errors: those of `parseOuter`, `context`. */
export function requestedEnvelope(found: RequestText, lineage: Bytes, bytes: Bytes): Outer {
  const outer = parseOuter(bytes);
  need(equal(envelopeHash(outer), found.envelope_hash) && equal(outer.lineage, lineage), "context");
  return outer;
}

/** Who was left out: members, nobody twice, never the requester, and enough stay to open. Errors: `threshold`, `index`. */
export function checkRecused(found: RequestText, requester: number, t: number, n: number): void {
  const recused = found.recused ?? [];
  need(recused.length <= n - t, "threshold");
  let before = 0;
  for (const { index } of recused) {
    need(index > before && index <= n && index !== requester, "index", index);
    before = index;
  }
}

/** Whether an entry asks for this case: the reporter tries every request with the notice key. */
export const isAbout = (entry: Body<"unseal.requested">, noticeKey: Bytes, nonce: Bytes): boolean =>
  equal(noticeTag(noticeKey, nonce), entry.tag);
