/** The formats and hostile inputs of `tabir-v1.json`, and which of them a test has taken. */
import { Node, assert, load, outcome } from "../support.ts";

const file = load("tabir-v1.json");
const formats = file.node("formats");
const rejects = file.nodes("reject");
const taken = new Set<string>();

/** Every vector of a format: what goes in, what comes out. */
export function cases(format: string): [input: Node, output: Node][] {
  taken.add(`format ${format}`);
  const found = formats.nodes(format).map((v): [Node, Node] => [v.node("in"), v.node("out")]);
  assert.ok(found.length > 0, format);
  return found;
}

/** The only vector of a format. */
export function only(format: string): [input: Node, output: Node] {
  const [first, ...more] = cases(format);
  assert.ok(first !== undefined && more.length === 0, format);
  return first;
}

/** Every hostile input of a decoder is refused with exactly its code, and where a group is given, naming just that. */
export function refuses(decoder: string, decode: (input: Node) => unknown): void {
  taken.add(`decoder ${decoder}`);
  const mine = rejects.filter((r) => r.text("decoder") === decoder);
  assert.ok(mine.length > 0, decoder);
  for (const reject of mine) {
    const input = reject.node("in");
    const got = outcome(() => decode(input));
    assert.equal(got.code ?? "taken", reject.text("code"), `${decoder}: ${reject.text("rule")}`);
    if (input.has("group")) assert.equal(got.at ?? null, input.get("group"), reject.text("rule"));
  }
}

/** Nothing of the file was left out, and nothing went missing from it. */
export function allTaken(): void {
  const names = [
    ...Object.keys(formats.json).map((name) => `format ${name}`),
    ...new Set(rejects.map((r) => `decoder ${r.text("decoder")}`)),
  ];
  assert.deepEqual([...taken].sort(), names.sort());
  assert.deepEqual([Object.keys(formats.json).length, rejects.length], [26, 143]);
}
