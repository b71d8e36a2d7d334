/**
 * What the governance log says: keys, councils, policy, requests. Replayed from entry 0, in order.
 *
 * An entry that its rule or its order refuses changes nothing. Two exceptions: a second key for one epoch is remembered, since it
 * is the first one's undoing, and so is a release before the cooling-off was over, since what was handed out is out.
 * Source: `crypto/src/trust/state.rs`; docs/protocol.md, "Which key counts".
 */
import { equal, hex, sha256, type Bytes } from "../codec.ts";
import { keyId } from "../ed25519.ts";
import { Refused, need, refuse } from "../errors.ts";
import { checkKemKey } from "../hpke/xwing.ts";
import { leafHash } from "../log/tree.ts";
import { body as bodyOf, pae, parse, type Statement, type Verified } from "../statement/statement.ts";
import type { Body } from "../statement/verbs.ts";
import { councilOf, type Council } from "../threshold/council.ts";
import { begins, oldest, update, versions, type Trust } from "./root.ts";
import { PASSED_OVER, check as checkRule, isAuditor } from "./rule.ts";
import { check as checkStep, fresh, take, type Request, type Step, type Terms } from "./unseal.ts";
import { Witnessed } from "./witnessed.ts";

export type Kind = "token" | "intake" | "warden";
export type Policy = Body<"policy.set">;

/** SPKI of a token key, RFC 9578: RSA-2048 with id-RSASSA-PSS. */
const TOKEN_SPKI = 342;
/** Life of a request and of its partials while no policy says otherwise: seven days. */
const LIFE_S = 7 * 86_400;
/** A code of `council.retired`: nobody opens what is still sealed to the key. */
const SEALED_LOST = "sealed.lost";

export interface AnnouncedKey {
  readonly entry: number;
  readonly body: Body<"key.announced">;
  readonly id: Bytes;
  /** An auditor signed beside the issuer: it counts as soon as it is witnessed. */
  readonly waived: boolean;
  retired?: number;
}

export interface LoggedCouncil {
  readonly entry: number;
  readonly council: Council;
  retired?: number;
  givenUp: boolean;
}

/** The governance log so far, as far as a reporter needs it. */
export class State {
  readonly witnessed = new Witnessed();
  readonly requests: Request[] = [];
  policy?: Policy;
  private next = 0;
  private readonly roots: { entry: number; trust: Trust }[] = [];
  private readonly seen = new Set<string>();
  /** By kind and epoch. */
  private readonly keys = new Map<string, AnnouncedKey[]>();
  /** The slot of each key id. */
  private readonly keyIds = new Map<string, string>();
  private readonly councils = new Map<string, LoggedCouncil>();
  private readonly lineages: { lineage: Bytes; ids: Bytes[] }[] = [];

  constructor(readonly pinned: Trust) {}

  get size(): number {
    return this.next;
  }

  /** The version of the trust root by which the next entry is judged: the oldest of what is pinned, until the log has a later one. */
  get trust(): Trust {
    return this.roots.at(-1)?.trust ?? oldest(this.pinned);
  }

  /** Every version that is known, of the build and of the log. */
  get everyTrust(): Trust[] {
    return [...versions(this.pinned), ...this.roots.map((r) => r.trust)];
  }

  private trustAt(entry: number): Trust {
    return this.roots.filter((r) => r.entry < entry).at(-1)?.trust ?? oldest(this.pinned);
  }

  /** Passes over entries that say nothing of what is wanted; the next one is `entry`. Error: `order`. */
  pass(entry: number): void {
    need(entry >= this.next, "order");
    this.next = entry;
  }

  /** Takes the next entry, its leaf's bytes as they are; one that is refused counts as read. `witnessed`: of its first kept checkpoint. */
  apply(entry: number, leaf: Bytes, witnessed: number): Verified | undefined {
    need(entry === this.next, "order");
    this.next = entry + 1;
    this.witnessed.mark(this.next, witnessed);
    const statement = parse(leaf);
    if (PASSED_OVER.includes(statement.verb)) return undefined;
    const found = bodyOf(statement, statement.verb);
    const verified = checkRule(this.trust, this, statement, found as never);
    const name = hex(sha256(pae(statement)));
    need(!this.seen.has(name), "duplicate");
    this.seen.add(name);
    const hash = leafHash(leaf);
    try {
      this.fits(entry, hash, statement, verified);
    } catch (error) {
      const code = error instanceof Refused ? error.code : undefined;
      const early = code === "cooling-off" && statement.verb === "unseal.released";
      if (early || code === "key-conflict") this.put(entry, hash, statement, verified);
      throw error;
    }
    if (statement.verb === "trust.root") this.roots.push({ entry, trust: update(this.trust, statement) });
    this.put(entry, hash, statement, verified);
    return verified;
  }

