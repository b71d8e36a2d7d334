/**
 * What is sealed to whom. The aad, T(info; …), binds each message to its place, so that it opens nowhere else.
 * Source: docs/protocol.md, "HPKE uses". The outer envelope has its own aad: see `envelope/outer.ts`.
 */
import { T, be, type Bytes, type Put, type Random } from "../codec.ts";
import { openWith, sealTo } from "./xwing.ts";

/** The place of one sealed message: HPKE's info, and the fields of the aad. */
export interface Use {
  readonly info: string;
  readonly fields: readonly Put[];
}

const use = (what: string, ...fields: Put[]): Use => ({ info: `tabir/v1/${what}`, fields });
const u8 = (label: string, n: number): Put => [label, be(n, 1)];
const u16 = (label: string, n: number): Put => [label, be(n, 2)];
const u64 = (label: string, n: number): Put => [label, be(n, 8)];

/** A report's content, to the intake key. */
export const contentUse = (caseId: Bytes, intakeKeyId: Bytes): Use =>
  use("content", ["case_id", caseId], ["intake_key_id", intakeKeyId]);
/** A reporter's later message or dispute, to the intake key. */
export const followupUse = (caseId: Bytes, seq: number, intakeKeyId: Bytes): Use =>
  use("followup", ["case_id", caseId], u64("seq", seq), ["intake_key_id", intakeKeyId]);
/** A sealed reply, to the reporter's mailbox. */
export const mailboxUse = (caseId: Bytes, seq: number): Use => use("mailbox", ["case_id", caseId], u64("seq", seq));
/** The full text of an unseal request, to an official or the warden. */
export const requestUse = (commit: Bytes, recipientKeyId: Bytes): Use =>
  use("request", ["commit", commit], ["recipient_key_id", recipientKeyId]);
/** The inner envelope, to an approver's fresh key. */
export const handoutUse = (requestHash: Bytes, index: number): Use =>
  use("handout", ["request_hash", requestHash], u16("index", index));
/** A partial decryption, to an approver's fresh key. */
export const partialUse = (requestHash: Bytes, from: number, to: number): Use =>
  use("partial", ["request_hash", requestHash], u16("from", from), u16("to", to));
/** A share of a key ceremony, to a member. */
export const ceremonyUse = (ceremonyId: Bytes, round: number, from: number, to: number): Use =>
  use("ceremony", ["ceremony_id", ceremonyId], u8("round", round), u16("from", from), u16("to", to));

export const aadOf = (place: Use): Bytes => T(place.info, place.fields);

/** Seals one message for its place. Errors: `size` (nothing to seal), `kem`. */
export const seal = (key: Bytes, place: Use, plaintext: Bytes, random: Random): Bytes =>
  sealTo(key, place.info, aadOf(place), plaintext, random);

/** Opens one message at its place. Errors: `size`, `kem`, `aead` (of another place too). */
export const open = (seed: Bytes, place: Use, wire: Bytes): Bytes => openWith(seed, place.info, aadOf(place), wire);
