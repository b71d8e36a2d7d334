/**
 * Reads a log and believes nothing of it: the log's signature, the witnesses' quorum, every entry against the signed root, every
 * kept checkpoint against the same tree. Source: docs/protocol.md, "Logs"; `src/client/log_reader.rs`.
 */
import { equal, type Bytes } from "../crypto/codec.ts";
import { need } from "../crypto/errors.ts";
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

export type Cosigned = SignedCheckpoint & { readonly witnessedTime: number };

const keptSizes = object({ v: v1, sizes: list(n) });

/** Files that are fetched at a time. */
const AT_ONCE = 6;

/** The right edge of a tree: the roots of its perfect subtrees, largest first. */
export class Edge {
  private readonly parts: { size: number; root: Bytes }[] = [];
  size = 0;

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

/** The whole log, from entry 0. Errors: those of `openCosigned`, `tile`, `consistency`, `shrunk`, and the source's. */
export async function readLog(trust: Trust, name: LogName, get: Source): Promise<{ checkpoint: Cosigned; entries: Entry[] }> {
  const by = versions(trust).map((version) => readers(version, name));
  const over = ended(trust, name);
  const checkpoint = byAny(await get("checkpoint"), by.slice(0, 1));
  const { size } = checkpoint.head;
  const marks = new Map<number, Bytes>();
  for (const { head } of over) {
    need(size >= head.size, "shrunk");
    marks.set(head.size, head.root);
  }
  const sizes = [...new Set(fromBytes(keptSizes, await get("checkpoints.json")).sizes)].sort((a, b) => a - b);
  const kept = await all(sizes.filter((s) => s > 0 && s <= size), async (s) => {
    const found = byAny(await get(`checkpoints/${s}`), by);
    need(found.head.size === s, "checkpoint");
    const { origin } = parseCheckpoint(found.note.text);
    need(!over.some((end) => end.origin === origin && s > end.head.size), "consistency");
    return found;
  });
  for (const { head } of kept) {
    const before = marks.get(head.size);
    need(before === undefined || equal(before, head.root), "consistency");
    marks.set(head.size, head.root);
  }
  const leaves = (await all([...bundlesOf(0, size)], async (tile) => parseEntries(tile, await get(tilePath(tile))))).flat();
  checkTree(leaves, checkpoint.head, marks);
  const entries = leaves.map((leaf, index) => {
    const covers = kept.find((k) => k.head.size > index) ?? checkpoint;
    return { index, leaf, witnessed: covers.witnessedTime };
  });
  return { checkpoint, entries };
}

/** Errors: `tile` where the entries are not those of the signed tree, `consistency` where a kept checkpoint is of another. */
function checkTree(leaves: readonly Bytes[], head: TreeHead, marks: ReadonlyMap<number, Bytes>): void {
  const edge = new Edge();
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