  /** Whether an entry fits what came before; its signatures are checked already. */
  private fits(entry: number, hash: Bytes, statement: Statement, verified: Verified): void {
    const held = this.trust.root.version;
    const takenOver = (v: Trust): boolean => v.root.version > held && (begins(v) ?? entry + 1) <= entry;
    // A log that goes on after a lost key says so before anything else.
    need(statement.verb === "trust.root" || !versions(this.pinned).some(takenOver), "order");
    const body = verified.body as any;
    switch (statement.verb) {
      case "trust.root": {
        // One that is pinned is the only one of its number.
        const same = versions(this.pinned).find((v) => v.root.version === (body as Body<"trust.root">).version);
        return need(same === undefined || equal(leafHash(same.bytes), hash), "trust");
      }
      case "key.announced":
        return this.fitsKey(body);
      case "council.formed":
      case "council.refreshed":
      case "council.reshared":
        return this.fitsCouncil(statement.verb, body);
      case "council.retired":
        return need(this.council(body.council_id).retired === undefined, "duplicate");
      case "policy.set":
        return need(body.version === (this.policy?.version ?? 0) + 1, "field");
      case "unseal.requested": {
        const logged = this.council(body.council_id);
        need(this.current(logged.council.lineage) === logged, "order");
        need(!logged.givenUp, "not-active");
        need(!this.requests.some((r) => equal(r.body.request_id, body.request_id)), "duplicate");
        fresh(hash, this.step(entry, statement, verified), this.terms(logged.council));
        return;
      }
      default:
        if (statement.verb.startsWith("unseal.")) {
          const request = this.request(body.request_hash) ?? refuse("context");
          checkStep(request, this.witnessed, this.step(entry, statement, verified));
        }
    }
  }

  private fitsKey(body: Body<"key.announced">): void {
    need(body.not_before < body.not_after, "field");
    if (body.kind === "token") need(body.key.length === TOKEN_SPKI, "size");
    else checkKemKey(body.key);
    need(!this.keys.has(slot(body)) && !this.keyIds.has(hex(keyId(body.key))), "key-conflict");
  }

  /** A lineage starts once, at epoch 1, and goes on by one with the same key; a refresh also with the same people. */
  private fitsCouncil(verb: string, body: Body<"council.formed">): void {
    const before = this.current(body.lineage);
    if (verb === "council.formed") return need(before === undefined && body.epoch === 1, "context");
    const old = before?.council ?? refuse("context");
    need(body.epoch === old.epoch + 1, "context");
    const people = body.members.every((m, i) => equal(m.ed_vk, old.members[i]?.edVk ?? new Uint8Array(0)));
    const same = body.t === old.t && body.members.length === old.members.length && people;
    need(verb === "council.reshared" || same, "context");
  }

  private terms(council: Council): Terms {
    const { cooling_off_s: coolingOff, deferral_max_s: deferralMax } = this.trust.root;
    const [life, partialLife] = [this.policy?.request_life_s ?? LIFE_S, this.policy?.partial_life_s ?? LIFE_S];
    return { t: council.t, n: council.members.length, coolingOff, life, partialLife, deferralMax };
  }

  private step(entry: number, statement: Statement, verified: Verified): Step {
    const byAuditor = verified.signers.some((signer) => isAuditor(this.trust, signer));
    const body = verified.body as any;
    const request = body.request_hash && this.request(body.request_hash);
    const council = request && this.councils.get(hex(request.body.council_id))?.council;
    const members = council?.members ?? [];
    const signers = members.filter((m: any) => verified.signers.some((s) => equal(s, keyId(m.edVk)))).map((m: any) => m.index);
    return { entry, at: this.witnessed.of(entry), verb: statement.verb, body: verified.body, byAuditor, signers };
  }

  private put(entry: number, hash: Bytes, statement: Statement, verified: Verified): void {
    const body = verified.body as any;
    switch (statement.verb) {
      case "key.announced":
        return this.putKey(entry, body, verified);
      case "key.retired": {
        const key = this.keyById(body.key_id);
        if (key) key.retired ??= entry;
        return;
      }
      case "council.formed":
      case "council.refreshed":
      case "council.reshared":
        return this.putCouncil(entry, councilOf(body));
      case "council.retired": {
        const logged = this.council(body.council_id);
        logged.retired = entry;
        logged.givenUp = (body as Body<"council.retired">).codes.includes(SEALED_LOST);
        return;
      }
      case "policy.set":
        this.policy = body;
        return;
      case "unseal.requested": {
        const terms = this.terms(this.council(body.council_id).council);
        this.requests.push(fresh(hash, this.step(entry, statement, verified), terms));
        return;
      }
      default: {
        const request = body.request_hash && this.request(body.request_hash);
        if (request) take(request, this.step(entry, statement, verified));
      }
    }
  }

