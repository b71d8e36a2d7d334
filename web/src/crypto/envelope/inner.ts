/**
 * The inner envelope: HPKE to the council's split key, with a key commitment and a proof by the sender.
 *
 *     enc 32 | key_commitment 32 | Ē 32 | c 32 | f 32 | ct 1,040                       1,200 in all
 *
 * HPKE is RFC 9180 base mode with DHKEM(X25519), info `tabir/v1/inner` and aad = label; the commitment is
 * Export("tabir/v1/key-commitment", 32), since ChaCha20Poly1305 alone does not commit to its key.
 *
 * Sender proof (TDH2, Shoup and Gennaro): E = lift(enc) = eB, Ē = eG2, W = kB, W̄ = kG2,
 * c = T("tabir/v1/sender"; label, enc, commit, ct, E, Ebar, W, Wbar), f = k + ce. It shows that whoever made this
 * envelope knew its ephemeral scalar and made it for this label. Without it an official blinds a victim's `enc`, files
 * it as a report of his own, has a colleague help to open that, and unblinds.
 */
import { bigLe, cat, equal, sha256, split, type Bytes, type Put, type Random } from "../codec.ts";
import { need } from "../errors.ts";
import { contextOfDh, type Context } from "../hpke/schedule.ts";
import { B, Fn, G2, challenge, decompress, difference, hedgedNonce, lift, put, scalar, scalarBytes, times, toU, type Point } from "../point.ts";

export const INNER_LEN = 1_200;
const INFO = "tabir/v1/inner";
const SENDER = "tabir/v1/sender";

/** An inner envelope as it came: nothing about it is checked but its length. */
export interface Inner {
  readonly enc: Bytes;
  readonly commitment: Bytes;
  readonly ebar: Bytes;
  readonly c: Bytes;
  readonly f: Bytes;
  readonly ct: Bytes;
}

/** An inner envelope whose maker has proved that he made it for this label. Only `verifyInner` makes one. */
export interface VerifiedInner {
  readonly inner: Inner;
  readonly label: Bytes;
  readonly hash: Bytes;
  readonly e: Point;
}

/** Reads 1,200 bytes. Error: `size`. */
export function parseInner(bytes: Bytes): Inner {
  const [enc, commitment, ebar, c, f, ct] = split(bytes, 32, 32, 32, 32, 32, 1_040) as [Bytes, Bytes, Bytes, Bytes, Bytes, Bytes];
  return { enc, commitment, ebar, c, f, ct };
}

export const innerBytes = (i: Inner): Bytes => cat(i.enc, i.commitment, i.ebar, i.c, i.f, i.ct);
export const innerHash = (i: Inner): Bytes => sha256(innerBytes(i));

function statement(inner: Pick<Inner, "enc" | "commitment" | "ct">, label: Bytes, e: Point, ebar: Point): Put[] {
  const { enc, commitment, ct } = inner;
  return [["label", label], ["enc", enc], ["commit", commitment], ["ct", ct], put("E", e), put("Ebar", ebar)];
}

/** Seals a padded record to a council's key Y. Draws 32 bytes for the ephemeral key and 32 for the proof's nonce. */
export function sealInner(y: Bytes, label: Bytes, record: Bytes, random: Random): Inner {
  return sealInnerWith(y, label, record, random(32), (puts, e) => hedgedNonce(SENDER, puts, e, random));
}

/** `ephemeral` is an X25519 private key; `nonce` gives the proof's k. */
export function sealInnerWith(
  y: Bytes,
  label: Bytes,
  record: Bytes,
  ephemeral: Bytes,
  nonce: (statement: readonly Put[], e: bigint) => bigint,
): Inner {
  const council = decompress(y);
  const clamped = ephemeral.slice();
  clamped[0] = (clamped[0] ?? 0) & 248;
  clamped[31] = ((clamped[31] ?? 0) & 127) | 64;
  const positive = Fn.create(bigLe(clamped));
  // The sign is chosen so that eB is what everybody lifts `enc` to.
  const negate = ((times(B, positive).toBytes()[31] ?? 0) & 0x80) !== 0;
  const e = negate ? Fn.neg(positive) : positive;
  const point = times(B, e);
  const enc = toU(point);
  const context = contextOfDh(toU(times(council, e)), enc, toU(council), INFO);
  const ebar = times(G2, e);
  const sealed = { enc, commitment: context.export("tabir/v1/key-commitment", 32), ct: context.seal(label, record) };

  const puts = statement(sealed, label, point, ebar);
  const k = nonce(puts, e);
  const c = challenge(SENDER, [...puts, put("W", times(B, k)), put("Wbar", times(G2, k))]);
  return { ...sealed, ebar: ebar.toBytes(), c: scalarBytes(c), f: scalarBytes(Fn.add(k, Fn.mul(c, e))) };
}

/**
 * Checks the points and the sender proof for this label. Errors: those of points and scalars, `sender-proof`.
 */
export function verifyInner(inner: Inner, label: Bytes): VerifiedInner {
  const [e, ebar] = [lift(inner.enc), decompress(inner.ebar)];
  const [c, f] = [scalar(inner.c), scalar(inner.f)];
  const [w, wbar] = [difference(B, f, e, c), difference(G2, f, ebar, c)];
  const puts = [...statement(inner, label, e, ebar), put("W", w), put("Wbar", wbar)];
  need(challenge(SENDER, puts) === c, "sender-proof");
  return { inner, label, hash: innerHash(inner), e };
}

/**
 * The keys of this envelope from a DH output, if they are the ones that it commits to; then its record. The commitment
 * is checked before anything is decrypted. Errors: `zero-dh`, `commitment`, `aead`.
 */
export function openInner(verified: VerifiedInner, y: Bytes, dh: Bytes): { context: Context; record: Bytes } {
  const { inner, label } = verified;
  const context = contextOfDh(dh, inner.enc, toU(decompress(y)), INFO);
  need(equal(context.export("tabir/v1/key-commitment", 32), inner.commitment), "commitment");
  return { context, record: context.open(label, inner.ct) };
}
