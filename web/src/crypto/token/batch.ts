/**
 * Several tokens at once: the generic batch of draft-ietf-privacypass-batched-tokens, token type 0x0002 only.
 *
 *     GenericBatchTokenRequest   V | TokenRequest …                          1 to 8
 *     GenericBatchTokenResponse  V | (u8 1 | u16 type | TokenResponse) …     as many; u8 0 alone: refused
 *     V                          bytes that follow, as a QUIC variable-length integer (RFC 9000, section 16), shortest form
 *
 * An answer stands at the place of its request. The issuer signs all of a batch or none, and nothing less is taken.
 * `splitRequests` and `splitResponses` know the lengths of all types of the draft; nothing here makes those.
 */
import { be, cat, readBe, type Bytes, type Random } from "../codec.ts";
import { need, refuse } from "../errors.ts";
import { blindToken, type TokenKey } from "./blind.ts";
import { NK, decodeRequest, encodeRequest, type Token, type TokenChallenge, type TokenRequest } from "./wire.ts";

/** Media types; sent and taken without parameters. */
export const BATCH_REQUEST_TYPE = "application/private-token-generic-batch-request";
export const BATCH_RESPONSE_TYPE = "application/private-token-generic-batch-response";
/** Tokens that one attestation buys at most, and how many a client fetches at once. */
export const MAX_BATCH = 8;

/** Bytes of a request with its type, and of a response without it, for each token type of the draft. */
const LENGTHS = new Map<number, readonly [request: number, response: number]>([
  [0x0001, [2 + 1 + 49, 49 + 96]],
  [0x0002, [2 + 1 + NK, NK]],
  [0x0005, [2 + 1 + 32, 32 + 64]],
]);

/** The body after its length. Errors: `size`, `trailing`, `non-canonical`, `too-long` (above 16,383). */
function body(bytes: Bytes): Bytes {
  const first = bytes[0] ?? refuse("size");
  need(first < 0x80, "too-long");
  const head = first < 0x40 ? 1 : 2;
  need(bytes.length >= head, "size");
  const length = readBe(bytes.slice(0, head)) & 0x3fff;
  need(head === 1 || length > 0x3f, "non-canonical");
  need(bytes.length >= head + length, "size");
  need(bytes.length === head + length, "trailing");
  return bytes.slice(head);
}

function framed(content: Bytes): Bytes {
  need(content.length < 0x4000, "too-long");
  return cat(content.length < 0x40 ? be(content.length, 1) : be(content.length | 0x4000, 2), content);
}

/** Cuts off one message with its type; `which` says whether a request or a response is expected. */
function typed(bytes: Bytes, at: number, which: 0 | 1): Bytes {
  need(bytes.length >= at + 2, "size");
  const lengths = LENGTHS.get(readBe(bytes.slice(at, at + 2))) ?? refuse("token-type");
  const end = at + lengths[which] + (which === 1 ? 2 : 0);
  need(bytes.length >= end, "size");
  return bytes.slice(at, end);
}

/** Takes a batch of requests apart, each with its type. Errors: those of the length, `size`, `token-type`. */
export function splitRequests(bytes: Bytes): Bytes[] {
  const content = body(bytes);
  const found: Bytes[] = [];
  for (let at = 0; at < content.length; ) {
    const one = typed(content, at, 0);
    found.push(one);
    at += one.length;
  }
  return found;
}

/** Takes a batch of answers apart, each with its type; nothing where the issuer refused. Errors: as `splitRequests`, `field`. */
export function splitResponses(bytes: Bytes): (Bytes | undefined)[] {
  const content = body(bytes);
  const found: (Bytes | undefined)[] = [];
  for (let at = 0; at < content.length; ) {
    const present = content[at++] ?? refuse("size");
    need(present <= 1, "field");
    const one = present === 1 ? typed(content, at, 1) : undefined;
    found.push(one);
    at += one?.length ?? 0;
  }
  return found;
}

export const joinRequests = (requests: readonly Bytes[]): Bytes => framed(cat(...requests));
export const joinResponses = (responses: readonly (Bytes | undefined)[]): Bytes =>
  framed(cat(...responses.map((found) => (found === undefined ? be(0, 1) : cat(be(1, 1), found)))));

function counted<T>(found: T[]): T[] {
  need(found.length > 0, "too-few");
  need(found.length <= MAX_BATCH, "too-long");
  return found;
}

/** Errors: `too-few` (none), `too-long` (more than eight). */
export const encodeBatchRequest = (requests: TokenRequest[]): Bytes => joinRequests(counted(requests).map(encodeRequest));

/** Reads a batch. Errors: those of `splitRequests`, `too-few`, `too-long`, `token-type`. */
export const decodeBatchRequest = (bytes: Bytes): TokenRequest[] => counted(splitRequests(bytes)).map(decodeRequest);

/** Errors: `too-few`, `too-long`. */
export const encodeBatchResponse = (responses: Bytes[]): Bytes => joinResponses(counted(responses).map((one) => cat(be(2, 2), one)));

/** Reads the blind signatures of a batch. Errors: those of `splitResponses`, `too-few`, `too-long`, `token-type`, `blind-signature` (one left out). */
export function decodeBatchResponse(bytes: Bytes): Bytes[] {
  return counted(splitResponses(bytes)).map((part) => {
    const found = part ?? refuse("blind-signature");
    need(readBe(found.slice(0, 2)) === 2, "token-type");
    return found.slice(2);
  });
}

/** A batch that waits for the issuer's answer. Its blinding links request and tokens: it is never stored. */
export interface PendingBatch {
  /** The body to send as `BATCH_REQUEST_TYPE`; after a lost answer the very same bytes again, with the same attestation. */
  readonly request: Bytes;
  /** Reads and unblinds the answer's body, and verifies the tokens, in the order of the requests: all, or none. Error: those of `decodeBatchResponse`, `blind-signature`. */
  finalize(response: Bytes): Token[];
}

/** Makes `count` tokens' inputs and blinds them, one after the other as `blindToken` does. Errors: `token-key`, `too-few`, `too-long`. */
export function blindBatch(key: TokenKey, challenge: TokenChallenge, random: Random, count: number = MAX_BATCH): PendingBatch {
  const pending = counted(Array.from({ length: count }, () => undefined)).map(() => blindToken(key, challenge, random));
  return {
    request: encodeBatchRequest(pending.map((one) => one.request)),
    finalize(response) {
      const answers = decodeBatchResponse(response);
      need(answers.length === pending.length, "blind-signature");
      return pending.map((one, i) => one.finalize(answers[i] ?? refuse("blind-signature")));
    },
  };
}
