/** What page and worker say to each other. */
import type { CaseData, DraftData, Progress, Ready, Sent, WriteData } from "../client/types.ts";

export type * from "../client/types.ts";

export interface Calls {
  start: (at: { installation: string; address: string }) => Ready;
  /** Gets a token while the person writes. */
  prepare: (pay: { voucher: string | undefined }) => void;
  submit: (draft: DraftData) => Sent;
  /** Sends what is sealed already once more: the same bytes. */
  again: (nothing: undefined) => Sent;
  open: (receipt: { text: string }) => CaseData;
  write: (what: WriteData) => CaseData;
}

/** Why something failed, as far as a person can do something about it. */
export interface Failure {
  readonly kind: "unreachable" | "problem" | "refused" | "defect";
  readonly code: string;
  readonly status?: number;
  readonly at?: number;
}

export type Ask = { [K in keyof Calls]: { id: number; call: K; input: Parameters<Calls[K]>[0] } }[keyof Calls];
export type Reply =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; failure: Failure }
  | { progress: Progress };
