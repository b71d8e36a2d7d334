/** What a reporter's device shows and takes: plain data only, so that it can be copied between threads. */
import type { DisputeCode } from "./case.ts";
import type { Opening } from "./openings.ts";

export interface Category {
  readonly code: string;
  readonly id: string;
  readonly en: string;
  readonly release: "urgent" | "batched";
}

export interface CodeWords {
  readonly code: string;
  readonly id: string;
  readonly en: string;
}

/** Who could open an identity, and under which terms: from trust root and log alone. */
export interface Consent {
  readonly councilId: string;
  readonly fingerprint: string;
  readonly t: number;
  readonly n: number;
  readonly coolingOff: number;
  readonly deferralMax: number;
  readonly kept: number | undefined;
  readonly witnesses: readonly string[];
  readonly bases: readonly CodeWords[];
}

/** What the page knows once the log was read. */
export interface Ready {
  readonly name: string;
  readonly demo: boolean;
  readonly categories: readonly Category[];
  /** Nothing where no identity can be sealed now: no council, or a head that is too old. */
  readonly consent: Consent | undefined;
  /** Seconds; 0 where there is nothing to say. */
  readonly clockBehind: number;
  /** The witnesses' last word, Unix seconds. */
  readonly witnessed: number;
  readonly codes: Readonly<Record<string, readonly CodeWords[]>>;
}

export interface DraftData {
  category: string;
  text: string;
  language: string;
  place: string;
  release: "urgent" | "batched";
  identity: { name: string; phone: string; email: string; note: string } | undefined;
  councilId: string | undefined;
}

export interface Sent {
  readonly receipt: string;
  readonly reference: string;
  /** By when it must stand in the log that it went on, Unix seconds. */
  readonly deadline: number;
}

export interface StatusData {
  readonly status: string;
  readonly at: number;
  readonly due: number | undefined;
  readonly eta: number | undefined;
}

export interface MessageData {
  readonly seq: number;
  readonly kind: "question" | "answer" | "note";
  readonly text: string;
}

export interface CaseData {
  readonly reference: string;
  readonly status: readonly StatusData[];
  readonly sent: boolean;
  readonly messages: readonly MessageData[];
  /** Numbers, first and last, of messages that are missing between them. */
  readonly missing: readonly (readonly [number, number])[];
  /** Number of the question that waits for an answer. */
  readonly question: number | undefined;
  readonly rated: boolean;
  readonly disputed: boolean;
  readonly erased: boolean;
  readonly deadline: number;
  readonly openings: readonly Opening[];
  /** Entries of the log that were read, and the witnesses' last word. */
  readonly logSize: number;
  readonly witnessed: number;
}

export type WriteData =
  | { readonly kind: "answer"; readonly text: string; readonly re: number }
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "rating"; readonly stars: number }
  | { readonly kind: "dispute"; readonly code: DisputeCode; readonly text: string }
  | { readonly kind: "erase" };

export type Phase = "puzzle" | "token" | "seal" | "send";

export interface Progress {
  readonly phase: Phase;
  /** 0 to 1 where it can be told. */
  readonly done?: number;
}
