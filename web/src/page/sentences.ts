/** What the first screen says, in four sentences. `build.mjs` writes them into the document, for the time before any script has run. */
export const SENTENCES = ["start.what", "start.who", "start.limit", "start.danger"] as const;
