/**
 * The page's worker: everything that takes long or knows a secret. Nothing is stored.
 */
import { Refused } from "../crypto/errors.ts";
import { Problem, Unreachable } from "../client/http.ts";
import { Reporter } from "../client/reporter.ts";
import type { Ask, Failure, Reply } from "./protocol.ts";

const post = (reply: Reply): void => postMessage(reply);
const reporter = new Reporter((progress) => post({ progress }));

function failure(error: unknown): Failure {
  if (error instanceof Refused) return { kind: "refused", code: error.code, ...(error.at !== undefined && { at: error.at }) };
  if (error instanceof Problem) return { kind: "problem", code: error.code, status: error.status };
  if (error instanceof Unreachable) return { kind: "unreachable", code: "unreachable" };
  return { kind: "defect", code: error instanceof Error ? error.name : "unknown" };
}

addEventListener("message", ({ data }: MessageEvent<Ask>) => {
  const work = (reporter[data.call] as (input: unknown) => Promise<unknown>).call(reporter, data.input);
  work.then(
    (value) => post({ id: data.id, ok: true, value }),
    (error: unknown) => post({ id: data.id, ok: false, failure: failure(error) }),
  );
});
