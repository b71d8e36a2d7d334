import { cat, hex, utf8 } from "../../src/crypto/codec.ts";
import { publicKey } from "../../src/crypto/ed25519.ts";
import { checkpointHash } from "../../src/crypto/log/note.ts";
import { leafHash } from "../../src/crypto/log/tree.ts";
import { entryHash, pae, parse, sign, toBytes, verify, type Statement } from "../../src/crypto/statement/statement.ts";
import type { Verb } from "../../src/crypto/statement/verbs.ts";
import { assert, test } from "../support.ts";
import { cases, only, refuses } from "./vectors.ts";

test("statements", () => {
  for (const [input, output] of cases("statement")) {
    const seeds = input.list("seeds");
    const empty: Statement = { verb: input.text("verb") as Verb, payload: input.utf8("payload"), signatures: [] };
    const statement = seeds.reduce(sign, empty);
    assert.deepEqual(pae(statement), output.utf8("pae"));
    assert.deepEqual(toBytes(statement), output.utf8("envelope"));
    output.is("entry_hash", entryHash(statement));
    const verified = verify(parse(output.utf8("envelope")), seeds.map(publicKey));
    assert.equal(verified.signers.length, new Set(seeds.map(hex)).size);
  }
  refuses("statement", (i) => {
    const envelope = i.utf8("envelope");
    const padding = i.has("pad_to") ? i.number("pad_to") - envelope.length : 0;
    return verify(parse(cat(envelope, utf8(" ".repeat(padding)))), i.list("keys"));
  });
});

test("leaf and checkpoint hashes", () => {
  const [input, output] = only("leaf_hash");
  output.is("hash", leafHash(input.bytes("leaf")));
  for (const [given, expected] of cases("checkpoint_hash")) expected.is("hash", checkpointHash(given.utf8("note")));
  refuses("checkpoint_hash", (i) => checkpointHash(i.utf8("note")));
});
