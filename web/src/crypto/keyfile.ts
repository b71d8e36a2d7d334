/**
 * Key files: Argon2id and XChaCha20Poly1305 around a secret at rest.
 *
 *     magic "tabirkey" 8 ‖ version 0x01 ‖ memory KiB u32 ‖ iterations u32 ‖ lanes u8 ‖ salt 16 ‖ nonce 24 ‖ ct (secret + 16)
 *     key = Argon2id(passphrase, salt, memory, iterations, lanes), version 0x13, 32 bytes          RFC 9106
 *     aad = the 58 bytes before ct ‖ what the secret is bound to
 *
 * The costs stand in the file and are checked before any work: a planted file can neither weaken the derivation nor
 * exhaust memory. Source: docs/protocol.md, "Key files".
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { argon2id } from "@noble/hashes/argon2.js";

import { be, cat, equal, readBe, utf8, type Bytes, type Random } from "./codec.ts";
import { need, otherwise } from "./errors.ts";

const MAGIC = utf8("tabirkey");
const HEADER = 58;

/** What one guess of the passphrase costs: memory in KiB, passes, lanes. */
export interface Cost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly lanes: number;
}

function cipher(passphrase: Bytes, header: Bytes, aad: Bytes) {
  const cost = readCost(header);
  const within = (n: number, least: number, most: number): boolean => n >= least && n <= most;
  const sound = within(cost.memoryKib, 8 * 1024, 1024 * 1024) && within(cost.iterations, 1, 16) && within(cost.lanes, 1, 4);
  need(sound, "field");
  const salt = header.slice(18, 34);
  const options = { m: cost.memoryKib, t: cost.iterations, p: cost.lanes, dkLen: 32, version: 0x13 };
  return xchacha20poly1305(argon2id(passphrase, salt, options), header.slice(34), cat(header, aad));
}

const readCost = (header: Bytes): Cost => ({
  memoryKib: readBe(header.slice(9, 13)),
  iterations: readBe(header.slice(13, 17)),
  lanes: header[17] ?? 0,
});

/** Seals a secret under a passphrase. Draws salt 16 and nonce 24. Error: `field` (a cost out of range). */
export function sealKeyFile(passphrase: Bytes, secret: Bytes, aad: Bytes, cost: Cost, random: Random): Bytes {
  const costs = cat(be(cost.memoryKib, 4), be(cost.iterations, 4), be(cost.lanes, 1));
  const header = cat(MAGIC, Uint8Array.of(1), costs, random(16), random(24));
  return cat(header, cipher(passphrase, header, aad).encrypt(secret));
}

/**
 * Opens a key file. Errors: `size`, `version` (not a key file of this version), `field` (a cost out of range),
 * `passphrase` (the passphrase is wrong, or the file or what it is bound to was changed).
 */
export function openKeyFile(passphrase: Bytes, file: Bytes, aad: Bytes): Bytes {
  need(file.length >= HEADER, "size");
  const [header, ct] = [file.slice(0, HEADER), file.slice(HEADER)];
  need(equal(header.slice(0, 8), MAGIC) && header[8] === 1, "version");
  const opener = cipher(passphrase, header, aad);
  return otherwise("passphrase", () => opener.decrypt(ct));
}
