/** `statements.json`: one statement of every verb, and what every reader must refuse. */
import { hex, utf8 } from "../src/crypto/codec.ts";
import { publicKey } from "../src/crypto/ed25519.ts";
import { parse as parseJson, write, type Json } from "../src/crypto/json.ts";
import { body, entryHash, make, parse, sign, toBytes, verify } from "../src/crypto/statement/statement.ts";
import { fromBytes } from "../src/crypto/statement/value.ts";
import { VERBS, isVerb, type Verb } from "../src/crypto/statement/verbs.ts";
import { Node, assert, edited, load, outcome, test } from "./support.ts";

const file = load("statements.json");
const verbOf = (name: string): Verb => (isVerb(name) ? name : assert.fail(name));
const payloads = new Map(file.nodes("valid").map((v) => [v.text("verb"), v.text("payload")]));

test("one statement of every verb: made again, read, and the same bytes again", () => {
  const seeds = file.list("seeds");
  assert.deepEqual([...payloads.keys()].sort(), Object.keys(VERBS).sort());
  for (const v of file.nodes("valid")) {
    const verb = verbOf(v.text("verb"));
    const read = fromBytes(VERBS[verb] as any, v.utf8("payload"));
    const made = seeds.reduce(sign, make(verb, read as never));
    assert.equal(Buffer.from(made.payload).toString(), v.text("payload"), verb);
    assert.equal(Buffer.from(toBytes(made)).toString(), v.text("envelope"), verb);
    v.is("entry_hash", entryHash(made));
    const verified = verify(parse(v.utf8("envelope")), seeds.map(publicKey));
    assert.deepEqual(verified.signers.map(hex), verified.signers.map(hex).sort());
    assert.deepEqual(body(verified.statement, verb), read);
  }
});

test("payloads and envelopes that must be refused", () => {
  const rejects = file.nodes("reject");
  assert.ok(rejects.length > 1_000);
  for (const reject of rejects) {
    const input = reject.node("in");
    const got = outcome(() => {
      if (reject.text("decoder") === "payload") return readEdited(input);
      assert.equal(reject.text("decoder"), "envelope");
      const padding = input.has("pad_to") ? input.number("pad_to") - input.utf8("envelope").length : 0;
      return verify(parse(utf8(input.text("envelope") + " ".repeat(padding))), input.list("keys"));
    });
    const where = input.has("path") ? `${input.text("verb")} ${input.text("path")} ${JSON.stringify(input.json["put"])}` : "";
    assert.equal(got.code ?? "taken", reject.text("code"), `${reject.text("rule")} ${where}`);
  }
});

function readEdited(input: Node): unknown {
  const payload = JSON.parse(payloads.get(input.text("verb")) ?? assert.fail()) as Json;
  const changed = edited(payload, input.text("path"), input.json["put"] as Json | undefined);
  return fromBytes(VERBS[verbOf(input.text("verb"))] as any, write(changed));
}

test("a payload's own spaces and order of fields are the signer's", () => {
  for (const v of file.nodes("accept")) {
    const statement = parse(v.utf8("envelope"));
    verify(statement, v.list("keys"));
    assert.notDeepEqual(write(parseJson(statement.payload)), statement.payload);
  }
});
