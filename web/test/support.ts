/** Vectors as data, and random sources that hand out what a test gives them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { hex, unhex, utf8, type Bytes, type Random } from "../src/crypto/codec.ts";
import { Refused, type Code } from "../src/crypto/errors.ts";
import type { Json } from "../src/crypto/json.ts";

/** The folder of the vectors; `npm test` runs in `web/`. */
export const VECTORS = join(process.cwd(), "..", "crypto", "tests", "vectors");

/** One JSON object of a vectors file. */
export class Node {
  constructor(readonly json: Record<string, any>) {}

  get(key: string): any {
    assert.ok(key in this.json, `the vector has no ${key}`);
    return this.json[key];
  }

  text(key: string): string {
    const found = this.get(key);
    assert.equal(typeof found, "string", key);
    return found;
  }

  number(key: string): number {
    const found = this.get(key);
    assert.equal(typeof found, "number", key);
    return found;
  }

  bytes(key: string): Bytes {
    return unhex(this.text(key));
  }

  utf8(key: string): Bytes {
    return utf8(this.text(key));
  }

  node(key: string): Node {
    return new Node(this.get(key));
  }

  nodes(key: string): Node[] {
    return (this.get(key) as Record<string, any>[]).map((each) => new Node(each));
  }

  list(key: string): Bytes[] {
    return (this.get(key) as string[]).map(unhex);
  }

  has(key: string): boolean {
    return key in this.json;
  }

  /** A random source that hands out the bytes of this key, all of them and no more. */
  random(key = "random"): Given {
    return new Given(this.bytes(key));
  }

  /** The expected output `key` is these bytes. */
  is(key: string, got: Bytes | string): void {
    assert.equal(typeof got === "string" ? got : hex(got), this.text(key), key);
  }
}

export const load = (name: string): Node => new Node(JSON.parse(readFileSync(join(VECTORS, name), "utf8")));

/** Hands out the given bytes in order, and no more. */
export class Given {
  private at = 0;

  constructor(private readonly all: Bytes) {}

  readonly draw: Random = (n) => {
    assert.ok(this.at + n <= this.all.length, "more randomness was asked for than the vector has");
    return this.all.slice(this.at, (this.at += n));
  };

  done(): void {
    assert.equal(this.at, this.all.length, "not all randomness was used");
  }
}

/** Makes something with exactly the randomness that a vector gives. */
export function drawing<T>(given: Given, make: (random: Random) => T): T {
  const made = make(given.draw);
  given.done();
  return made;
}

/** The code of a refusal, with its culprit where one is named; nothing where it is taken. What is no refusal is a defect. */
export function outcome(run: () => unknown): { code?: Code; at?: number } {
  try {
    run();
    return {};
  } catch (e) {
    if (e instanceof Refused) return e.at === undefined ? { code: e.code } : { code: e.code, at: e.at };
    throw e;
  }
}

/** Refused, and for this reason. */
export function refused(code: string, run: () => unknown, rule?: string): void {
  assert.equal(outcome(run).code ?? "taken", code, rule);
}

/** JSON after an edit: `put` at a JSON pointer, or what stands there cut out. */
export function edited(json: Json, path: string, put: Json | undefined): Json {
  const copy = structuredClone(json);
  const names = path.split("/").slice(1);
  const last = names.pop() ?? assert.fail(path);
  const holder = names.reduce<any>((inner, name) => inner[name], copy);
  if (put !== undefined) holder[last] = put;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy;
}

/** Every refusal of a file: the decoder of each is called, and refuses with its code, naming its culprit. */
export function refusesAll(rejects: Node[], decoders: Record<string, (input: Node) => unknown>): void {
  const used = new Set<string>();
  for (const reject of rejects) {
    const decoder = reject.text("decoder");
    used.add(decoder);
    const decode = decoders[decoder] ?? assert.fail(`no decoder ${decoder}`);
    const got = outcome(() => decode(reject.node("in")));
    const rule = `${decoder}: ${reject.text("rule")}`;
    assert.equal(got.code ?? "taken", reject.text("code"), rule);
    assert.equal(got.at, reject.json["at"], rule);
  }
  assert.deepEqual([...used].sort(), Object.keys(decoders).sort());
}

/** The bytes with the lowest bit of one of them changed. */
export const flipped = (bytes: Bytes, at: number): Bytes => bytes.map((b, i) => (i === at ? b ^ 1 : b));

export { assert, test };
