/** An installation on loopback: `tabir demo` with a few tickets, every role a process of its own, one identity opened. */
import { spawn, execFile, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The binary; `scripts/browsers` builds it. */
const program = resolve(process.env["TABIR"] ?? "../target/debug/tabir");
const TICKETS = 3;

export interface Citizen {
  readonly reference: string;
  readonly receipt: string;
  readonly identity: unknown;
}

export class Stage {
  private constructor(
    private readonly child: ChildProcess | undefined,
    readonly dir: string,
    /** The gateway's address, which serves the page. */
    readonly address: string,
    /** Every address that a page may call. */
    readonly origins: readonly string[],
    readonly citizens: readonly Citizen[],
    private readonly desk: readonly string[],
  ) {}

  static async start(): Promise<Stage> {
    // One that is up already, by what it printed: for who works on the page.
    const up = process.env["TABIR_UP"];
    if (up) return Stage.of(undefined, "", readFileSync(up, "utf8"));
    const dir = mkdtempSync(join(tmpdir(), "tabir-browser-"));
    const kept = join(dir, "kept");
    const tickets = readFileSync("../tests/data/reports-neworleans.jsonl", "utf8").split("\n").slice(0, TICKETS).join("\n");
    writeFileSync(join(dir, "tickets.jsonl"), `${tickets}\n`);
    const child = spawn(program, ["demo", "--reports", join(dir, "tickets.jsonl"), "--identity-every", "1", "--keep", kept], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    await new Promise<void>((ready, failed) => {
      child.stdout?.on("data", (part: Buffer) => {
        said += part.toString();
        if (said.includes("audit fetch")) ready();
      });
      child.on("exit", (code) => failed(new Error(`tabir demo ended with ${code}:\n${said}`)));
    });
    return Stage.of(child, dir, said);
  }

  private static async of(child: ChildProcess | undefined, dir: string, said: string): Promise<Stage> {
    const kept = /TABIR_TRUST=(\S+)\/trust\.json/.exec(said)?.[1] ?? "";
    const address = /TABIR_SERVER=(\S+)/.exec(said)?.[1] ?? "";
    const desk = /desk --server (\S+) --key (\S+)/.exec(said);
    const services = (await (await fetch(`${address}/v1/services`)).json()) as { issuer: string; log: string };
    const citizens = readFileSync(join(kept, "citizens.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line) as Citizen);
    return new Stage(child, dir, address, [address, services.issuer, services.log].map((url) => new URL(url).origin), citizens, desk ? ["--server", desk[1] ?? "", "--key", desk[2] ?? ""] : []);
  }

  /** What an officer does. */
  async officer(...args: string[]): Promise<string> {
    return (await run(program, ["desk", ...this.desk, "--json", ...args])).stdout;
  }

  /** The complaint of a report, once it has reached the desk. */
  async complaint(text: string): Promise<string> {
    for (let tries = 0; tries < 240; tries++) {
      const found = JSON.parse(await this.officer("list")) as { service_request_id: string | number; description?: string }[];
      const one = found.find((r) => JSON.stringify(r).includes(text));
      if (one) return String(one.service_request_id);
      await new Promise((again) => setTimeout(again, 250));
    }
    throw new Error("the report did not reach the desk within a minute");
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (!child) return;
    child.removeAllListeners("exit");
    const gone = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill("SIGINT");
    await gone;
    if (existsSync(this.dir)) rmSync(this.dir, { recursive: true, force: true });
  }
}
