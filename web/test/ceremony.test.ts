/** `ceremony.json` and `reshare.json`: a key is made, its shares are refreshed, and it goes to other people. */
import { cat, equal, hex, utf8, type Bytes } from "../src/crypto/codec.ts";
import { publicKey } from "../src/crypto/ed25519.ts";
import { ceremonyUse, open, seal } from "../src/crypto/hpke/uses.ts";
import { kemPublicKey } from "../src/crypto/hpke/xwing.ts";
import { write, type Json } from "../src/crypto/json.ts";
import { toU } from "../src/crypto/point.ts";
import { body, parse, toBytes, verify, type Statement } from "../src/crypto/statement/statement.ts";
import { fromBytes } from "../src/crypto/statement/value.ts";
import { VERBS, type Body } from "../src/crypto/statement/verbs.ts";
import { addShares, ceremonyOf, checkDealt, checkProofs, formed, publicOf, type Ceremony } from "../src/crypto/threshold/ceremony.ts";
import { checkShare, councilFingerprint, councilOf, parseShare, shareBytes, type Council, type Share } from "../src/crypto/threshold/council.ts";
import { checkDrill, drill, drillPartial, openDrill } from "../src/crypto/threshold/drill.ts";
import { finishReshare, readDealings, verifyManifest, type Dealings } from "../src/crypto/threshold/reshare.ts";
import { assert, drawing, edited, load, refused, refusesAll, test, type Node } from "./support.ts";

const file = load("ceremony.json");
const officials = file.nodes("officials");
const keysOf = (people: Node[]): Bytes[] => people.map((o) => publicKey(o.bytes("ed_seed")));
const statement = (v: Node, key = "statement"): Statement => parse(v.utf8(key));
const ceremony = ceremonyOf(statement(file.node("manifest")).payload);

/** A message of a ceremony, its sender's signature checked. */
function message(v: Node, of: Ceremony, round: number, people: Node[]): Body<"council.message"> {
  const from = people[v.number("from") - 1] ?? assert.fail();
  verify(statement(v), keysOf([from]));
  const found = body(statement(v), "council.message");
  assert.deepEqual([found.round, found.from, found.to], [round, v.number("from"), v.number("to")]);
  assert.ok(equal(found.ceremony_id, of.id));
  return found;
}

const bytesOf = (messages: Body<"council.message">[]): Map<number, Bytes> => new Map(messages.map((m) => [m.from, m.bytes]));
const round1 = bytesOf(file.nodes("round1").map((v) => message(v, ceremony, 1, officials)));
const found = publicOf(ceremony, round1);
const council = councilOf(formed(ceremony, found, 0));

test("manifest", () => {
  const manifest = file.node("manifest");
  verify(statement(manifest), keysOf(officials));
  assert.deepEqual(statement(manifest).payload, manifest.utf8("payload"));
  manifest.is("ceremony_id", ceremony.id);
  const kems = officials.map((o) => hex(kemPublicKey(o.bytes("kem_seed"))));
  assert.deepEqual(ceremony.manifest.members.map((m) => hex(m.kem_pk)), kems);
});

test("round 1 gives the public key and what all sign", () => {
  checkProofs(ceremony, round1);
  const expected = file.node("public");
  expected.is("Y", found.y.toBytes());
  assert.deepEqual(found.yi.map((p) => p.toBytes()), expected.list("Yi"));
  expected.is("transcript", found.transcript);
  for (const v of file.nodes("round3")) assert.deepEqual(message(v, ceremony, 3, officials).bytes, found.transcript);
});

/** A sealed share, opened by its recipient and sealed again from what its sender drew. */
function dealt(v: Node, of: Ceremony, round: number, from: Node[], to: Node[]): Bytes {
  const sent = message(v, of, round, from);
  const place = ceremonyUse(of.id, round, sent.from, sent.to);
  const recipient = to[sent.to - 1]?.bytes("kem_seed") ?? assert.fail();
  v.is("share", open(recipient, place, sent.bytes));
  const again = drawing(v.random(), (random) => seal(kemPublicKey(recipient), place, v.bytes("share"), random));
  assert.deepEqual(again, sent.bytes);
  return v.bytes("share");
}

