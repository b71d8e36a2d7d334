/** What servers answer: field by field, as `src/api/gateway.rs` has it. Nothing in it is believed by itself. */
import { bytes, hour, list, maybe, n, object, second, v1, anyText, bool } from "../crypto/statement/value.ts";
import { embedded } from "../crypto/statement/statement.ts";
import { status } from "../crypto/statement/verbs.ts";
import type { Of } from "../crypto/statement/value.ts";

export { anyText, base64url, bool, code, fromBytes, h, list, maybe, n, object, text, v1, type Of } from "../crypto/statement/value.ts";

export const embeddedList = list(embedded);

export const reported = object({ v: v1, reference: anyText, acceptance: embedded });

export const caseView = object({
  v: v1,
  reference: anyText,
  counter: n,
  seq: n,
  status: list(object({ status, at: hour, due: maybe(second), eta: maybe(second) })),
  sent: bool,
  messages: list(object({ seq: n, sealed: bytes })),
  questions: n,
  rated: bool,
  disputed: bool,
  erased: bool,
  acceptance: embedded,
  pad: anyText,
});
export type CaseView = Of<typeof caseView>;

export const written = object({ v: v1, counter: n });