  private putKey(entry: number, body: Body<"key.announced">, verified: Verified): void {
    const waived = body.kind === "token" && verified.signers.some((s) => isAuditor(this.trust, s));
    const key: AnnouncedKey = { entry, body, id: keyId(body.key), waived };
    const [here, id] = [slot(body), hex(key.id)];
    const earlier = this.keyIds.get(id) ?? here;
    this.keyIds.set(id, earlier);
    // One public key under two epochs is a conflict of both: in each of them it has a second one beside it.
    const first = earlier === here ? [] : (this.keys.get(earlier) ?? []);
    this.keys.set(here, [...(this.keys.get(here) ?? []), ...first, key]);
    if (earlier !== here) this.keys.set(earlier, [...first, key]);
  }

  private putCouncil(entry: number, council: Council): void {
    const before = this.current(council.lineage);
    // Retired is a key, whoever holds its shares.
    const logged: LoggedCouncil = { entry, council, givenUp: before?.givenUp ?? false };
    if (before?.retired !== undefined) logged.retired = before.retired;
    const line = this.lineages.find((l) => equal(l.lineage, council.lineage));
    if (line) {
      for (const r of this.requests) {
        const live = !r.ended && !r.release;
        if (live && before && equal(r.body.council_id, before.council.id)) r.voided = entry;
      }
      line.ids.push(council.id);
    } else {
      this.lineages.push({ lineage: council.lineage, ids: [council.id] });
    }
    this.councils.set(hex(council.id), logged);
  }

  /**
   * The one key of this kind that counts: of the highest epoch that is active. Delays are measured by `witnessed`, the newest
   * witnessed time, a key's own dates by `now`. Errors: `key-conflict`, `not-active`.
   */
  activeKey(kind: Kind, witnessed: number, now: number): AnnouncedKey {
    const epochs = [...this.keys.keys()].filter((name) => name.startsWith(`${kind} `)).map((name) => Number(name.slice(kind.length + 1)));
    for (const epoch of epochs.sort((a, b) => b - a)) {
      const [key, ...more] = this.keys.get(`${kind} ${epoch}`) ?? [];
      if (!key) continue;
      const timely = (k: AnnouncedKey): boolean => k.body.not_before <= now && now < k.body.not_after;
      if (more.length > 0) {
        need(![key, ...more].some(timely), "key-conflict");
        continue;
      }
      const from = this.countsFrom(key);
      if (from !== undefined && from <= witnessed && timely(key) && key.retired === undefined) return key;
    }
    return refuse("not-active");
  }

  /** The delay is that of the version under which it was announced: a later one makes nobody's key count sooner. */
  private countsFrom(key: AnnouncedKey): number | undefined {
    const at = this.witnessed.of(key.entry);
    const delay = key.waived ? 0 : this.trustAt(key.entry).root.activation_s[key.body.kind];
    return at === undefined ? undefined : at + delay;
  }

  /** The council that new reports are sealed to. Error: `not-active`. */
  activeCouncil(now: number): LoggedCouncil {
    for (const { lineage, ids } of [...this.lineages].reverse()) {
      const from = this.councilCountsFrom(lineage);
      if (from === undefined || from > now) continue;
      const newest = [...ids].reverse().map((id) => this.council(id)).find((c) => this.witnessed.of(c.entry) !== undefined);
      if (newest && newest.retired === undefined) return newest;
    }
    return refuse("not-active");
  }

  /** First second at which reports may be sealed to the key of a lineage. */
  councilCountsFrom(lineage: Bytes): number | undefined {
    const first = this.lineages.find((l) => equal(l.lineage, lineage))?.ids[0];
    if (!first) return undefined;
    const { entry } = this.council(first);
    const at = this.witnessed.of(entry);
    return at === undefined ? undefined : at + this.trustAt(entry).root.activation_s.council;
  }

  council(id: Bytes): LoggedCouncil {
    return this.councils.get(hex(id)) ?? refuse("context");
  }

  /** The council of a lineage that holds its shares now. */
  current(lineage: Bytes): LoggedCouncil | undefined {
    const id = this.lineages.find((l) => equal(l.lineage, lineage))?.ids.at(-1);
    return id && this.council(id);
  }

  newestCouncil(): LoggedCouncil | undefined {
    const id = this.lineages.at(-1)?.ids.at(-1);
    return id && this.council(id);
  }

  councilBeforeNewest(): LoggedCouncil | undefined {
    const id = this.lineages.at(-1)?.ids.at(-2);
    return id && this.council(id);
  }

  keyById(id: Bytes): AnnouncedKey | undefined {
    const at = this.keyIds.get(hex(id));
    return at === undefined ? undefined : this.keys.get(at)?.find((key) => equal(key.id, id));
  }

  request(hash: Bytes): Request | undefined {
    return this.requests.find((r) => equal(r.hash, hash));
  }
}

const slot = (body: Body<"key.announced">): string => `${body.kind} ${body.epoch}`;
