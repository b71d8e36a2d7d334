/** Every failure in words: what happened, that nothing was lost, and what to do now. */
import type { Words, Key } from "./i18n.ts";
import type { Failure } from "./protocol.ts";

/** Codes that are one thing for a person. */
const SAME: Record<string, Key> = {
  "token-missing": "error.token", "token-spent": "error.token", "token-key": "error.token", "token-invalid": "error.token",
  "token-challenge": "error.marked", "blind-signature": "error.marked",
  "attestation-missing": "error.voucher", "attestation-invalid": "error.voucher", "attestation-spent": "error.voucher",
  puzzle: "error.token",
  "intake-key": "error.keys", "warden-key": "error.keys", council: "error.keys", "not-active": "error.keys", "key-conflict": "error.keys",
  "no-token-key": "error.keys", "not-ready": "error.keys",
  consistency: "error.log", tile: "error.log", shrunk: "error.log", quorum: "error.log", checkpoint: "error.log", note: "error.log",
  "unknown-key": "error.log", signature: "error.log", trust: "error.log",
  stale: "error.stale", context: "error.context", "too-long": "error.long",
  "no-case": "error.no-case", erased: "error.erased", "access-key": "error.no-case",
  counter: "error.elsewhere", seq: "error.elsewhere", rated: "error.done", disputed: "error.done",
};

export function explain(words: Words, failure: Failure): string {
  const { kind, code, status, at } = failure;
  if (kind === "unreachable") return words.t("error.unreachable");
  if (code === "letters" || (code === "checksum" && at !== undefined)) return words.t("receipt.wrong-group", { n: at ?? 0 });
  if (code === "groups" || code === "checksum") return words.t(code === "groups" ? "receipt.wrong-groups" : "receipt.wrong");
  const known = SAME[code];
  if (known) return words.t(known);
  if (status === 429 || status === 503) return words.t("error.busy");
  if (status !== undefined && status >= 500) return words.t("error.server");
  return words.t("error.other", { code: code === "" ? String(status ?? kind) : code });
}
