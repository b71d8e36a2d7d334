/**
 * Fetching a token: the challenge is built from the trust root, the key comes from the governance log. What a server says about
 * either is compared, never believed: a key or challenge of its own could tag one user. Source: `src/client/tokens.rs`.
 */
import { equal, systemRandom, type Bytes } from "../crypto/codec.ts";
import { Refused, refuse } from "../crypto/errors.ts";
import { blindToken, tokenKey } from "../crypto/token/blind.ts";
import { readOffer, solutionText, solve } from "../crypto/token/puzzle.ts";
import { challengeDigest, challengeFor, encodeRequest, readChallengeHeader, type Token, type TokenChallenge } from "../crypto/token/wire.ts";
import { Problem, send } from "./http.ts";
import type { Session } from "./session.ts";

/** Counters that are tried between two signs of life. */
const TRIES = 8;

/** What pays for a token: a printed one-use code, or a puzzle that is solved here. */
export type Payment = { readonly voucher: string } | "puzzle";

export const challengeOf = (session: Session): TokenChallenge =>
  challengeFor(session.trust.root.issuer_name, session.trust.root.origin);

/** Fetches one token. `tried` is told how many counters of how many were tried, on average. Errors: HTTP, `not-active`, `blind-signature`. */
export async function fetchToken(session: Session, pay: Payment, tried: (done: number, of: number) => void): Promise<Token> {
  const key = tokenKey(session.key("token"));
  const pending = blindToken(key, challengeOf(session), systemRandom);
  const attestation = pay === "puzzle" ? `pow ${await solvePuzzle(session, tried)}` : `voucher ${pay.voucher.trim()}`;
  const answer = await send(`${session.issuer}/token-request`, {
    method: "POST",
    headers: {
      "content-type": "application/private-token-request",
      accept: "application/private-token-response",
      "tabir-attestation": attestation,
    },
    body: encodeRequest(pending.request),
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
