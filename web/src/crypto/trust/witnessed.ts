/**
 * When entries were witnessed, and how old a head may be. Delays are measured by witnessed times, never by what a signer says.
 * Source: `crypto/src/trust/witnessed.rs`, `fresh.rs`; docs/protocol.md, "Which key counts".
 */
import { need } from "../errors.ts";
import type { Trust } from "./root.ts";

/** Sizes of kept checkpoints with their times, rising. */
export class Witnessed {
  private readonly marks: { size: number; at: number }[] = [];

  /** A kept checkpoint of this size was witnessed then; one that is not larger than the last says nothing new. */
  mark(size: number, at: number): void {
    const last = this.marks.at(-1);
    if (last && last.size >= size) return;
    this.marks.push({ size, at });
  }

  /** Of an entry; nothing while no kept checkpoint covers it. */
  of(entry: number): number | undefined {
    return this.marks.find((mark) => mark.size > entry)?.at;
  }
}

/** The oldest head by which a report without an identity is sent, in seconds: an outage of the outside body must not silence people. */
const REPORT_S = 14 * 86_400;

/** Whether a head is fresh enough: `binding` where an identity is sealed. Error: `stale`. */
export function checkFresh(trust: Trust, purpose: "binding" | "report", witnessed: number, now: number): void {
  const binding = trust.root.freshness_s;
  need(Math.max(0, now - witnessed) <= (purpose === "binding" ? binding : Math.max(binding, REPORT_S)), "stale");
}
