/**
 * What a reporter's device knows of an installation: the trust root it was given, the governance log it read and checked itself,
 * and addresses, which are no trust. Source: docs/protocol.md, "How a client works"; `src/client/session.rs`.
 */
import { Refused } from "../crypto/errors.ts";
import { chain, type Trust } from "../crypto/trust/root.ts";
import { State, type Kind, type LoggedCouncil } from "../crypto/trust/state.ts";
import { checkFresh } from "../crypto/trust/witnessed.ts";
import type { Bytes } from "../crypto/codec.ts";
import { base64url, bool, anyText, code, embeddedList, fromBytes, h, list, maybe, n, object, text, v1, type Of } from "./schema.ts";
import { release } from "../crypto/statement/verbs.ts";
import { readLog, type Entry } from "./log.ts";
import { send } from "./http.ts";

/** Where the page begins to read the governance log, and what of it counts from before: docs/page.md, "The base". */
const baseOf = object({ size: n, edge: list(h), entries: list(object({ index: n, witnessed: n, leaf: base64url })) });

/** What stands in the page's build: docs/page.md. */
export const installation = object({ v: v1, server: anyText, trust: embeddedList, base: maybe(baseOf) });
type Base = Of<typeof baseOf>;

const services = object({
  v: v1,
  name: text,
  demo: bool,
  issuer: anyText,
  log: anyText,
  council: anyText,
  categories: list(object({ code, id: text, en: text, release })),
});

/** Unix seconds of the device's clock. */
export type Clock = () => number;
export const deviceClock: Clock = () => Math.floor(Date.now() / 1000);

/** A clock further ahead or behind than this is told to its owner. */
const CLOCK_OFF_S = 2 * 3600;

export const address = (url: string): string => url.replace(/\/+$/, "");

export class Session {
  private constructor(
    readonly trust: Trust,
    readonly server: string,
    readonly issuer: string,
    readonly log: string,
    readonly clock: Clock,
    public state: State,
    public entries: readonly Entry[],
    /** Witnessed time of the newest head. */
    public witnessed: number,
    private readonly base: Base | undefined,
    private whole = false,
  ) {}

  /** Reads services and the governance log, from the build's base on if there is one. Errors: HTTP, those of the log, `stale` for a head by which nothing is done. */
  static async open(installed: Bytes, at: string, clock: Clock = deviceClock): Promise<Session> {
    const { server, trust: statements, base: from } = fromBytes(installation, installed);
    const trust = chain(statements);
    const gateway = address(server === "" ? at : server);
    const found = fromBytes(services, (await send(`${gateway}/v1/services`)).body);
    const session = new Session(trust, gateway, address(found.issuer), address(found.log), clock, new State(trust), [], 0, from);
    await session.refresh();
    checkFresh(trust, "report", session.witnessed, clock());
    return session;
  }

  /** From now on the log is read from entry 0: who comes back looks for what happened to a case at any time. */
  readWhole(): void {
    this.whole = true;
  }

  /** Reads what the log holds now. */
  async refresh(): Promise<void> {
    const get = async (path: string): Promise<Bytes> => (await send(`${this.log}/log/governance/${path}`)).body;
    const { checkpoint, entries } = await readLog(this.trust, "governance", get, this.base, this.whole);
    const state = new State(this.trust);
    const take = ({ index, leaf, witnessed }: Entry): void => {
      try {
        state.apply(index, leaf, witnessed);
      } catch (error) {
        // An entry that its rule refuses changes nothing: it stands there for the audit to name.
        if (!(error instanceof Refused)) throw error;
      }
    };
    const before = this.whole ? undefined : this.base;
    for (const entry of before?.entries ?? []) {
      state.pass(entry.index);
      take(entry);
    }
    state.pass(before?.size ?? 0);
    entries.forEach(take);
    this.state = state;
    this.entries = entries;
    this.witnessed = checkpoint.witnessedTime;
  }

  /** The time by which keys' own dates are judged: never before the log's newest head. */
  get now(): number {
    return Math.max(this.clock(), this.witnessed);
  }

  /** The key of a kind that counts now. Errors: `not-active`, `key-conflict`. */
  key(kind: Kind): Bytes {
    return this.state.activeKey(kind, this.witnessed, this.now).body.key;
  }

  council(): LoggedCouncil {
    return this.state.activeCouncil(this.witnessed);
  }

  /** Whether an identity may be sealed by this head. Error: `stale`. */
  checkBinding(): void {
    checkFresh(this.trust, "binding", this.witnessed, this.clock());
  }

  /** Seconds by which the device's clock is behind the log's newest head, where that is too much to be a delay. */
  get clockBehind(): number {
    const behind = this.witnessed - this.clock();
    return behind > CLOCK_OFF_S ? behind : 0;
  }
}
