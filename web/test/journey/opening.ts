/** The second half of the journey: an official asks, two approve, the warden releases, and the two open. */
import { equal, sha256, utf8, type Bytes } from "../../src/crypto/codec.ts";
import { keyId } from "../../src/crypto/ed25519.ts";
import type { CaseBinding } from "../../src/crypto/envelope/label.ts";
import { checkHandout, innerCommit, openOuter, parseHandout, type Outer } from "../../src/crypto/envelope/outer.ts";
import { handoutUse, open, partialUse, seal } from "../../src/crypto/hpke/uses.ts";
import { kemPublicKey } from "../../src/crypto/hpke/xwing.ts";
import { logVerifier, openCosigned, witnesses, type SignedCheckpoint } from "../../src/crypto/log/checkpoint.ts";
import { headOf, leafHash } from "../../src/crypto/log/tree.ts";
import type { ReceiptKeys } from "../../src/crypto/receipt.ts";
import { bindingOf, checkRecused, commitTo, isAbout, openRequest, requestText, requestedEnvelope, sealRequest } from "../../src/crypto/request.ts";
import { body, entryHash, parse, verify, type Statement } from "../../src/crypto/statement/statement.ts";
import { fromBytes, h, second, toBytes } from "../../src/crypto/statement/value.ts";
import type { Body, Verb } from "../../src/crypto/statement/verbs.ts";
import { councilOf, memberOf, parseShare } from "../../src/crypto/threshold/council.ts";
import { combine, makePartial, openRecord, recipientsHash, recordCommit, verifyPartial, type OpeningContext } from "../../src/crypto/threshold/opening.ts";
import { assert, drawing, flipped, refused, type Node } from "../support.ts";

/** Checks every step, and returns the decoders for what must be refused. */
export function opening(file: Node, keys: ReceiptKeys, binding: CaseBinding, wardenSeed: Bytes, outer: Outer) {
  const council = councilOf(body(parse(file.node("council").utf8("formed")), "council.formed"));
  file.node("council").is("council_id", council.id);
  const log = readLog(file.node("governance"));
  const official = (index: number): Bytes => memberOf(council, index).edVk;

  // the request, and each recipient's copy of its text
  const request = file.node("request");
  const asked = parse(request.utf8("statement"));
  verify(asked, [official(1)]);
  const entry = body(asked, "unseal.requested");
  const text = fromBytes(requestText, request.utf8("text"));
  assert.deepEqual(toBytes(requestText, text), request.utf8("text"));
  const committed = commitTo(text, request.bytes("salt"));
  request.is("commit", committed.commit);
  request.is("tag", committed.tag);
  assert.deepEqual([entry.commit, entry.tag], [committed.commit, committed.tag]);
  for (const copy of request.nodes("copies")) {
    const seed = copy.bytes("seed");
    const again = drawing(copy.random(), (random) => sealRequest(committed.plaintext, committed.commit, kemPublicKey(seed), random));
    copy.is("sealed", again);
    assert.deepEqual(openRequest(entry, seed, copy.bytes("sealed")), text);
  }
  checkRecused(text, 1, council.t, council.members.length);
  refused("index", () => checkRecused({ ...text, recused: [{ index: 1, code: "kin" }] }, 1, council.t, council.members.length));
  const requestHash = entryHash(asked);
  request.is("request_hash", requestHash);
  assert.deepEqual(bindingOf(text, council.lineage), { ...onlyBinding(binding) });
  assert.ok(isAbout(entry, keys.noticeKey, entry.nonce ?? assert.fail()));
  assert.ok(!isAbout(entry, keys.nf, entry.nonce ?? assert.fail()));

  // the approvals, each with a fresh key
  const fresh = file.nodes("approvals").map((v) => {
    const index = v.number("index");
    const statement = parse(v.utf8("statement"));
    verify(statement, [official(index)]);
    const approval = body(statement, "unseal.approved");
    assert.deepEqual([approval.index, approval.request_hash, approval.council_id], [index, requestHash, council.id]);
    assert.deepEqual(kemPublicKey(v.bytes("seed")), approval.kem_pk);
    return { index, seed: v.bytes("seed"), key: approval.kem_pk };
  });

  // the warden's release
  const release = only(log.statements, "unseal.released");
  const kept = log.checkpoints.find((c) => c.head.size === release.tree_size) ?? assert.fail();
  assert.deepEqual(release.checkpoint_hash, sha256(utf8(kept.note.text)));
  const envelope = requestedEnvelope(text, council.lineage, outer.bytes);
  const released = openOuter(envelope, wardenSeed, bindingOf(text, council.lineage));
  const handout = released.handout(file.node("release").bytes("salt"));
  file.node("release").is("inner_commit", innerCommit(parseHandout(handout)));
  assert.deepEqual(release.inner_commit, innerCommit(parseHandout(handout)));
  const wardenKeyId = keyId(kemPublicKey(wardenSeed));
  for (const v of file.node("release").nodes("handouts")) {
    const [index, seed] = [v.number("index"), v.bytes("seed")];
    const place = handoutUse(requestHash, index);
    v.is("sealed", drawing(v.random(), (random) => seal(kemPublicKey(seed), place, handout, random)));
    assert.deepEqual(release.handouts.find((found) => found.index === index)?.hash, sha256(v.bytes("sealed")));
    const opened = parseHandout(open(seed, place, v.bytes("sealed")));
    assert.deepEqual(checkHandout(opened, wardenKeyId, binding).hash, released.inner.hash);
  }

  // the approvers' partials, each sealed to each of them
  const context: OpeningContext = {
    council,
    caseId: keys.caseId,
    envelopeHash: sha256(outer.bytes),
    inner: released.inner,
    requestHash,
    checkpointHash: release.checkpoint_hash,
    recipients: recipientsHash(fresh.map((f) => f.key)),
  };
  file.is("recipients", context.recipients);
  const partials = file.nodes("partials").map((v) => {
    const [from, share] = [v.number("index"), parseShare(v.bytes("share"))];
    const partial = drawing(v.random(), (random) => makePartial(context, share, random));
    v.is("partial", partial);
    assert.equal(verifyPartial(context, partial).index, from);
    const logged = log.statements.filter((s) => s.verb === "unseal.partial").map((s) => body(s, "unseal.partial"));
    const hashes = logged.find((b) => b.index === from)?.partials ?? assert.fail();
    for (const sent of v.nodes("sealed")) {
      const to = fresh.find((f) => f.index === sent.number("to")) ?? assert.fail();
      const place = partialUse(requestHash, from, to.index);
      sent.is("sealed", drawing(sent.random(), (random) => seal(to.key, place, partial, random)));
      assert.deepEqual(open(to.seed, place, sent.bytes("sealed")), partial);
      assert.deepEqual(hashes.find((found) => found.index === to.index)?.hash, sha256(sent.bytes("sealed")));
    }
    return partial;
  });

  // opened
  const done = file.node("opened");
  done.is("dh", combine(context, partials));
  const opened = openRecord(council, released.inner, done.bytes("dh"));
  done.is("record", opened.record);
  done.is("salt", opened.salt);
  done.is("record_commit", recordCommit(opened));
  assert.deepEqual(only(log.statements, "unseal.opened").record_commit, recordCommit(opened));
  file.node("envelope").is("record", opened.record);

  return {
    request: (i: Node) => openRequest(changed(entry, i.node("entry")), i.bytes("seed"), i.bytes("sealed")),
    handout: (i: Node) => {
      const bytes = i.has("cut") ? handout.slice(i.number("cut")) : flipped(handout, i.number("offset"));
      return checkHandout(parseHandout(bytes), wardenKeyId, binding);
    },
    partial: (i: Node) => verifyPartial(context, flipped(partials[i.number("partial")] ?? assert.fail(), i.number("offset"))),
    combine: (i: Node) => combine(context, (i.get("partials") as number[]).map((at) => partials[at] ?? assert.fail())),
  };
}

