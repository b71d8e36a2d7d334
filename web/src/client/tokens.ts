/**
 * Fetching tokens: the challenge is built from the trust root, the key comes from the governance log. What a server says about
 * either is compared, never believed: a key or challenge of its own could tag one user. Source: `src/client/tokens.rs`.
 */
import { equal, systemRandom, type Bytes } from "../crypto/codec.ts";
import { Refused, refuse } from "../crypto/errors.ts";
import { BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE, blindBatch, type PendingBatch } from "../crypto/token/batch.ts";
import { tokenKey } from "../crypto/token/blind.ts";
import { readOffer, solutionText, solve } from "../crypto/token/puzzle.ts";
import { challengeDigest, challengeFor, readChallengeHeader, type Token, type TokenChallenge } from "../crypto/token/wire.ts";
import { Problem, send } from "./http.ts";
import type { Session } from "./session.ts";

/** Counters that are tried between two signs of life. */
const TRIES = 8;

/** What pays for tokens: a printed one-use code, or a puzzle that is solved here. */
export type Payment = { readonly voucher: string } | "puzzle";

export const challengeOf = (session: Session): TokenChallenge =>
  challengeFor(session.trust.root.issuer_name, session.trust.root.origin);

/**
 * A batch on its way: after a lost answer the very same request is made again, which costs nothing. It links the tokens of the
 * batch to each other and to what paid for them: it is never stored, and forgotten once they are there.
 */
export interface Purchase {
  readonly attestation: string;
  /** The token key that it is for. */
  readonly key: Bytes;
  readonly pending: PendingBatch;
}

/** Prepares one; a puzzle is solved here. `tried` is told how many counters of how many were tried, on average. Errors: HTTP, `not-active`. */
export async function preparePurchase(session: Session, pay: Payment, tried: (done: number, of: number) => void): Promise<Purchase> {
  const key = session.key("token");
  const pending = blindBatch(tokenKey(key), challengeOf(session), systemRandom);
  const attestation = pay === "puzzle" ? `pow ${await solvePuzzle(session, tried)}` : `voucher ${pay.voucher.trim()}`;
  return { attestation, key, pending };
}

/** Buys, or asks again for what was bought. Errors: HTTP, `blind-signature`; all tokens, or none. */
export async function completePurchase(session: Session, { attestation, pending }: Purchase): Promise<Token[]> {
  const answer = await send(`${session.issuer}/token-request`, {
    method: "POST",
    headers: { "content-type": BATCH_REQUEST_TYPE, accept: BATCH_RESPONSE_TYPE, "tabir-attestation": attestation },
    body: pending.request,
  });
  return pending.finalize(answer.body);
}

async function solvePuzzle(session: Session, tried: (done: number, of: number) => void): Promise<string> {
  const puzzle = readOffer((await send(`${session.issuer}/v1/puzzle`)).body);
  const likely = 2 ** puzzle.difficulty;
  for (let from = 0n; ; from += BigInt(TRIES)) {
    const counter = solve(puzzle, from, TRIES);
    if (counter !== undefined) return solutionText(puzzle, counter);
    tried(Number(from), likely);
    // Lets what else is asked of this thread be heard.
    await new Promise((done) => setTimeout(done, 0));
  }
}

/** A 401 whose challenge is not the one that every client builds is an attempt to tell users apart. Error: `token-challenge`. */
export function checkChallenge(session: Session, error: unknown): void {
  if (!(error instanceof Problem) || error.status !== 401 || error.challenge === undefined) return;
  let theirs: Bytes;
  try {
    theirs = challengeDigest(readChallengeHeader(error.challenge).challenge);
  } catch (e) {
    if (e instanceof Refused) return refuse("token-challenge");
    throw e;
  }
  if (!equal(theirs, challengeDigest(challengeOf(session)))) refuse("token-challenge");
}
