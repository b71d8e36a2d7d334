/**
 * The outer envelope: X-Wing HPKE to the warden, around the inner envelope and the case key's signature over it.
 *
 *     header 66  version u8 = 1 | suite u8 = 1 | warden_key_id 32 | lineage 32
 *     outer      header 66 | enc 1,120 | ct 1,312                                      2,498, always
 *     plaintext  inner 1,200 | case_vk 32 | signature 64
 *     hand-out   salt 32 | inner 1,200 | case_vk 32 | signature 64                     1,328, sealed to an approver
 *
 * info `tabir/v1/outer`, aad = header ‖ label. The signature is a bare Ed25519 one by the case key over
 * T("tabir/v1/inner-sig"; label, inner_hash): HPKE does not say who sealed, and whoever else can seal, operator or
 * warden, could put an innocent name into a victim's case. envelope_hash = SHA-256 of the 2,498 bytes.
 */
import { T, cat, equal, sha256, split, type Bytes, type Random } from "../codec.ts";
import { keyId, publicKey, sign, verify, verifyingKey } from "../ed25519.ts";
import { need, otherwise } from "../errors.ts";
import { OVERHEAD, kemPublicKey, openWith, sealTo } from "../hpke/xwing.ts";
import { caseId } from "../receipt.ts";
import { INNER_LEN, innerBytes, innerHash, parseInner, sealInner, verifyInner, type Inner, type VerifiedInner } from "./inner.ts";
import { labelOf, type CaseBinding } from "./label.ts";

const HEADER_LEN = 66;
const SIGNED_LEN = INNER_LEN + 32 + 64;
export const OUTER_LEN = HEADER_LEN + OVERHEAD + SIGNED_LEN;
const INFO = "tabir/v1/outer";

/** What an identity is sealed to, by whom, and for which report. */
export interface SealParams {
  /** The council's key, compressed. */
  readonly y: Bytes;
  readonly lineage: Bytes;
  readonly wardenKey: Bytes;
  readonly caseSeed: Bytes;
  readonly accessHash: Bytes;
  readonly contentHash: Bytes;
  readonly noticeHash: Bytes;
}

/** Seals a padded identity record. A report without an identity carries the record of "none", sealed like any other. */
export function sealEnvelope(p: SealParams, record: Bytes, random: Random): { bytes: Bytes; hash: Bytes } {
  const binding = { ...p, caseId: caseId(p.accessHash, publicKey(p.caseSeed)) };
  const label = labelOf(binding, keyId(p.wardenKey));
  return wrap(p, label, sealInner(p.y, label, record, random), random);
}

/** The outer layer around an inner envelope. Draws 64 bytes. */
export function wrap(
  p: Pick<SealParams, "lineage" | "wardenKey" | "caseSeed">,
  label: Bytes,
  inner: Inner,
  random: Random,
): { bytes: Bytes; hash: Bytes } {
  const header = cat(Uint8Array.of(1, 1), keyId(p.wardenKey), p.lineage);
  const plaintext = signedBytes(signInner(inner, label, p.caseSeed));
  const bytes = cat(header, sealTo(p.wardenKey, INFO, cat(header, label), plaintext, random));
  return { bytes, hash: sha256(bytes) };
}

/** An inner envelope with what shows that it is the reporter's own. Nothing of it is checked. */
interface SignedInner {
  readonly inner: Inner;
  readonly caseVk: Bytes;
  readonly signature: Bytes;
}

const signedMessage = (inner: Inner, label: Bytes): Bytes =>
  T("tabir/v1/inner-sig", [["label", label], ["inner_hash", innerHash(inner)]]);

function signInner(inner: Inner, label: Bytes, seed: Bytes): SignedInner {
  return { inner, caseVk: publicKey(seed), signature: sign(seed, signedMessage(inner, label)) };
}

const signedBytes = (s: SignedInner): Bytes => cat(innerBytes(s.inner), s.caseVk, s.signature);

function parseSigned(bytes: Bytes): SignedInner {
  const [inner, caseVk, signature] = split(bytes, INNER_LEN, 32, 64) as [Bytes, Bytes, Bytes];
  return { inner: parseInner(inner), caseVk, signature };
}

function checkSigned(signed: SignedInner, label: Bytes, binding: CaseBinding): VerifiedInner {
  const key = otherwise("case-key", () => verifyingKey(signed.caseVk));
  need(equal(caseId(binding.accessHash, key), binding.caseId), "case-key");
  otherwise("case-sig", () => verify(key, signedMessage(signed.inner, label), signed.signature));
  return verifyInner(signed.inner, label);
}

/** An outer envelope of the right form: what anybody can see of it. */
export interface Outer {
  readonly wardenKeyId: Bytes;
  readonly lineage: Bytes;
  readonly bytes: Bytes;
}

/** Reads 2,498 bytes. Errors: `size`, `version`, `suite`. */
export function parseOuter(bytes: Bytes): Outer {
  need(bytes.length === OUTER_LEN, "size");
  need(bytes[0] === 1, "version");
  need(bytes[1] === 1, "suite");
  return { wardenKeyId: bytes.slice(2, 34), lineage: bytes.slice(34, HEADER_LEN), bytes };
}

export const envelopeHash = (outer: Outer): Bytes => sha256(outer.bytes);

/** An opened outer envelope, every check of which held. */
export interface Released {
  readonly inner: VerifiedInner;
  /** What goes to each approver, under the warden's salt: 32 random bytes, one for the whole release. */
  handout(salt: Bytes): Bytes;
}

/**
 * Opens the outer layer and checks case key, case signature and sender proof: the warden's step.
 * Errors: `warden-key`, `kem`, `aead` (of another label too), `case-key`, `case-sig`, those of `verifyInner`.
 */
export function openOuter(outer: Outer, wardenSeed: Bytes, binding: CaseBinding): Released {
  need(equal(keyId(kemPublicKey(wardenSeed)), outer.wardenKeyId), "warden-key");
  return openWithLabel(outer, wardenSeed, binding, labelOf(binding, outer.wardenKeyId));
}

/** As `openOuter`, for a label that is known by its 32 bytes only, as in the vectors. */
export function openWithLabel(outer: Outer, wardenSeed: Bytes, binding: CaseBinding, label: Bytes): Released {
  const [header, sealed] = [outer.bytes.slice(0, HEADER_LEN), outer.bytes.slice(HEADER_LEN)];
  const plaintext = openWith(wardenSeed, INFO, cat(header, label), sealed);
  const inner = checkSigned(parseSigned(plaintext), label, binding);
  return { inner, handout: (salt) => cat(salt, plaintext) };
}

/** What the warden hands to an approver, who believes none of it before `checkHandout`. */
export interface Handout {
  readonly salt: Bytes;
  readonly signed: SignedInner;
}

/** Reads 1,328 bytes. Error: `size`. */
export function parseHandout(bytes: Bytes): Handout {
  const [salt, signed] = split(bytes, 32, SIGNED_LEN) as [Bytes, Bytes];
  return { salt, signed: parseSigned(signed) };
}

/** `inner_commit` of `unseal.released`: an approver compares it with the entry. */
export const innerCommit = (handout: Handout): Bytes => sha256(handout.salt, innerHash(handout.signed.inner));

/** Checks everything that the warden checked. Errors: `case-key`, `case-sig`, those of `verifyInner`. */
export const checkHandout = (handout: Handout, wardenKeyId: Bytes, binding: CaseBinding): VerifiedInner =>
  checkSigned(handout.signed, labelOf(binding, wardenKeyId), binding);
