/** The page's side of the worker: calls that answer, and progress on the way. */
import type { Ask, Calls, Failure, Progress, Reply } from "./protocol.ts";

/** What a call failed with. */
export class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.code);
  }
}

/** Browsers that check where scripts come from are told of this one place, by a policy that knows no other. */
function trustedUrl(url: string): string {
  const factory = (globalThis as { trustedTypes?: { createPolicy: Function } }).trustedTypes;
  if (!factory) return url;
  const policy = factory.createPolicy("tabir", {
    createScriptURL: (wanted: string) => {
      if (wanted !== url) throw new TypeError("not the page's worker");
      return wanted;
    },
  }) as { createScriptURL: (url: string) => string };
  return policy.createScriptURL(url);
}

export class Engine {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { done: (value: never) => void; failed: (error: Error) => void }>();
  private next = 1;
  onProgress: (progress: Progress) => void = () => {};

  constructor(url: string) {
    this.worker = new Worker(trustedUrl(url), { type: "module" });
    this.worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => this.take(data));
    this.worker.addEventListener("error", () => this.end({ kind: "defect", code: "worker" }));
  }

  private take(reply: Reply): void {
    if ("progress" in reply) return this.onProgress(reply.progress);
    const call = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.ok) call?.done(reply.value as never);
    else call?.failed(new Failed(reply.failure));
  }

  private end(failure: Failure): void {
    for (const { failed } of this.waiting.values()) failed(new Failed(failure));
    this.waiting.clear();
  }

  call<K extends keyof Calls>(call: K, input: Parameters<Calls[K]>[0]): Promise<ReturnType<Calls[K]>> {
    const id = this.next++;
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.worker.postMessage({ id, call, input } as Ask);
    });
  }

  /** Everything that the worker holds is gone. */
  stop(): void {
    this.worker.terminate();
    this.waiting.clear();
  }
}