const onlyBinding = (b: CaseBinding): CaseBinding => ({
  lineage: b.lineage, caseId: b.caseId, accessHash: b.accessHash, contentHash: b.contentHash, noticeHash: b.noticeHash,
});

/** The only statement of a verb. */
function only<V extends Verb>(statements: Statement[], verb: V): Body<V> {
  const [found, ...more] = statements.filter((s) => s.verb === verb);
  assert.ok(found !== undefined && more.length === 0, verb);
  return body(found, verb);
}

/** The public fields of an entry, changed as the vector says; `null` is left out. */
function changed(entry: Body<"unseal.requested">, v: Node): Body<"unseal.requested"> {
  const { nonce, deferred_until, ...rest } = entry;
  assert.ok(nonce !== undefined && deferred_until === undefined);
  return {
    ...rest,
    commit: v.bytes("commit"),
    tag: v.bytes("tag"),
    ...(v.get("nonce") !== null && { nonce: h.read(v.get("nonce")) }),
    ...(v.get("deferred_until") !== null && { deferred_until: second.read(v.get("deferred_until")) }),
  };
}

/** The governance log: each kept checkpoint is signed, cosigned, and of the same tree. */
function readLog(v: Node): { statements: Statement[]; checkpoints: SignedCheckpoint[] } {
  const root = body(parse(v.utf8("trust")), "trust.root");
  const [governance] = root.logs;
  assert.ok(governance !== undefined);
  const log = logVerifier(governance.origin, governance.vkey);
  const by = witnesses(root.witnesses, root.witness_quorum);
  const leaves = (v.get("leaves") as string[]).map(utf8);
  const hashes = leaves.map(leafHash);
  const checkpoints = v.nodes("checkpoints").map((kept) => {
    const opened = openCosigned(kept.utf8("note"), log, by);
    assert.deepEqual(opened.head, headOf(hashes.slice(0, kept.number("size"))));
    assert.equal(opened.witnessedTime, kept.number("witnessed"));
    return opened;
  });
  const [last] = checkpoints.slice(-1);
  assert.ok(last !== undefined && last.head.size === leaves.length && equal(last.head.root, headOf(hashes).root));
  return { statements: leaves.map(parse), checkpoints };
}
