/**
 * The one error of this folder: a stable code, and where it helps, who or what is to blame.
 * The same codes as `crypto/src/error.rs` and "Error codes" of docs/protocol.md.
 */

export type Code =
  // building blocks
  | "size" | "version" | "suite" | "bit-255" | "non-canonical" | "twist" | "low-order" | "mixed-order" | "off-curve"
  | "scalar" | "A-encoding" | "R-encoding" | "A-small-order" | "R-small-order" | "signature" | "aead" | "kem"
  // strict JSON and statements
  | "utf-8" | "json" | "repeated-field" | "integer" | "depth" | "trailing" | "base64" | "hex" | "unknown-field"
  | "missing-field" | "field" | "too-long" | "verb" | "signatures" | "signature-order" | "unknown-key"
  | "insufficient-signatures"
  // receipt, content, record
  | "groups" | "letters" | "checksum" | "pad" | "length"
  // sealed identity
  | "sender-proof" | "commitment" | "zero-dh" | "warden-key" | "case-key" | "case-sig" | "index" | "context" | "dleq"
  | "duplicate" | "too-few" | "share" | "threshold" | "ceremony" | "passphrase"
  // tokens
  | "token-type" | "token-key" | "token-challenge" | "token-invalid" | "blind-signature" | "puzzle"
  // logs and trust
  | "note" | "checkpoint" | "quorum" | "inclusion" | "consistency" | "tile" | "shrunk" | "trust"
  // what counts, and in which order
  | "stale" | "key-conflict" | "not-active" | "order" | "cooling-off";

/** A refusal. It never carries a secret or a caller's text. */
export class Refused extends Error {
  /** `at`: a member's index, or the number of a receipt's group, both from 1. */
  constructor(readonly code: Code, readonly at?: number) {
    super(at === undefined ? code : `${code} (number ${at})`);
    this.name = "Refused";
  }
}

/** Refuses. */
export function refuse(code: Code, at?: number): never {
  throw new Refused(code, at);
}

/** Refuses with `code` unless `ok`. */
export function need(ok: boolean, code: Code, at?: number): asserts ok {
  if (!ok) refuse(code, at);
}

/** Whatever is refused or thrown inside is refused with this code: for libraries, and where one code covers all. */
export function otherwise<T>(code: Code, run: () => T): T {
  try {
    return run();
  } catch {
    return refuse(code);
  }
}

/** Names the culprit of a refusal inside. What is no refusal is a defect and passes through. */
export function blame<T>(at: number, run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof Refused) throw new Refused(e.code, at);
    throw e;
  }
}
