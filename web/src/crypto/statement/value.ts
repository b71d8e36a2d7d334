/**
 * The types that fields of JSON have: bytes, times, codes, texts, and what is built of them. Each has one form and
 * refuses every other; each is read and written by the same definition.
 * Source: docs/protocol.md, first paragraph and "Building blocks"; `crypto/src/statement/value.rs`.
 */
import { b64url, hex, unb64url, unhex, type Bytes } from "../codec.ts";
import { need, otherwise, refuse } from "../errors.ts";
import { parse, write, type Json } from "../json.ts";

/** How a type of values stands in JSON. `read` refuses with `field`, or `unknown-field` and `missing-field`. */
export interface Format<T> {
  read(json: Json): T;
  write(value: T): Json;
}

export type Of<F> = F extends Format<infer T> ? T : never;

function format<T>(read: (json: Json) => T, write: (value: T) => Json): Format<T> {
  return { read, write };
}

/** A string that `accepts` lets through. */
function string(accepts: (text: string) => boolean): Format<string> {
  const read = (json: Json): string => (typeof json === "string" && accepts(json) ? json : refuse("field"));
  return format(read, (text) => text);
}

/** Bytes written as text by one pair of functions. */
function encoded(decode: (text: string) => Bytes, encode: (bytes: Bytes) => string): Format<Bytes> {
  const read = (json: Json): Bytes => otherwise("field", () => decode(typeof json === "string" ? json : refuse("field")));
  return format(read, encode);
}

/** Exactly `n` bytes as lower-case hex, whatever `n`. */
export const hexOf = (n: number): Format<Bytes> =>
  encoded((text) => {
    const bytes = unhex(text);
    need(bytes.length === n, "field");
    return bytes;
  }, hex);

export const h = hexOf(32);

const HEX_MAX = 64;
const writeBytes = (bytes: Bytes): string => (bytes.length <= HEX_MAX ? hex(bytes) : b64url(bytes));

/** Bytes of any length: lower-case hex up to 64 of them, base64url without padding beyond. */
export const bytes = encoded((text) => {
  // Where a text could be both, the length after decoding decides.
  const fits = [unhex, unb64url].map((decode) => {
    try {
      return decode(text);
    } catch {
      return undefined;
    }
  });
  return fits.find((found) => found !== undefined && writeBytes(found) === text) ?? refuse("field");
}, writeBytes);

/** base64url without padding, however short. */
export const base64url = encoded(unb64url, b64url);

/** A number from 0 to `most`. */
export const upTo = (most: number, least = 0): Format<number> =>
  format((json) => (typeof json === "number" && json >= least && json <= most ? json : refuse("field")), (n) => n);

/** Any number of strict JSON. */
export const n = upTo(Number.MAX_SAFE_INTEGER);
/** A member's index or a count of members: 16 bits. */
export const u16 = upTo(0xffff);
export const u8 = upTo(0xff);
/** The version of every message. */
export const v1 = upTo(1, 1) as Format<1>;

export const bool = format<boolean>((json) => (typeof json === "boolean" ? json : refuse("field")), (b) => b);

/** A code: never free text. */
export const code = string((text) => /^[a-z0-9_.-]{1,64}$/.test(text));
/** Free text of any length. */
export const anyText = string(() => true);
/** A short text: 1 to 255 characters. */
export const text = string((found) => found.length > 0 && found.length <= 510 && [...found].length <= 255);

/** One of these names. */
export const oneOf = <const N extends string>(...names: readonly N[]): Format<N> =>
  string((found) => (names as readonly string[]).includes(found)) as unknown as Format<N>;

/** Unix seconds as `2026-11-24T17:00:05Z`, in no other form. */
function time(step: number): Format<number> {
  const show = (unix: number): string => new Date(unix * 1000).toISOString().replace(/\.000Z$/, "Z");
  return format(
    (json) => {
      need(typeof json === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(json), "field");
      const unix = Date.parse(json) / 1000;
      need(Number.isInteger(unix) && unix >= 0 && unix % step === 0 && show(unix) === json, "field");
      return unix;
    },
    (unix) => show(unix - (unix % step)),
  );
}

/** A time cut to the hour: what tells when a person acted. */
export const hour = time(3600);
/** A time exact to the second. */
export const second = time(1);

