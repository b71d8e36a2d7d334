import { sealFile, openFile, paddedLength, type Attachment } from "../../src/crypto/attachment.ts";
import { sha256, utf8, type Bytes } from "../../src/crypto/codec.ts";
import { recordFromPadded } from "../../src/crypto/content.ts";
import { keyId } from "../../src/crypto/ed25519.ts";
import { aadOf, contentUse, open, seal } from "../../src/crypto/hpke/uses.ts";
import { kemPublicKey } from "../../src/crypto/hpke/xwing.ts";
import { contentHash, padContent, padRecord, unpadContent, unpadRecord } from "../../src/crypto/padding.ts";
import { acceptBody, noticeTag, parseReceipt, receiptKeys, receiptText, requestCommit } from "../../src/crypto/receipt.ts";
import { bodyHash, bodyTag } from "../../src/crypto/submission.ts";
import { Given, assert, drawing, test } from "../support.ts";
import { cases, only, refuses } from "./vectors.ts";

test("receipt", () => {
  const [input, output] = only("receipt");
  const secret = input.bytes("secret");
  output.is("text", receiptText(secret));
  assert.deepEqual(parseReceipt(input.text("typed")), secret);
  const keys = receiptKeys(secret);
  output.is("access", keys.access);
  output.is("case_seed", keys.caseSeed);
  output.is("mailbox_seed", keys.mailboxSeed);
  output.is("r", keys.r);
  output.is("nf", keys.nf);
  output.is("notice_key", keys.noticeKey);
  output.is("case_vk", keys.caseVk);
  output.is("mailbox_pk", keys.mailboxPk);
  output.is("access_hash", keys.accessHash);
  output.is("case_id", keys.caseId);
  output.is("reference", keys.reference);
  output.is("notice_hash", keys.noticeHash);
  output.is("a", keys.a);
  refuses("receipt", (i) => parseReceipt(i.text("typed")));
});

test("content", () => {
  const [input, output] = only("content");
  const [caseId, seed] = [input.bytes("case_id"), input.bytes("intake_seed")];
  const padded = padContent(utf8(input.text("json")));
  output.is("plaintext_hash", sha256(padded));
  output.is("intake_key_id", keyId(kemPublicKey(seed)));
  const place = contentUse(caseId, output.bytes("intake_key_id"));
  output.is("aad", aadOf(place));
  const wire = drawing(input.random("ekm"), (random) => seal(kemPublicKey(seed), place, padded, random));
  output.is("wire", wire);
  output.is("content_hash", contentHash(wire));
  assert.deepEqual(unpadContent(open(seed, place, wire)), utf8(input.text("json")));
  for (const [bucket, expected] of cases("content_bucket")) {
    const filled = padContent(utf8(`"${"x".repeat(bucket.number("json_length") - 2)}"`));
    assert.equal(filled.length, expected.number("size"));
    expected.is("plaintext_hash", sha256(filled));
  }
  refuses("content", (i) => unpadContent(i.bytes("plaintext")));
});

test("identity record", () => {
  for (const [input, output] of cases("record")) {
    output.is("record", padRecord(utf8(input.text("json"))));
    assert.deepEqual(unpadRecord(output.bytes("record")), utf8(input.text("json")));
    assert.equal(recordFromPadded(output.bytes("record")) === undefined, input.text("json") === "");
  }
  refuses("record", (i) => unpadRecord(i.bytes("record")));
});

test("what a submission commits to", () => {
  const [input, output] = only("submission");
  const b = (key: string): Bytes => input.bytes(key);
  const commitment = {
    caseId: b("case_id"), contentHash: b("content_hash"), envelopeHash: b("envelope_hash"), mailboxPk: b("mailbox_pk"),
    a: b("a"), b: b("b"), nf: b("nf"), noticeHash: b("notice_hash"),
  };
  output.is("body_hash", bodyHash(commitment));
  const [given, accepted] = only("accept_body");
  accepted.is("b", acceptBody(given.bytes("r"), given.bytes("content_hash"), given.bytes("envelope_hash")));
  const [tag, tagged] = only("body_tag");
  tagged.is("body_tag", bodyTag(tag.bytes("authenticator"), tag.text("method"), tag.text("path"), tag.text("type"), tag.utf8("body")));
});

test("what an unseal request commits to", () => {
  const [input, output] = only("unseal_request");
  output.is("commit", requestCommit(input.bytes("salt"), input.utf8("text")));
  output.is("tag", noticeTag(input.bytes("notice_key"), input.bytes("nonce")));
});

const CHUNK = 65_536 + 16;

test("attachments", () => {
  const [input, output] = only("attachment");
  const [caseId, length] = [input.bytes("case_id"), input.number("true_length")];
  const file = Uint8Array.from({ length }, (_, i) => (7 * i + 3) % 251);
  const order = ["key", "nonce_prefix", "file_id"].map((key) => input.bytes(key));
  const given = new Given(Uint8Array.from(order.flatMap((b) => [...b])));
  const [attachment, ct] = drawing(given, (random) => sealFile(file, caseId, "image/jpeg", random));
  assert.deepEqual([attachment.padded_length, ct.length], [output.number("padded_length"), output.number("ct_length")]);
  output.is("ct_hash", sha256(ct));
  output.is("first_64", ct.slice(0, 64));
  output.is("last_64", ct.slice(-64));
  assert.deepEqual(openFile(attachment, caseId, ct), file);

  const [first, second] = [ct.slice(0, CHUNK), ct.slice(CHUNK)];
  const joined = (...parts: Bytes[]): Bytes => Uint8Array.from(parts.flatMap((p) => [...p]));
  const edits: Record<string, [change: Partial<Attachment>, ct: Bytes]> = {
    "drop-last-chunk": [{}, first],
    "first-twice": [{}, joined(first, first)],
    swap: [{}, joined(second, first)],
    cut: [{ length: 65_536, padded_length: 65_536 }, first],
    "file-id": [{ file_id: new Uint8Array(16) }, ct],
    shorter: [{ length: length - 1 }, ct],
  };
  refuses("attachment", (i) => {
    const [change, bytes] = edits[i.text("edit")] ?? assert.fail(i.text("edit"));
    // The hash of what came is right each time: the chunks themselves must refuse.
    return openFile({ ...attachment, ...change, sha256: sha256(bytes) }, caseId, bytes);
  });
  assert.deepEqual([0, 65_536, 65_537].map(paddedLength), [65_536, 65_536, 131_072]);
});
