/**
 * Tiles: a tree's hashes and entries as files that never change. Source: c2sp.org/tlog-tiles.
 *
 *     tile/<L>/<N>[.p/<W>]         hashes (N·256 + i)·256^L … of height 8·L, i from 0; 256 of them, or W when partial
 *     tile/entries/<N>[.p/<W>]     entries N·256 … , each u16 length ‖ bytes
 *     <N> in groups of three digits, all but the last after an x: 1234067 is x001/x234/067
 *
 * Tiles carry no signature: whatever is worked out from them counts only once it leads to a signed root.
 */
import { be, cat, readBe, type Bytes } from "../codec.ts";
import { need, refuse } from "../errors.ts";
import { rootOf } from "./tree.ts";

export const WIDTH = 256;
/** The highest level of a tree that a signed 64-bit integer can count. */
const MAX_LEVEL = 7;

/** Where a tile or bundle lies, and how wide it is. */
export interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/** Number of hashes or entries that a tree of `size` has of this kind. */
const count = (level: Tile["level"], size: number): number =>
  level === "entries" ? size : Math.floor(size / WIDTH ** level);

/** The tile in its form for a tree of `size`: full, or the partial one. Error: `tile` (that tree doesn't have it). */
export function tileOf(level: Tile["level"], index: number, size: number): Tile {
  need(level === "entries" || level <= MAX_LEVEL, "tile");
  const width = Math.min(count(level, size) - index * WIDTH, WIDTH);
  need(width > 0, "tile");
  return { level, index, width };
}

/** The path, from `tile/` on. */
export function tilePath({ level, index, width }: Tile): string {
  const groups = [];
  let rest = index;
  do {
    groups.unshift((groups.length === 0 ? "" : "x") + String(rest % 1000).padStart(3, "0"));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  return `tile/${level}/${groups.join("/")}${width < WIDTH ? `.p/${width}` : ""}`;
}

/** Reads a path. Error: `tile`. */
export function parseTilePath(path: string): Tile {
  const parts = /^tile\/(entries|[0-7])\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? refuse("tile");
  const [, level, groups, width] = parts;
  const index = Number((groups ?? "").replace(/[x/]/g, ""));
  const tile = { level: level === "entries" ? level : Number(level), index, width: Number(width ?? WIDTH) } as const;
  need(tilePath(tile) === path, "tile");
  return tile;
}

/**
 * All entry bundles of a tree from the one that holds entry `from` on, made one after the other: the size may be what a log
 * claims before anybody has seen its entries.
 */
export function* bundlesOf(from: number, size: number): Generator<Tile> {
  for (let index = Math.floor(from / WIDTH); index * WIDTH < size; index++) yield tileOf("entries", index, size);
}

/** Reads the hashes of a tile. Error: `tile` (another width). */
export function parseHashes(tile: Tile, bytes: Bytes): Bytes[] {
  need(bytes.length === tile.width * 32, "tile");
  return Array.from({ length: tile.width }, (_, i) => bytes.slice(i * 32, (i + 1) * 32));
}

/** Reads the entries of a bundle. Error: `tile` (another number, or cut short). */
export function parseEntries(tile: Tile, bytes: Bytes): Bytes[] {
  const entries: Bytes[] = [];
  for (let at = 0; at < bytes.length; ) {
    need(at + 2 <= bytes.length, "tile");
    const end = at + 2 + readBe(bytes.slice(at, at + 2));
    need(end <= bytes.length, "tile");
    entries.push(bytes.slice(at + 2, end));
    at = end;
  }
  need(entries.length === tile.width, "tile");
  return entries;
}

/** The bytes of a bundle. Error: `too-long`. */
export function bundleBytes(entries: readonly Bytes[]): Bytes {
  need(entries.every((e) => e.length <= 0xffff), "too-long");
  return cat(...entries.flatMap((e) => [be(e.length, 2), e]));
}

/** All hash tiles of a tree, by path: what a mirror would serve. */
export function hashTiles(leaves: readonly Bytes[]): Map<string, Bytes> {
  const tiles = new Map<string, Bytes>();
  let [row, level] = [leaves, 0];
  while (row.length > 0) {
    const full: Bytes[] = [];
    for (let index = 0; index * WIDTH < row.length; index++) {
      const hashes = row.slice(index * WIDTH, (index + 1) * WIDTH);
      tiles.set(tilePath({ level, index, width: hashes.length }), cat(...hashes));
      if (hashes.length === WIDTH) full.push(rootOf(hashes));
    }
    [row, level] = [full, level + 1];
  }
  return tiles;
}