test("round 2 gives each member a share", () => {
  const shares = file.list("shares").map(parseShare);
  for (const share of shares) {
    checkShare(share, council);
    const received = file.nodes("round2").filter((v) => v.number("to") === share.index);
    const parts = received.map((v) => {
      const part = dealt(v, ceremony, 2, officials, officials);
      return checkDealt(ceremony, round1.get(v.number("from")) ?? assert.fail(), v.number("from"), share.index, part);
    });
    // what a member deals to himself nobody sent: it is what is left of his share
    const own = addShares(share.index, [share.s, ...parts.map((s) => -s)]);
    checkDealt(ceremony, round1.get(share.index) ?? assert.fail(), share.index, share.index, shareBytes(own).slice(2));
  }
});

test("the council is what the ceremony made", () => {
  const expected = file.node("formed");
  const logged = body(statement(expected), "council.formed");
  assert.deepEqual(logged, formed(ceremony, found, logged.at));
  expected.is("lineage", council.lineage);
  expected.is("u", toU(council.y));
  expected.is("council_id", council.id);
  expected.is("fingerprint", councilFingerprint(council));
});

/** Round 6: every partial is made again and verifies, and t of them open the drill. */
function checkDrills(sent: Node[], of: Ceremony, people: Node[], now: Council, shares: Share[]): void {
  const context = drill(now, now.transcript);
  const partials = sent.map((v) => {
    const { from, bytes } = message(v, of, 6, people);
    const share = shares[from - 1] ?? assert.fail();
    assert.deepEqual(drawing(v.random(), (random) => drillPartial(context, share, random)), bytes);
    checkDrill(context, from, bytes);
    refused("context", () => checkDrill(context, from === 1 ? 2 : 1, bytes));
    refused("context", () => checkDrill(drill(now, of.id), from, bytes));
    return bytes;
  });
  openDrill(context, partials.slice(-now.t));
  refused("too-few", () => openDrill(context, partials.slice(0, now.t - 1)));
}

test("the shares open a drill", () => {
  checkDrills(file.nodes("round6"), ceremony, officials, council, file.list("shares").map(parseShare));
});

/** Reads a payload of a verb after an edit. */
function editedBody<V extends "council.manifest" | "council.formed">(verb: V, from: Statement, input: Node): Bytes {
  assert.equal(from.verb, verb);
  const payload = JSON.parse(Buffer.from(from.payload).toString()) as Json;
  return write(edited(payload, input.text("path"), input.get("put")));
}

test("what a ceremony must refuse", () => {
  refusesAll(file.nodes("reject"), {
    manifest: (i) => ceremonyOf(editedBody("council.manifest", statement(file.node("manifest")), i)),
    round1: (i) => {
      const board = new Map(round1);
      if (i.has("bytes")) board.set(i.number("from"), i.bytes("bytes"));
      else board.delete(i.number("from"));
      return checkProofs(ceremony, board);
    },
    share: (i) => checkDealt(ceremony, round1.get(i.number("from")) ?? assert.fail(), i.number("from"), i.number("to"), i.bytes("share")),
    council: (i) => councilOf(fromBytes(VERBS["council.formed"], editedBody("council.formed", statement(file.node("formed")), i))),
  });
});

const reshareFile = load("reshare.json");

interface Change {
  readonly dealings: Dealings;
  readonly shares: Share[];
  readonly people: Node[];
}

