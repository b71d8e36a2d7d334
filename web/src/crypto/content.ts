/**
 * The JSON inside sealed things: content, identity record, messages, replies, disputes; and the rating, which is not sealed.
 * Source: docs/protocol.md, "JSON inside sealed things".
 */
import { attachment } from "./attachment.ts";
import type { Bytes } from "./codec.ts";
import { checkKemKey } from "./hpke/xwing.ts";
import { padRecord, unpadRecord } from "./padding.ts";
import { embedded } from "./statement/statement.ts";
import { anyText, bytes, code, fromBytes, h, list, mapOf, maybe, n, object, oneOf, some, text, toBytes, upTo, v1, where, type Format, type Of } from "./statement/value.ts";
import { release } from "./statement/verbs.ts";

/** An X-Wing public key that passes every check; anything else is `field`. */
export const kemKey = where(bytes, (key) => {
  try {
    return checkKemKey(key).length > 0;
  } catch {
    return false;
  }
});

/** Decimal degrees as text: at most seven decimals (a centimetre), no exponent, no leading zero. */
const degrees = (most: number): Format<string> =>
  where(anyText, (found) => {
    const parts = /^-?(0|[1-9][0-9]{0,2})(?:\.([0-9]{1,7}))?$/.exec(found);
    if (!parts) return false;
    const whole = Number(parts[1]);
    return whole < most || (whole === most && /^0*$/.test(parts[2] ?? ""));
  });

const locationFields = object({
  precision: oneOf("point", "street", "ward", "none"),
  lat: maybe(degrees(90)),
  lon: maybe(degrees(180)),
  text: anyText,
});

/** Coordinates come in pairs; a point or street needs them, `none` has none. */
export const location = where(locationFields, ({ precision, lat, lon }) => {
  if ((lat === undefined) !== (lon === undefined)) return false;
  return precision === "ward" || (lat !== undefined) === (precision !== "none");
});

/** Who sealed in the reporter's place, and so saw text, identity and receipt; absent where her own device did. */
export const via = oneOf("facade", "counter", "form");

export const content = object({
  v: v1,
  category: code,
  text: anyText,
  language: code,
  location,
  attributes: mapOf(code, text),
  release,
  identity: oneOf("none", "sealed"),
  mailbox_pk: kemKey,
  attachments: list(attachment),
  via: maybe(via),
});
export type Content = Of<typeof content>;

export const record = object({
  v: v1,
  name: maybe(anyText),
  contact: maybe(some(object({ kind: oneOf("phone", "email", "address", "other"), value: anyText }))),
  national_id: maybe(anyText),
  note: maybe(anyText),
});
export type IdentityRecord = Of<typeof record>;

/** The padded record; nothing is "no identity given", of the same size. Error: `too-long`. */
export const recordToPadded = (found?: IdentityRecord): Bytes =>
  padRecord(found === undefined ? new Uint8Array(0) : toBytes(record, found));

/** Reads a padded record. Errors: `size`, `length`, `pad`, those of strict JSON. */
export function recordFromPadded(padded: Bytes): IdentityRecord | undefined {
  const json = unpadRecord(padded);
  return json.length === 0 ? undefined : fromBytes(record, json);
}

/** A message, either way. Numbered and chained, so that both sides see gaps. */
export const message = object({
  v: v1,
  seq: n,
  prev: h,
  kind: oneOf("question", "answer", "note"),
  re: maybe(n),
  text: anyText,
});
export type Message = Of<typeof message>;

/** What is sealed to the mailbox: the message with the forwarder's `reply` statement over its SHA-256. */
export const sealedReply = object({ v: v1, message: bytes, statement: embedded });

export const dispute = object({
  v: v1,
  seq: n,
  code: oneOf("not_done", "wrong_place", "false_proof", "other"),
  text: anyText,
});

export const rating = object({ v: v1, stars: upTo(5, 1) });

