/**
 * A proof of work that buys a token where there is neither account nor voucher: Argon2id, slow to solve, quick to check.
 *
 *     challenge (58)  0x01 | difficulty u8 | expires u64 | nonce 16 | mac 32          only the issuer can check the MAC
 *     solution  (66)  challenge 58 | counter u64
 *     work            Argon2id 1.3, 1,024 KiB, 1 pass, 1 lane, 32 bytes; password = solution, salt = "tabir/v1/puzzle"
 *                     right if its first `difficulty` bits are zero
 *
 * Source: docs/protocol.md, "Issuer, public"; Argon2id: RFC 9106.
 */
import { argon2id } from "@noble/hashes/argon2.js";

import { b64url, be, bigBe, cat, sized, unb64url, utf8, type Bytes } from "../codec.ts";
import { need } from "../errors.ts";
import { fromBytes, hexOf, object, u8, v1 } from "../statement/value.ts";

export const CHALLENGE_LEN = 58;
const MAX_DIFFICULTY = 24;
const COST = { t: 1, m: 1_024, p: 1, dkLen: 32, version: 0x13 };

export interface Puzzle {
  readonly bytes: Bytes;
  readonly difficulty: number;
  /** Unix second from which on it is not taken. */
  readonly expires: bigint;
}

/** Reads 58 bytes. Errors: `size`, `version`, `puzzle` (a difficulty above 24). */
export function parsePuzzle(bytes: Bytes): Puzzle {
  sized(bytes, CHALLENGE_LEN);
  need(bytes[0] === 1, "version");
  const difficulty = bytes[1] ?? 0;
  need(difficulty <= MAX_DIFFICULTY, "puzzle");
  return { bytes, difficulty, expires: bigBe(bytes.slice(2, 10)) };
}

const offer = object({ v: v1, challenge: hexOf(CHALLENGE_LEN), bits: u8 });

/** Reads the answer of `GET /v1/puzzle`. Errors: those of strict JSON, of `parsePuzzle`, `puzzle` (`bits` says something else). */
export function readOffer(json: Bytes): Puzzle {
  const found = fromBytes(offer, json);
  const puzzle = parsePuzzle(found.challenge);
  need(puzzle.difficulty === found.bits, "puzzle");
  return puzzle;
}

const solutionBytes = (puzzle: Puzzle, counter: bigint): Bytes => cat(puzzle.bytes, be(counter, 8));

/** Whether a counter solves the puzzle. */
export function solves(puzzle: Puzzle, counter: bigint): boolean {
  const work = argon2id(solutionBytes(puzzle, counter), utf8("tabir/v1/puzzle"), COST);
  return bigBe(work.slice(0, 4)) >> BigInt(32 - puzzle.difficulty) === 0n;
}

/** The header's text: base64url without padding. */
export const solutionText = (puzzle: Puzzle, counter: bigint): string => b64url(solutionBytes(puzzle, counter));

/** Reads the header's text. Errors: `base64`, `size`, those of `parsePuzzle`. */
export function parseSolution(text: string): { puzzle: Puzzle; counter: bigint } {
  const bytes = unb64url(text);
  need(bytes.length >= CHALLENGE_LEN, "size");
  const counter = bigBe(sized(bytes.slice(CHALLENGE_LEN), 8));
  return { counter, puzzle: parsePuzzle(bytes.slice(0, CHALLENGE_LEN)) };
}

/** Tries `tries` counters from `from` on; nothing if none of them solves it, so that the caller can show progress or stop. */
export function solve(puzzle: Puzzle, from: bigint, tries: number): bigint | undefined {
  for (let i = 0n; i < BigInt(tries); i++) if (solves(puzzle, from + i)) return from + i;
  return undefined;
}
