/**
 * What in a text may give its author away: phone numbers, identity numbers, addresses of mail, plates, names. Looked for on the
 * device alone. The patterns are those of the command line (`warnings.json`, read by both).
 */
import table from "./warnings.json";

export type WarningKind = "email" | "nik" | "phone" | "plate" | "name";

/** Where it stands, in UTF-16 units: from the first one up to before the last. */
export interface Finding {
  readonly kind: WarningKind;
  readonly from: number;
  readonly to: number;
}

const PATTERNS = table.patterns.map(({ kind, pattern, group }) => ({ kind: kind as WarningKind, group, pattern: new RegExp(pattern, "gu") }));
const WORD = /[\p{L}\p{N}]/u;

/** The character that ends before, or begins at, a place. */
const before = (text: string, at: number): string => text.slice(Math.max(0, at - 2), at).match(/.$/su)?.[0] ?? "";
const behind = (text: string, at: number): string => text.slice(at, at + 2).match(/^./su)?.[0] ?? "";

/** All findings, in the order of the text; of two that overlap the one of the earlier pattern. */
export function find(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { kind, group, pattern } of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const end = match.index + match[0].length;
      if (WORD.test(before(text, match.index)) || WORD.test(behind(text, end))) continue;
      const words = match[group] ?? match[0];
      const from = match.index + match[0].indexOf(words, group === 0 ? 0 : match[0].length - words.length);
      const to = from + words.length;
      if (!found.some((f) => from < f.to && f.from < to)) found.push({ kind, from, to });
    }
  }
  return found.sort((a, b) => a.from - b.from);
}
