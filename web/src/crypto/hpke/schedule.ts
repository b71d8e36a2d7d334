/**
 * RFC 9180 from a KEM's shared secret, or from a DH output that is already there: base mode, HKDF-SHA256,
 * ChaCha20Poly1305, one message (sequence number 0).
 *
 *     eae_prk       = LabeledExtract("", "eae_prk", dh)                              KEM suite  "KEM"  0x0020
 *     shared_secret = LabeledExpand(eae_prk, "shared_secret", enc ‖ pkRm, 32)
 *     context       = 0x00 ‖ LabeledExtract("", "psk_id_hash", "") ‖ LabeledExtract("", "info_hash", info)
 *     secret        = LabeledExtract(shared_secret, "secret", "")                    HPKE suite "HPKE" kem 0x0001 0x0003
 *     key, base_nonce, exp = LabeledExpand(secret, …, context, 32 | 12 | 32)
 *
 * Sections 4, 4.1 and 5.1. The second way in is for the council, whose private key exists nowhere.
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { be, cat, utf8, type Bytes } from "../codec.ts";
import { need, otherwise } from "../errors.ts";

export const KEM_X25519 = 0x0020;
export const KEM_XWING = 0x647a;

const VERSION = utf8("HPKE-v1");
const NONE = new Uint8Array(0);

const labeledExtract = (suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Bytes =>
  extract(sha256, cat(VERSION, suite, utf8(label), ikm), salt);
const labeledExpand = (prk: Bytes, suite: Bytes, label: string, info: Bytes, length: number): Bytes =>
  expand(sha256, prk, cat(be(length, 2), VERSION, suite, utf8(label), info), length);

/** The keys of one message. Sender and receiver have the same. */
export class Context {
  private readonly suite: Bytes;
  private readonly key: Bytes;
  private readonly nonce: Bytes;
  private readonly exporter: Bytes;

  constructor(kem: number, sharedSecret: Bytes, info: string) {
    this.suite = cat(utf8("HPKE"), be(kem, 2), be(1, 2), be(3, 2));
    const hash = (label: string, data: Bytes): Bytes => labeledExtract(this.suite, NONE, label, data);
    const context = cat(Uint8Array.of(0), hash("psk_id_hash", NONE), hash("info_hash", utf8(info)));
    const secret = labeledExtract(this.suite, sharedSecret, "secret", NONE);
    const make = (label: string, length: number): Bytes => labeledExpand(secret, this.suite, label, context, length);
    [this.key, this.nonce, this.exporter] = [make("key", 32), make("base_nonce", 12), make("exp", 32)];
  }

  /** Seals the one message of this context: a second one would repeat the nonce. */
  seal(aad: Bytes, plaintext: Bytes): Bytes {
    return chacha20poly1305(this.key, this.nonce, aad).encrypt(plaintext);
  }

  /** Opens the one message. Error: `aead`. */
  open(aad: Bytes, ciphertext: Bytes): Bytes {
    return otherwise("aead", () => chacha20poly1305(this.key, this.nonce, aad).decrypt(ciphertext));
  }

  /** `Context.Export`, section 5.3. */
  export(context: string, length: number): Bytes {
    return labeledExpand(this.exporter, this.suite, "sec", utf8(context), length);
  }
}

/** From the DH output of `enc` and the receiver's key, both u-coordinates. Error: `zero-dh` (section 7.1.4). */
export function contextOfDh(dh: Bytes, enc: Bytes, receiver: Bytes, info: string): Context {
  need(dh.some((byte) => byte !== 0), "zero-dh");
  const suite = cat(utf8("KEM"), be(KEM_X25519, 2));
  const prk = labeledExtract(suite, NONE, "eae_prk", dh);
  return new Context(KEM_X25519, labeledExpand(prk, suite, "shared_secret", cat(enc, receiver), 32), info);
}
