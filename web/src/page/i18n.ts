/** Words by key, and dates, spans and numbers by `Intl`. A catalogue is one file a language; a test finds missing and unused keys. */
import { en } from "./words/en.ts";
import { id } from "./words/id.ts";

export type Key = keyof typeof id;
export type Language = "id" | "en";

const CATALOGUES: Record<Language, Record<Key, string>> = { id, en };
export const LANGUAGES: readonly Language[] = ["id", "en"];
/** Where lines begin. The style has no left and right, so that a language from right to left is a line here. */
export const DIRECTION: Record<Language, "ltr" | "rtl"> = { id: "ltr", en: "ltr" };

export class Words {
  constructor(readonly language: Language) {}

  /** The words of a key, `{name}` replaced by what is given. */
  t(key: Key, values: Record<string, string | number> = {}): string {
    return CATALOGUES[this.language][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
  }

  has(key: string): key is Key {
    return Object.hasOwn(CATALOGUES[this.language], key);
  }

  /** One of a pair of texts as a policy has them. */
  pick(pair: { readonly id: string; readonly en: string }): string {
    return pair[this.language];
  }

  /** `key.one` or `key.other`, by the language's own rule. */
  count(key: string, n: number): string {
    const rule = new Intl.PluralRules(this.language).select(n);
    const found = `${key}.${rule}`;
    return this.t((this.has(found) ? found : `${key}.other`) as Key, { n: this.number(n) });
  }

  number(n: number): string {
    return new Intl.NumberFormat(this.language).format(n);
  }

  /** A day, and with `hour` the hour: nothing finer is ever said. Unix seconds. */
  date(unix: number, hour = false): string {
    const at = new Date(unix * 1000);
    const options: Intl.DateTimeFormatOptions = hour ? { dateStyle: "long", timeStyle: "short" } : { dateStyle: "long" };
    return new Intl.DateTimeFormat(this.language, options).format(at);
  }

  /** A span in the largest unit that fits. */
  span(seconds: number): string {
    const units = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]] as const;
    const [unit, size] = units.find(([name, s]) => seconds >= s * (name === "day" ? 4 : 1)) ?? units[3];
    return new Intl.NumberFormat(this.language, { style: "unit", unit, unitDisplay: "long" }).format(Math.round(seconds / size));
  }

  /** "1, 2 and 3". */
  list(items: readonly (string | number)[]): string {
    return new Intl.ListFormat(this.language).format(items.map(String));
  }
}
