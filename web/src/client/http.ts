/**
 * Calls over HTTP as a reporter's device makes them: no cookies, no cache, no referrer, no redirect, and what comes back is bytes
 * that somebody else has to check.
 */
import { fromUtf8, type Bytes } from "../crypto/codec.ts";

/** The largest answer that is read: an entry bundle of 256 statements would be 16 MiB, and no real one is near it. */
const MAX_ANSWER = 16 << 20;
/** Longer than the server itself takes at most. */
const TIMEOUT_MS = 35_000;
/** Waits before the same request is sent once more to a server that said it was busy. */
const AGAIN_MS = [1_000, 3_000];
/** The longest wait that a server may ask for before the person is asked instead. */
const MAX_WAIT_S = 20;

/** No answer: no network, a server that is down, a request that the browser refused to send. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** An answer that refuses: RFC 9457, its code where it has one. */
export class Problem extends Error {
  override name = "Problem";
  constructor(
    readonly status: number,
    readonly code: string,
    readonly challenge?: string,
  ) {
    super(`${status} ${code}`);
  }
}

export interface Call {
  readonly method?: "GET" | "POST";
  readonly headers?: Record<string, string>;
  readonly body?: Bytes;
}

export interface Answer {
  readonly status: number;
  readonly body: Bytes;
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/**
 * Sends a request. All of Tabir's requests may be sent twice: so one whose answer was lost is, and one to a busy server after a
 * wait. Errors: `Unreachable`, `Problem`.
 */
export async function send(url: string, call: Call = {}): Promise<Answer> {
  for (let lost = 0, busy = 0; ; ) {
    let response: Response;
    try {
      response = await once(url, call);
    } catch (error) {
      if (!(error instanceof Unreachable) || lost++ > 0) throw error;
      continue;
    }
    if (response.ok) return { status: response.status, body: await read(response) };
    const wait = response.status === 429 || response.status === 503 ? AGAIN_MS[busy++] : undefined;
    const asked = Number(response.headers.get("retry-after") ?? "0");
    if (wait === undefined || asked > MAX_WAIT_S) throw await problem(response);
    await sleep(Math.max(wait, asked * 1_000));
  }
}

async function once(url: string, { method = "GET", headers = {}, body }: Call): Promise<Response> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), TIMEOUT_MS);
  try {
    return await fetch(url, {
      method,
      headers,
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
      mode: "cors",
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: ended.signal,
    });
  } catch {
    throw new Unreachable(new URL(url).pathname);
  } finally {
    clearTimeout(timer);
  }
}

async function read(response: Response): Promise<Bytes> {
  let bytes: Bytes;
  try {
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Unreachable("answer");
  }
  if (bytes.length > MAX_ANSWER) throw new Problem(response.status, "too-long");
  return bytes;
}

async function problem(response: Response): Promise<Problem> {
  const challenge = response.headers.get("www-authenticate") ?? undefined;
  let code = "";
  try {
    const found = JSON.parse(fromUtf8(await read(response))) as { type?: unknown };
    if (typeof found.type === "string") code = found.type.replace(/^urn:tabir:error:/, "");
  } catch {
    // Whoever answered is not Tabir: a proxy, a portal of a hotel. The status says what can be said.
  }
  return new Problem(response.status, code, challenge);
}
