/**
 * Strict JSON: no repeated field (after unescaping), integers 0 to 2^53 - 1 only, at most eight levels, nothing behind.
 * Two parsers that read one text differently are an attack, so everything that anybody signs or seals is read here.
 * Source: docs/protocol.md, "Building blocks".
 */
import { fromUtf8, utf8, type Bytes } from "./codec.ts";
import { need, refuse } from "./errors.ts";

export type Json = null | boolean | number | string | Json[] | { [field: string]: Json };

const MAX_DEPTH = 8;

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private space(): void {
    this.take(/[ \t\n\r]*/y);
  }

  private sign(letter: string): boolean {
    this.space();
    const there = this.text[this.at] === letter;
    if (there) this.at += 1;
    return there;
  }

  whole(): Json {
    const value = this.value(1);
    this.space();
    need(this.at === this.text.length, "trailing");
    return value;
  }

  private value(depth: number): Json {
    if (this.sign("{")) return this.object(depth);
    if (this.sign("[")) return this.array(depth);
    if (this.text[this.at] === '"') return this.string();
    const word = this.take(/true|false|null/y);
    return word === undefined ? this.integer() : (JSON.parse(word) as boolean | null);
  }

  private object(depth: number): Json {
    need(depth <= MAX_DEPTH, "depth");
    const fields: { [field: string]: Json } = Object.create(null);
    if (this.sign("}")) return fields;
    do {
      this.space();
      const name = this.string();
      need(!(name in fields), "repeated-field");
      need(this.sign(":"), "json");
      fields[name] = this.value(depth + 1);
    } while (this.sign(","));
    need(this.sign("}"), "json");
    return fields;
  }

  private array(depth: number): Json {
    need(depth <= MAX_DEPTH, "depth");
    const list: Json[] = [];
    if (this.sign("]")) return list;
    do list.push(this.value(depth + 1));
    while (this.sign(","));
    need(this.sign("]"), "json");
    return list;
  }

  private string(): string {
    const quoted = this.take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y) ?? refuse("json");
    const text = JSON.parse(quoted) as string;
    need(text.isWellFormed(), "json"); // no lone surrogate
    return text;
  }

  private integer(): number {
    // What is no number at all is `json`; what is one, but not of the kind that is taken, is `integer`.
    const digits = this.take(/-?(?:0(?![0-9])|[1-9][0-9]*)/y) ?? refuse("json");
    const fraction = this.take(/\.[0-9]*/y);
    need(fraction !== ".", "json");
    const exponent = this.take(/[eE][+-]?[0-9]*/y);
    need(exponent === undefined || /[0-9]$/.test(exponent), "json");
    const plain = fraction === undefined && exponent === undefined && !digits.startsWith("-");
    need(plain && BigInt(digits) < 2n ** 53n, "integer");
    return Number(digits);
  }
}

/** Reads one value. Errors: `utf-8`, `json`, `integer`, `depth`, `repeated-field`, `trailing`. */
export function parse(bytes: Bytes): Json {
  return new Parser(fromUtf8(bytes)).whole();
}

/** Writes a value without spaces, fields in the order in which they were set. */
export const write = (value: Json): Bytes => utf8(JSON.stringify(value));
