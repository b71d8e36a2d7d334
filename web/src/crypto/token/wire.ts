/**
 * The messages of RFC 9577 (challenge, token) and RFC 9578 section 6 (request, response), type 0x0002 only, and the two
 * headers in the one form that Tabir writes and takes.
 *
 *     TokenChallenge  u16 type | u16 length | issuer_name | u8 0 or 32 | redemption_context | u16 length | origin_info
 *     TokenRequest    u16 type | u8 truncated_token_key_id | blinded_msg 256                              (259)
 *     TokenResponse   blind_sig 256                                                                       (256)
 *     Token           u16 type | nonce 32 | challenge_digest 32 | token_key_id 32 | authenticator 256     (354)
 *
 *     Authorization: PrivateToken token="<base64url, padded>"
 *     WWW-Authenticate: PrivateToken challenge="<base64url, padded>", token-key="<… of the SPKI>"
 *
 * The authenticator is a signature over the token's first 98 bytes. Tabir's own challenges have no redemption context.
 */
import { b64urlPadded, be, cat, fromUtf8, readBe, sha256, unb64urlPadded, utf8, type Bytes } from "../codec.ts";
import { need, refuse } from "../errors.ts";

const TYPE = be(2, 2);
/** Bytes of an RSA-2048 modulus, message or signature. */
export const NK = 256;

/** Takes fields off the front of a message; what is missing is `size`, another token type `token-type`. */
class Reader {
  private at = 0;

  constructor(private readonly bytes: Bytes) {
    need(readBe(this.take(2)) === 2, "token-type");
  }

  take(n: number): Bytes {
    need(this.at + n <= this.bytes.length, "size");
    return this.bytes.slice(this.at, (this.at += n));
  }

  text(): string {
    const bytes = this.take(readBe(this.take(2)));
    need(bytes.every((byte) => byte < 0x80), "field");
    return fromUtf8(bytes);
  }

  end<T>(found: T): T {
    need(this.at === this.bytes.length, "trailing");
    return found;
  }
}

/** What a token is for. Only its SHA-256 stands in the token. */
export interface TokenChallenge {
  readonly issuerName: string;
  readonly redemptionContext?: Bytes;
  readonly originInfo: string;
}

/** Tabir's challenge: both names come from the trust root, whatever the address. Error: `field` (empty, not ASCII, too long). */
export function challengeFor(issuerName: string, origin: string): TokenChallenge {
  for (const name of [issuerName, origin]) need(/^[\x00-\x7f]+$/.test(name) && name.length <= 0xffff, "field");
  return { issuerName, originInfo: origin };
}

/** Reads any challenge of this type. Errors: `token-type`, `size`, `field`, `trailing`. */
export function decodeChallenge(bytes: Bytes): TokenChallenge {
  const r = new Reader(bytes);
  const issuerName = r.text();
  need(issuerName.length > 0, "field");
  const length = readBe(r.take(1));
  need(length === 0 || length === 32, "field");
  const context = r.take(length);
  const originInfo = r.text();
  return r.end({ issuerName, originInfo, ...(length > 0 && { redemptionContext: context }) });
}

export function encodeChallenge(c: TokenChallenge): Bytes {
  const [issuer, origin] = [utf8(c.issuerName), utf8(c.originInfo)];
  const context = c.redemptionContext ?? new Uint8Array(0);
  return cat(TYPE, be(issuer.length, 2), issuer, be(context.length, 1), context, be(origin.length, 2), origin);
}

export const challengeDigest = (c: TokenChallenge): Bytes => sha256(encodeChallenge(c));

/** A client's request: nothing in it tells which token will come of it. */
export interface TokenRequest {
  readonly truncatedKeyId: number;
  readonly blindedMsg: Bytes;
}

export const encodeRequest = (r: TokenRequest): Bytes => cat(TYPE, be(r.truncatedKeyId, 1), r.blindedMsg);

/** Reads exactly 259 bytes. Errors: `token-type`, `size`, `trailing`. */
export function decodeRequest(bytes: Bytes): TokenRequest {
  const r = new Reader(bytes);
  const [id, blindedMsg] = [r.take(1), r.take(NK)];
  return r.end({ truncatedKeyId: readBe(id), blindedMsg });
}

/** A token in its form; nobody has verified it. */
export interface Token {
  readonly nonce: Bytes;
  readonly challengeDigest: Bytes;
  readonly keyId: Bytes;
  readonly authenticator: Bytes;
}

/** What the authenticator signs: the first 98 bytes. */
export const tokenInput = (t: Omit<Token, "authenticator">): Bytes => cat(TYPE, t.nonce, t.challengeDigest, t.keyId);
export const encodeToken = (t: Token): Bytes => cat(tokenInput(t), t.authenticator);

/** Reads exactly 354 bytes. Errors: `token-type`, `size`, `trailing`. */
export function decodeToken(bytes: Bytes): Token {
  const r = new Reader(bytes);
  const [nonce, digest, keyId, authenticator] = [r.take(32), r.take(32), r.take(32), r.take(NK)];
  return r.end({ nonce, challengeDigest: digest, keyId, authenticator });
}

const MAX_HEADER = 4_096;

/** The quoted values of exactly the named parameters, in any order. Errors: `too-long`, `field`. */
function params(value: string, names: readonly string[]): Map<string, string> {
  need(utf8(value).length <= MAX_HEADER, "too-long");
  const at = value.indexOf(" ");
  need(at >= 0 && value.slice(0, at).toLowerCase() === "privatetoken", "field");
  const found = new Map<string, string>();
  for (const param of value.slice(at + 1).split(",")) {
    const [, name, text] = /^[ \t]*([^=]*)="([^]*)"[ \t]*$/.exec(param) ?? refuse("field");
    const known = names.find((n) => n === name?.toLowerCase()) ?? refuse("field");
    need(!found.has(known), "field");
    found.set(known, text ?? "");
  }
  need(found.size === names.length, "field");
  return found;
}

const value = (found: Map<string, string>, name: string): Bytes => unb64urlPadded(found.get(name) ?? refuse("field"));

export const writeAuthorization = (token: Token): string => `PrivateToken token="${b64urlPadded(encodeToken(token))}"`;

/** Reads the value of `Authorization`. Errors: `too-long`, `field` (another form), `base64`, those of `decodeToken`. */
export const readAuthorization = (header: string): Token => decodeToken(value(params(header, ["token"]), "token"));

/** Reads the value of `WWW-Authenticate`: challenge and SPKI. Errors: `too-long`, `field`, `base64`, those of `decodeChallenge`. */
export function readChallengeHeader(header: string): { challenge: TokenChallenge; spki: Bytes } {
  const found = params(header, ["challenge", "token-key"]);
  return { challenge: decodeChallenge(value(found, "challenge")), spki: value(found, "token-key") };
}

export const writeChallengeHeader = (c: TokenChallenge, spki: Bytes): string =>
  `PrivateToken challenge="${b64urlPadded(encodeChallenge(c))}", token-key="${b64urlPadded(spki)}"`;
