/**
 * Statements: whatever anybody signs is a DSSE envelope (secure-systems-lab, PAE, Ed25519) in one canonical form.
 *
 *     {"payload":"…","payloadType":"application/vnd.tabir.<verb>+json","signatures":[{"keyid":"…","sig":"…"}]}
 *     PAE = "DSSEv1 " ‖ len(type) ‖ " " ‖ type ‖ " " ‖ len(payload) ‖ " " ‖ payload      (lengths in decimal ASCII)
 *
 * Not covered: who must sign a verb. Source: docs/protocol.md, "Statements".
 */
import { b64, cat, compare, equal, hex, sized, unb64, unhex, utf8, type Bytes } from "../codec.ts";
import { keyId, publicKey, sign as ed25519Sign, verify as ed25519Verify } from "../ed25519.ts";
import { need, otherwise, refuse } from "../errors.ts";
import { parse as parseJson, write, type Json } from "../json.ts";
import { leafHash } from "../log/tree.ts";
import { anyText, list, object, toBytes as writeAs, type Format } from "./value.ts";
import { VERBS, isVerb, readBody, type Body, type Verb } from "./verbs.ts";

/** The longest statement and log leaf: C2SP entry bundles have a 16-bit length. */
export const MAX_STATEMENT = 65_535;

/** A statement whose form is right and whose signatures nobody has looked at. */
export interface Statement {
  readonly verb: Verb;
  /** As it was signed. */
  readonly payload: Bytes;
  /** By rising key id. */
  readonly signatures: readonly { readonly keyid: Bytes; readonly sig: Bytes }[];
}

/** A statement of which every signature verified, with who signed it. */
export interface Verified {
  readonly statement: Statement;
  readonly body: Body<Verb>;
  readonly signers: readonly Bytes[];
}

const wire = object({ payload: anyText, payloadType: anyText, signatures: list(object({ keyid: anyText, sig: anyText })) });

const PREFIX = "application/vnd.tabir.";
const SUFFIX = "+json";
export const payloadType = (verb: Verb): string => PREFIX + verb + SUFFIX;

function verbOf(type: string): Verb {
  const name = type.startsWith(PREFIX) && type.endsWith(SUFFIX) ? type.slice(PREFIX.length, -SUFFIX.length) : "";
  return isVerb(name) ? name : refuse("verb");
}

/** DSSE's pre-authentication encoding: what is signed. */
export function pae(statement: Statement): Bytes {
  const [type, payload] = [utf8(payloadType(statement.verb)), statement.payload];
  return cat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/** The one canonical form: what travels, what is logged. */
export function toBytes(statement: Statement): Bytes {
  return write(embedded.write(statement));
}

/** RFC 6962 leaf hash of the canonical form. */
export const entryHash = (statement: Statement): Bytes => leafHash(toBytes(statement));

/** Makes a statement without signatures. */
export function make<V extends Verb>(verb: V, body: Body<V>): Statement {
  const payload = writeAs(VERBS[verb] as Format<Body<V>>, body);
  readBody(verb, parseJson(payload));
  return { verb, payload, signatures: [] };
}

/** Adds a signature; a key's second one takes the place of its first. */
export function sign(statement: Statement, seed: Bytes): Statement {
  const keyid = keyId(publicKey(seed));
  const others = statement.signatures.filter((s) => !equal(s.keyid, keyid));
  const signatures = [...others, { keyid, sig: ed25519Sign(seed, pae(statement)) }];
  return { ...statement, signatures: signatures.sort((a, b) => compare(a.keyid, b.keyid)) };
}

/** Makes and signs in one go. */
export function signed<V extends Verb>(verb: V, body: Body<V>, ...seeds: Bytes[]): Statement {
  return seeds.reduce(sign, make(verb, body));
}

/**
 * Reads the one canonical form; signatures are not checked. Errors: `too-long`, those of strict JSON and schema,
 * `signatures`, `base64`, `verb`, `signature-order`, `size`, `non-canonical`.
 */
export function parse(bytes: Bytes): Statement {
  need(bytes.length <= MAX_STATEMENT, "too-long");
  const statement = readWire(parseJson(bytes));
  need(equal(toBytes(statement), bytes), "non-canonical");
  return statement;
}

function readWire(json: Json): Statement {
  const found = wire.read(json);
  need(found.signatures.length > 0, "signatures");
  const payload = unb64(found.payload);
  const verb = verbOf(found.payloadType);
  const signatures = found.signatures.map((s) => {
    const keyid = otherwise("signature-order", () => sized(unhex(s.keyid), 32));
    return { keyid, sig: sized(unb64(s.sig), 64) };
  });
  signatures.slice(1).forEach((s, i) => need(compare(signatures[i]?.keyid ?? s.keyid, s.keyid) < 0, "signature-order"));
  return { verb, payload, signatures };
}

/** A statement as an object inside other JSON, whose spaces and order of fields are free. */
export const embedded: Format<Statement> = {
  read(json) {
    const compact = writeAs(wire, wire.read(json));
    return otherwise("field", () => parse(compact));
  },
  write: (statement) => ({
    payload: b64(statement.payload),
    payloadType: payloadType(statement.verb),
    signatures: statement.signatures.map((s) => ({ keyid: hex(s.keyid), sig: b64(s.sig) })),
  }),
};

/** The payload read by its schema, signatures aside: to find out whose keys to ask for. */
export function body<V extends Verb>(statement: Statement, verb: V): Body<V> {
  need(statement.verb === verb, "verb");
  return readBody(verb, parseJson(statement.payload));
}

/**
 * Checks every signature against the keys known for this statement, then the payload. Errors: `unknown-key`, those of
 * Ed25519, strict JSON and schema.
 */
export function verify(statement: Statement, keys: readonly Bytes[]): Verified {
  need(statement.signatures.length > 0, "signatures");
  const message = pae(statement);
  for (const { keyid, sig } of statement.signatures) {
    const key = keys.find((k) => equal(keyId(k), keyid)) ?? refuse("unknown-key");
    ed25519Verify(key, message, sig);
  }
  const signers = statement.signatures.map((s) => s.keyid);
  return { statement, body: body(statement, statement.verb), signers };
}
