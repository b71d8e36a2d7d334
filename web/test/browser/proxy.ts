/**
 * Everything that a browser sends goes through here: a forward proxy that listens, and can break things. So what is asserted about
 * requests is what left the browser, whichever thread or feature sent it.
 */
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Socket } from "node:net";

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** What happens to a request: nothing, no connection at all, an answer made here, or the server's own, changed. */
export type Fate =
  | undefined
  | "cut"
  | { status: number; headers?: Record<string, string>; body?: string }
  | { change: (body: Buffer) => Buffer }
  /** The server gets it with these headers in place of its own. */
  | { as: Record<string, string> }
  /** The server gets it once this has happened. */
  | { until: Promise<void> }
  /** The server gets it; its answer is lost. */
  | "lose";

/** A line that all answers share: what it carries in a second, and how long anything takes to cross it. */
export interface Line {
  readonly bytesPerS: number;
  readonly delayMs: number;
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export class Proxy {
  readonly seen: Seen[] = [];
  /** Hosts that something wanted to reach by TLS: nothing of ours does. */
  readonly tunnels: string[] = [];
  rule: (seen: Seen) => Fate = () => undefined;
  /** Slows everything down. */
  line: Line | undefined;
  /** What crossed it: bytes as they were sent, compressed, headers included. */
  readonly crossed: { readonly path: string; readonly bytes: number }[] = [];
  /** When the line is free again, in milliseconds of `performance.now`. */
  private free = 0;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((req, res) => void this.handle(req, res));
    this.server.on("connect", (req: IncomingMessage, socket: Socket) => {
      this.tunnels.push(req.url ?? "");
      socket.on("error", () => {});
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
  }

  static async start(): Promise<Proxy> {
    const proxy = new Proxy();
    await new Promise<void>((done) => proxy.server.listen(0, "127.0.0.1", done));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const seen: Seen = { method: req.method ?? "", url: req.url ?? "", headers: req.headers, body: Buffer.concat(parts) };
    this.seen.push(seen);
    const fate = this.rule(seen);
    if (fate === "cut") return void req.socket.destroy();
    if (fate !== undefined && fate !== "lose" && "until" in fate) await fate.until;
    if (fate !== undefined && fate !== "lose" && "status" in fate) {
      // As a gateway behind a proxy would answer: a page of another origin may read it.
      res.writeHead(fate.status, { "access-control-allow-origin": "*", ...fate.headers });
      return void res.end(fate.body ?? "");
    }
    let target: URL;
    try {
      target = new URL(seen.url);
    } catch {
      res.writeHead(400).end();
      return;
    }
    const own = fate !== undefined && fate !== "lose" && "as" in fate ? fate.as : {};
    const out = ask(target, { method: seen.method, headers: { ...req.headers, ...own } }, (answer) => {
      const body: Buffer[] = [];
      answer.on("data", (part: Buffer) => body.push(part));
      answer.on("end", () => {
        if (fate === "lose") {
          req.socket.destroy();
          return;
        }
        const change = fate && "change" in fate ? fate.change : undefined;
        const whole = change ? change(Buffer.concat(body)) : Buffer.concat(body);
        const headers = { ...answer.headers };
        if (change) delete headers["content-length"];
        delete headers["transfer-encoding"];
        void this.cross(target.pathname, answer.rawHeaders.join("  ").length + whole.length).then(() => {
          res.writeHead(answer.statusCode ?? 502, headers);
          res.end(whole);
        });
      });
    });
    out.on("error", () => req.socket.destroy());
    out.end(seen.body);
  }

  /** Waits until this many bytes have crossed the line behind all that were before them. */
  private async cross(path: string, bytes: number): Promise<void> {
    this.crossed.push({ path, bytes });
    if (!this.line) return;
    const now = performance.now();
    this.free = Math.max(this.free, now) + (bytes / this.line.bytesPerS) * 1_000;
    await sleep(this.free - now + this.line.delayMs);
  }
}
