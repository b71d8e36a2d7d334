/**
 * The trust root: what a client believes before it has fetched anything, and the versions that follow from it.
 * Source: docs/protocol.md, "Trust root"; `crypto/src/trust/verify.rs`.
 */
import { equal, hex, sha256, type Bytes } from "../codec.ts";
import { keyId, verifyingKey } from "../ed25519.ts";
import { need, refuse } from "../errors.ts";
import { logVerifier, witnesses, type LogVerifier, type Witnesses } from "../log/checkpoint.ts";
import { EMPTY, type TreeHead } from "../log/tree.ts";
import { body, toBytes, verify, type Statement } from "../statement/statement.ts";
import type { Body } from "../statement/verbs.ts";

export type Root = Body<"trust.root">;
export type Role = Root["identities"] extends Map<infer R, Bytes> ? R : never;
export type LogName = "governance" | "intake";

export const ROLES: readonly string[] = ["issuer", "gateway", "forwarder", "council", "log", "warden"];

/** A version that its signers made valid, with those before it that are known. */
export interface Trust {
  readonly root: Root;
  /** As it is written: what a next version names, and what a pinned number must be. */
  readonly bytes: Bytes;
  readonly hash: Bytes;
  readonly before?: Trust;
}

/** The key part of a C2SP verifier key: two names for one key are one witness. */
const keyOf = (vkey: string): string => vkey.split("+").slice(2).join("+") || refuse("trust");

const within = (n: number, least: number, most: number): boolean => least <= n && n <= most;

const allDifferent = (keys: readonly string[]): boolean => new Set(keys).size === keys.length;

/** Whether a version contradicts itself. Errors: `trust`, those of keys. */
function sound(statement: Statement): Trust {
  const root = body(statement, "trust.root");
  need(root.version >= 1 && (root.version === 1) === (root.previous === null), "trust");
  const identities = ROLES.map((role) => root.identities.get(role as never) ?? refuse("trust"));
  // One key, one hat: whoever holds two could sign for both sides of a check.
  const keys = [...identities, ...root.auditors].map((key) => hex(verifyingKey(key)));
  need(allDifferent(keys) && within(root.auditor_quorum, 1, root.auditors.length), "trust");
  const [governance, intake, ...more] = root.logs;
  need(governance?.name === "governance" && intake?.name === "intake" && more.length === 0, "trust");
  need(governance.origin !== intake.origin, "trust");
  need(root.version > 1 || root.logs.every((log) => log.follows === undefined), "trust");
  need(allDifferent([governance.vkey, intake.vkey, ...root.witnesses].map(keyOf)), "trust");
  // Two quorums must share a witness, or a log could show two groups two histories.
  const n = root.witnesses.length;
  need(within(root.witness_quorum, Math.floor(n / 2) + 1, n), "trust");
  const bytes = toBytes(statement);
  return { root, bytes, hash: sha256(bytes) };
}

/** The auditors' quorum of one version, nobody else's signature but these auditors'. */
function signed(trust: Trust, statement: Statement, others: readonly Bytes[]): void {
  const { signers } = verify(statement, [...trust.root.auditors, ...others]);
  const ids = trust.root.auditors.map(keyId);
  const ours = signers.filter((signer) => ids.some((id) => equal(id, signer))).length;
  need(ours >= trust.root.auditor_quorum, "insufficient-signatures");
}

/** Reads a version that the caller pins. Nothing that was fetched may come this way. */
export function pinned(statement: Statement): Trust {
  const trust = sound(statement);
  if (trust.root.previous === null) {
    signed(trust, statement, []);
  } else {
    // Beside its own auditors' stand signatures of those who allowed it, whose keys only the version before has.
    const ids = trust.root.auditors.map(keyId);
    const signatures = statement.signatures.filter((s) => ids.some((id) => equal(id, s.keyid)));
    signed(trust, { ...statement, signatures }, []);
  }
  return trust;
}

/** Takes the version that follows: both quorums sign it. Errors: `trust`, those of statements. */
export function update(trust: Trust, statement: Statement): Trust {
  const next = sound(statement);
  need(next.root.version === trust.root.version + 1, "trust");
  need(next.root.previous !== null && equal(next.root.previous, trust.hash), "trust");
  // A demo never grows into something real, nor the other way round.
  need(next.root.demo === trust.root.demo, "trust");
  for (const name of ["governance", "intake"] as const) handsOver(trust, next, name);
  signed(next, statement, trust.root.auditors);
  signed(trust, statement, next.root.auditors);
  return { ...next, before: trust };
}

/** A version with all that came before it, oldest first. Error: `trust` for none. */
export function chain(statements: readonly Statement[]): Trust {
  const [first, ...rest] = statements;
  return rest.reduce(update, pinned(first ?? refuse("trust")));
}

/** This version and those before it that are known, newest first. */
export function versions(trust: Trust): Trust[] {
  return trust.before ? [trust, ...versions(trust.before)] : [trust];
}

export const oldest = (trust: Trust): Trust => versions(trust).at(-1) ?? trust;

export const logOf = (trust: Trust, name: LogName): Root["logs"][number] =>
  trust.root.logs.find((log) => log.name === name) ?? refuse("trust");

const sameLog = (a: Root["logs"][number], b: Root["logs"][number]): boolean =>
  a.origin === b.origin && a.vkey === b.vkey && a.follows?.size === b.follows?.size &&
  equal(a.follows?.root ?? EMPTY.root, b.follows?.root ?? EMPTY.root);

/** A log stays as it is; or another origin *and* key go on with its tree from a head that is named, and never one that was given up. */
function handsOver(trust: Trust, next: Trust, name: LogName): void {
  const [old, now] = [logOf(trust, name), logOf(next, name)];
  if (sameLog(old, now)) return;
  need(now.follows !== undefined && now.follows.size >= (old.follows?.size ?? 0), "trust");
  const used = versions(trust).flatMap((v) => v.root.logs);
  need(!used.some((log) => log.origin === now.origin || keyOf(log.vkey) === keyOf(now.vkey)), "trust");
}

/** Origins of this log that were given up, each with the head at which its successor took over. */
export function ended(trust: Trust, name: LogName): { origin: string; head: TreeHead }[] {
  if (!trust.before) return [];
  const [old, now] = [logOf(trust.before, name), logOf(trust, name)];
  const here = !sameLog(old, now) && now.follows ? [{ origin: old.origin, head: now.follows }] : [];
  return [...here, ...ended(trust.before, name)];
}

/** The size from which on the governance log holds nothing but versions of the trust root until it has this one. */
export function begins(trust: Trust): number | undefined {
  if (!trust.before) return undefined;
  const [old, now] = [logOf(trust.before, "governance"), logOf(trust, "governance")];
  return sameLog(old, now) ? undefined : now.follows?.size;
}

/** Who signs a log's checkpoints, and whose cosignatures count. */
export function readers(trust: Trust, name: LogName): { log: LogVerifier; by: Witnesses } {
  const { origin, vkey } = logOf(trust, name);
  return { log: logVerifier(origin, vkey), by: witnesses(trust.root.witnesses, trust.root.witness_quorum) };
}

export const identity = (trust: Trust, role: Role): Bytes => trust.root.identities.get(role) ?? refuse("trust");
