/** An installation's keys and a governance log that a test writes: whatever its signers could say, right or wrong. */
import { sha256, utf8, type Bytes } from "../src/crypto/codec.ts";
import { publicKey } from "../src/crypto/ed25519.ts";
import { Refused } from "../src/crypto/errors.ts";
import { kemPublicKey } from "../src/crypto/hpke/xwing.ts";
import { COSIGNATURE, ED25519, verifierKey, verifierKeyText } from "../src/crypto/log/note.ts";
import { B, Fn, times } from "../src/crypto/point.ts";
import { noticeTag } from "../src/crypto/receipt.ts";
import { entryHash, signed, toBytes, type Statement } from "../src/crypto/statement/statement.ts";
import type { Body } from "../src/crypto/statement/verbs.ts";
import { councilOf, lineageOf } from "../src/crypto/threshold/council.ts";
import { spkiOf } from "../src/crypto/token/blind.ts";
import { ROLES, pinned, type Role, type Trust } from "../src/crypto/trust/root.ts";
import { State, type Kind } from "../src/crypto/trust/state.ts";

export const HOUR = 3600;
export const DAY = 24 * HOUR;
/** The first hour of the log. */
export const T0 = 500_000 * HOUR;

export const seed = (name: string): Bytes => sha256(utf8(name));
const vkey = (name: string, kind: typeof ED25519 | typeof COSIGNATURE): string => verifierKeyText(verifierKey(name, kind, publicKey(seed(name))));
export const AUDITORS = ["auditor-1", "auditor-2", "auditor-3"];
export const COOLING = 3 * DAY;
export const DELAY = { token: DAY, intake: DAY, warden: 7 * DAY, council: 7 * DAY };

export function trustRoot(): Trust {
  const body: Body<"trust.root"> = {
    v: 1, at: T0, version: 1, demo: false, name: "World", issuer_name: "issuer.example", origin: "gateway.example",
    logs: [
      { name: "governance", origin: "governance", vkey: vkey("governance", ED25519) },
      { name: "intake", origin: "intake", vkey: vkey("intake", ED25519) },
    ],
    witnesses: [vkey("witness", COSIGNATURE)],
    witness_quorum: 1,
    identities: new Map(ROLES.map((role) => [role as Role, publicKey(seed(role))])),
    auditors: AUDITORS.map((a) => publicKey(seed(a))),
    auditor_quorum: 2,
    activation_s: DELAY,
    freshness_s: 3 * DAY,
    cooling_off_s: COOLING,
    release_cap_per_day: 3,
    deferral_max_s: 90 * DAY,
    previous: null,
  };
  return pinned(signed("trust.root", body, seed("auditor-1"), seed("auditor-2")));
}

export const OFFICIALS = ["official-1", "official-2", "official-3"];

/** A council of two of three, its shares dealt in one place. */
export function council(name = "council", officials = OFFICIALS): Body<"council.formed"> {
  const scalar = (what: string): bigint => Fn.create(BigInt("0x" + Buffer.from(seed(`${name} ${what}`)).toString("hex")));
  const [s, a] = [scalar("s"), scalar("a")];
  const y = times(B, s).toBytes();
  const ceremony_id = seed(`${name} ceremony`);
  return {
    v: 1, at: T0, ceremony_id, lineage: lineageOf(y, ceremony_id), epoch: 1, t: 2, n: 3, Y: y,
    members: officials.map((official, i) => ({
      index: i + 1, Yi: times(B, Fn.create(s + a * BigInt(i + 1))).toBytes(), ed_vk: publicKey(seed(official)), kem_pk: kemPublicKey(seed(`${official} kem`)),
    })),
    transcript: seed(`${name} transcript`),
  };
}

export const councilId = (body: Body<"council.formed">): Bytes => councilOf(body).id;

export const FORMED_BY = [...OFFICIALS, "warden", "auditor-1"];

const keyOf = (kind: Kind, name: string): Bytes =>
  kind === "token" ? spkiOf((BigInt("0x" + Buffer.from(seed(name)).toString("hex").repeat(8)) | 1n | (1n << 2047n)) & ((1n << 2048n) - 1n)) : kemPublicKey(seed(name));

const SIGNS = { token: "issuer", intake: "forwarder", warden: "warden" } as const;

export function announced(kind: Kind, epoch: number, more: Partial<Body<"key.announced">> & { name?: string } = {}): Body<"key.announced"> {
  const { name = `${kind} ${epoch}`, ...rest } = more;
  return { v: 1, at: T0, role: SIGNS[kind], kind, epoch, key: keyOf(kind, name), not_before: T0, not_after: T0 + 365 * DAY, ...rest };
}

export const NOTICE_KEY = seed("notice key of the case");

export function asked(more: Partial<Body<"unseal.requested">> = {}): Body<"unseal.requested"> {
  const nonce = seed("nonce");
  return {
    v: 1, at: T0, request_id: seed("request").slice(0, 16), council_id: councilId(council()), requester: 1, legal_basis: "court", reason: "threat",
    commit: seed("commit"), tag: noticeTag(NOTICE_KEY, nonce), nonce, ...more,
  };
}

/** A log that grows as a test tells it to. */
export class World {
  readonly trust = trustRoot();
  readonly state = new State(this.trust);
  private next = 0;

  /** An entry, witnessed so many seconds after the first hour; its refusal's code, or nothing where it was taken. */
  say<V extends Parameters<typeof signed>[0]>(verb: V, body: Body<V>, by: readonly string[], at = 0): { refused?: string; hash: Bytes } {
    const statement = signed(verb, body, ...by.map(seed));
    return this.take(statement, at);
  }

  take(statement: Statement, at = 0): { refused?: string; hash: Bytes } {
    const hash = entryHash(statement);
    try {
      this.state.apply(this.next++, toBytes(statement), T0 + at);
      return { hash };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { refused: error.code, hash };
    }
  }

  /** Council and warden's key, as they should be. */
  established(): this {
    this.say("council.formed", council(), FORMED_BY);
    this.say("key.announced", announced("warden", 1), ["warden", "auditor-1", "auditor-2"]);
    this.say("key.announced", announced("intake", 1), ["forwarder"]);
    this.say("key.announced", announced("token", 1), ["issuer"]);
    return this;
  }
}