export const list = <T>(of: Format<T>): Format<T[]> =>
  format(
    (json) => (Array.isArray(json) ? json.map((item) => of.read(item)) : refuse("field")),
    (items) => items.map((item) => of.write(item)),
  );

/** A list that is left out where it is empty, and is never an empty one: for `maybe`. */
export const some = <T>(of: Format<T>): Format<T[]> => where(list(of), (items) => items.length > 0);

/** A list of exactly two. */
export const pair = <T>(of: Format<T>): Format<[T, T]> => {
  const items = list(of);
  const read = (json: Json): [T, T] => {
    const [a, b, ...more] = items.read(json);
    need(a !== undefined && b !== undefined && more.length === 0, "field");
    return [a, b];
  };
  return format(read, (two) => items.write(two));
};

function isObject(json: Json): json is { [field: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Fields of any name that `key` allows, written in the given order, or in that of the names. */
export const mapOf = <T>(key: Format<string>, of: Format<T>, order?: readonly string[]): Format<Map<string, T>> => {
  const sorted = (names: Iterable<string>): string[] =>
    [...names].sort((a, b) => (order ? order.indexOf(a) - order.indexOf(b) : a < b ? -1 : 1));
  return format(
    (json) => {
      need(isObject(json), "field");
      return new Map(Object.keys(json).sort().map((name) => [key.read(name), of.read(json[name] ?? null)]));
    },
    (map) => Object.fromEntries(sorted(map.keys()).map((name) => [name, of.write(map.get(name) as T)])),
  );
};

/** A field that may be left out. It is never `null`. */
export class Maybe<T> {
  constructor(readonly of: Format<T>) {}
}
export const maybe = <T>(of: Format<T>): Maybe<T> => new Maybe(of);

/** A field that is `null` where there is nothing; only the trust root's `previous`. */
export const orNull = <T>(of: Format<T>): Format<T | null> =>
  format((json) => (json === null ? null : of.read(json)), (value) => (value === null ? null : of.write(value)));

type Shape = Record<string, Format<any> | Maybe<any>>;
type Needed<S extends Shape> = { [K in keyof S as S[K] extends Maybe<any> ? never : K]: Of<S[K]> };
type Allowed<S extends Shape> = { [K in keyof S as S[K] extends Maybe<any> ? K : never]?: S[K] extends Maybe<infer T> ? T : never };
export type Fields<S extends Shape> = { [K in keyof (Needed<S> & Allowed<S>)]: (Needed<S> & Allowed<S>)[K] };

/**
 * An object of exactly these fields, written in this order. Errors: `unknown-field`, `field`, `missing-field`; of
 * several the first in the order of the names is told, and a missing field last.
 */
export function object<const S extends Shape>(shape: S): Format<Fields<S>> {
  const formatOf = (name: string): Format<any> => {
    const field = Object.hasOwn(shape, name) ? shape[name] : refuse("unknown-field");
    return field instanceof Maybe ? field.of : (field ?? refuse("unknown-field"));
  };
  return format(
    (json) => {
      need(isObject(json), "field");
      const found: Record<string, unknown> = {};
      for (const name of Object.keys(json).sort()) found[name] = formatOf(name).read(json[name] ?? null);
      for (const [name, field] of Object.entries(shape)) need(name in found || field instanceof Maybe, "missing-field");
      return found as Fields<S>;
    },
    (value) => {
      const fields = value as Record<string, unknown>;
      const there = Object.keys(shape).filter((name) => fields[name] !== undefined);
      return Object.fromEntries(there.map((name) => [name, formatOf(name).write(fields[name])]));
    },
  );
}

/** The same format with a check of its own. */
export function where<T>(of: Format<T>, check: (value: T) => boolean): Format<T> {
  const read = (json: Json): T => {
    const value = of.read(json);
    need(check(value), "field");
    return value;
  };
  return format(read, of.write);
}

/** Reads a value of a format. Errors: those of strict JSON and of the format. */
export const fromBytes = <T>(of: Format<T>, json: Bytes): T => of.read(parse(json));
/** Writes a value in its one form. */
export const toBytes = <T>(of: Format<T>, value: T): Bytes => write(of.write(value));