/** Checks a change of shares from manifest to drill. */
function change(v: Node, verb: "council.refreshed" | "council.reshared", old: Council, before: Node[]): Change {
  const people = v.nodes("officials");
  const manifest = verifyManifest(statement(v, "manifest"), old);
  const messages = bytesOf(v.nodes("round4").map((sent) => message(sent, manifest.ceremony, 4, before)));
  const dealings = readDealings(manifest, messages);
  const now = dealings.council;
  v.is("transcript", now.transcript);
  v.is("council_id", now.id);
  v.is("fingerprint", councilFingerprint(now));
  const logged = body(statement(v), verb);
  assert.deepEqual(logged, { ...dealings.body, at: logged.at });
  assert.deepEqual([hex(now.lineage), now.y.toHex(), now.epoch], [hex(old.lineage), old.y.toHex(), old.epoch + 1]);

  const shares = v.list("shares").map(parseShare);
  for (const share of shares) {
    const received = v.nodes("round5").filter((sent) => sent.number("to") === share.index);
    const parts = new Map(received.map((sent) => [sent.number("from"), dealt(sent, manifest.ceremony, 5, before, people)]));
    assert.deepEqual(finishReshare(dealings, share.index, parts), share);
  }
  checkDrills(v.nodes("round6"), manifest.ceremony, people, now, shares);
  return { dealings, shares, people };
}

test("a refresh, then a reshare to four others", () => {
  const first = change(reshareFile.node("refresh"), "council.refreshed", council, officials);
  const [oldShare] = file.list("shares").map(parseShare);
  refused("share", () => checkShare(oldShare ?? assert.fail(), first.dealings.council));
  const second = change(reshareFile.node("reshare"), "council.reshared", first.dealings.council, first.people);
  assert.deepEqual([second.dealings.council.t, second.people.length], [3, 4]);

  const { manifest } = second.dealings;
  const messages = bytesOf(reshareFile.node("reshare").nodes("round4").map((v) => message(v, manifest.ceremony, 4, officials)));
  refusesAll(reshareFile.nodes("reject"), {
    manifest: (i) => verifyManifest(statement(i), first.dealings.council),
    dealing: (i) => {
      const board = new Map(messages);
      if (i.has("bytes")) board.set(i.number("from"), i.bytes("bytes"));
      else board.delete(i.number("from"));
      return readDealings(manifest, board);
    },
    dealt: (i) => {
      const received = reshareFile.node("reshare").nodes("round5").filter((v) => v.number("to") === i.number("to"));
      const parts = new Map(received.map((v) => [v.number("from"), v.bytes("share")]));
      return finishReshare(second.dealings, i.number("to"), parts.set(i.number("from"), i.bytes("share")));
    },
  });
});

test("a reshare takes nothing more and nothing less than it must", () => {
  const first = change(reshareFile.node("refresh"), "council.refreshed", council, officials).dealings.council;
  const v = reshareFile.node("reshare");
  const manifest = verifyManifest(statement(v, "manifest"), first);
  refused("verb", () => verifyManifest(statement(v), first));
  const messages = bytesOf(v.nodes("round4").map((sent) => message(sent, manifest.ceremony, 4, officials)));
  const [dealer, bytes] = [...messages][0] ?? assert.fail();
  refused("size", () => readDealings(manifest, new Map(messages).set(dealer, cat(bytes, bytes.slice(0, 32)))));
  refused("ceremony", () => readDealings(manifest, new Map(messages).set(2, bytes)));
  const dealings = readDealings(manifest, messages);
  const parts = new Map(v.nodes("round5").filter((s) => s.number("to") === 1).map((s) => [s.number("from"), s.bytes("share")]));
  finishReshare(dealings, 1, parts);
  refused("ceremony", () => finishReshare(dealings, 1, new Map([...parts].slice(1))));
  refused("ceremony", () => finishReshare(dealings, 1, new Map(parts).set(2, bytes.slice(0, 32))));
  refused("index", () => finishReshare(dealings, 5, parts));
});

test("statements come back as they went", () => {
  for (const v of file.nodes("round1")) assert.deepEqual(toBytes(statement(v)), utf8(v.text("statement")));
});
