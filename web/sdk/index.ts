/** Tabir in an app of one's own: tokens, sealing, sending, following, all on the person's device. `sdk/README.md` has the rules. */
export { Reporter } from "../src/client/reporter.ts";
export { Problem, Unreachable } from "../src/client/http.ts";
export { Refused } from "../src/crypto/errors.ts";
export { find as findWarnings, type Finding, type WarningKind } from "../src/warnings.ts";
export type * from "../src/client/types.ts";
export type { Opening, Step } from "../src/client/openings.ts";

/**
 * What a `Reporter` starts from: every version of the trust root that the app has inside, oldest first, as text, and the gateway's
 * address. The trust root belongs into the app's build. What is fetched from a server must never come here.
 */
export const installation = (trust: readonly string[], server: string): string =>
  `{"v":1,"server":${JSON.stringify(server)},"trust":[${trust.map((text) => text.trim()).join(",")}]}`;
