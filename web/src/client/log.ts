/**
 * Reads a log and believes nothing of it: the log's signature, the witnesses' quorum, every entry against the signed root, every
 * kept checkpoint against the same tree. Source: docs/protocol.md, "Logs"; `src/client/log_reader.rs`.
 */
import { equal, type Bytes } from "../crypto/codec.ts";
import { need, refuse } from "../crypto/errors.ts";
import { openCosigned, parseCheckpoint, type LogVerifier, type SignedCheckpoint, type Witnesses } from "../crypto/log/checkpoint.ts";
import { bundlesOf, parseEntries, tilePath } from "../crypto/log/tile.ts";
import { EMPTY, leafHash, nodeHash, type TreeHead } from "../crypto/log/tree.ts";
import { fromBytes, list, n, object, v1 } from "../crypto/statement/value.ts";
import { ended, readers, versions, type LogName, type Trust } from "../crypto/trust/root.ts";

/** Files of one log by their path. */
export type Source = (path: string) => Promise<Bytes>;

export interface Entry {
  readonly index: number;
  readonly leaf: Bytes;
  /** Unix seconds: of the first kept checkpoint that covers it. */
  readonly witnessed: number;
}

/** A tree that was checked before: its size, and its right edge, as in `Edge`. */
export interface Base {
  readonly size: number;
  readonly edge: readonly Bytes[];
}

export type Cosigned = SignedCheckpoint & { readonly witnessedTime: number };

const keptSizes = object({ v: v1, sizes: list(n) });

/** Files that are fetched at a time. */
const AT_ONCE = 6;

/** The right edge of a tree: the roots of its perfect subtrees, largest first. */
export class Edge {
  private readonly parts: { size: number; root: Bytes }[] = [];
  size = 0;

  /** Of a tree of this size, which was checked before. Error: `size` for another number of roots than it has. */
  static of({ size, edge }: Base): Edge {
    const of = new Edge();
    for (let part = 2 ** 52; part >= 1; part /= 2) {
      if (Math.floor(size / part) % 2 === 0) continue;
      of.parts.push({ size: part, root: edge[of.parts.length] ?? refuse("size") });
    }
    need(of.parts.length === edge.length, "size");
    of.size = size;
    return of;
  }

  push(leaf: Bytes): void {
    let part = { size: 1, root: leafHash(leaf) };
    for (let last = this.parts.at(-1); last && last.size === part.size; last = this.parts.at(-1)) {
      this.parts.pop();
      part = { size: part.size * 2, root: nodeHash(last.root, part.root) };
    }
    this.parts.push(part);
    this.size += 1;
  }

  get root(): Bytes {
    const [last, ...rest] = this.parts.map((part) => part.root).reverse();
    return rest.reduce((right, left) => nodeHash(left, right), last ?? EMPTY.root);
  }
}

/** What was signed and cosigned under some version of the trust root; refusals are those by the newest. */
function byAny(bytes: Bytes, by: readonly { log: LogVerifier; by: Witnesses }[]): Cosigned {
  let first: unknown;
  for (const each of by) {
    try {
      return openCosigned(bytes, each.log, each.by);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

/** No tree yet. */
const NOTHING: Base = { size: 0, edge: [] };

/**
 * The log from a tree on that was checked before, or, `whole`, from entry 0 all the same. Errors: those of `openCosigned`, `tile`
 * and `consistency` (also where it does not begin with that tree), `shrunk`, and the source's.
 */
export async function readLog(
  trust: Trust,
  name: LogName,
  get: Source,
  base: Base = NOTHING,
  whole = false,
): Promise<{ checkpoint: Cosigned; entries: Entry[] }> {
  const from = whole ? NOTHING : base;
  const by = versions(trust).map((version) => readers(version, name));
  const over = ended(trust, name);
  const checkpoint = byAny(await get("checkpoint"), by.slice(0, 1));
  const { size } = checkpoint.head;
  need(size >= base.size, "shrunk");
  const marks = new Map<number, Bytes>([[base.size, Edge.of(base).root]]);
  const mark = (head: TreeHead): void => {
    const before = marks.get(head.size);
    need(before === undefined || equal(before, head.root), "consistency");
    marks.set(head.size, head.root);
  };
  for (const { head } of over) {
    need(size >= head.size, "shrunk");
    mark(head);
  }
  const sizes = [...new Set(fromBytes(keptSizes, await get("checkpoints.json")).sizes)].sort((a, b) => a - b);
  const kept = await all(sizes.filter((s) => s > from.size && s <= size), async (s) => {
    const found = byAny(await get(`checkpoints/${s}`), by);
    need(found.head.size === s, "checkpoint");
    const { origin } = parseCheckpoint(found.note.text);
    need(!over.some((end) => end.origin === origin && s > end.head.size), "consistency");
    return found;
  });
  kept.forEach((found) => mark(found.head));
  const bundles = size > from.size ? [...bundlesOf(from.size, size)] : [];
  const read = (await all(bundles, async (tile) => parseEntries(tile, await get(tilePath(tile))))).flat();
  // The first bundle may begin before.
  const leaves = read.slice(read.length - (size - from.size));
  checkTree(Edge.of(from), leaves, checkpoint.head, marks);
  const entries = leaves.map((leaf, i) => {
    const index = from.size + i;
    const covers = kept.find((k) => k.head.size > index) ?? checkpoint;
    return { index, leaf, witnessed: covers.witnessedTime };
  });
  return { checkpoint, entries };
}

/** Errors: `tile` where the entries are not those of the signed tree, `consistency` where a kept checkpoint is of another. */
function checkTree(edge: Edge, leaves: readonly Bytes[], head: TreeHead, marks: ReadonlyMap<number, Bytes>): void {
  let forked = false;
  for (const leaf of leaves) {
    edge.push(leaf);
    const mark = marks.get(edge.size);
    if (mark && !equal(mark, edge.root)) forked = true;
  }
  need(edge.size === head.size && equal(edge.root, head.root), "tile");
  // Only now: with a wrong entry every kept checkpoint behind it would look like another history.
  need(!forked, "consistency");
}

/** Some at a time, results in order. */
async function all<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return results;
}

