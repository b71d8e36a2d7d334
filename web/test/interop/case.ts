/**
 * One case as it crosses from one implementation to the other, and what each side makes of its bytes.
 * `crypto/tests/interop` has the same in Rust: the same fields, the same decoders under the same names.
 */
import { equal, fromUtf8, utf8, type Bytes } from "../../src/crypto/codec.ts";
import { content, recordFromPadded, sealedReply } from "../../src/crypto/content.ts";
import { keyId } from "../../src/crypto/ed25519.ts";
import { parseInner, verifyInner } from "../../src/crypto/envelope/inner.ts";
import { innerBytes } from "../../src/crypto/envelope/inner.ts";
import { labelOf, type CaseBinding } from "../../src/crypto/envelope/label.ts";
import { checkHandout, openOuter, parseHandout, parseOuter, type Released } from "../../src/crypto/envelope/outer.ts";
import { need } from "../../src/crypto/errors.ts";
import { contentUse, mailboxUse, open } from "../../src/crypto/hpke/uses.ts";
import { checkKemKey, kemPublicKey } from "../../src/crypto/hpke/xwing.ts";
import { logVerifier, openCosigned, witnesses } from "../../src/crypto/log/checkpoint.ts";
import { contentHash, unpadContent, unpadMessage } from "../../src/crypto/padding.ts";
import { parseReceipt, receiptKeys, type ReceiptKeys } from "../../src/crypto/receipt.ts";
import { openRequest } from "../../src/crypto/request.ts";
import { parse, toBytes as statementBytes, verify } from "../../src/crypto/statement/statement.ts";
import { fromBytes, toBytes } from "../../src/crypto/statement/value.ts";
import { VERBS } from "../../src/crypto/statement/verbs.ts";
import { submission, verifySubmission } from "../../src/crypto/submission.ts";
import { checkShare, councilOf, parseShare, type Council } from "../../src/crypto/threshold/council.ts";
import { combine, openRecord, recipientsHash, verifyPartial, type OpeningContext } from "../../src/crypto/threshold/opening.ts";
import { padContent, padRecord, unpadRecord } from "../../src/crypto/padding.ts";
import { Node, assert, outcome } from "../support.ts";

/** What a decoder says of bytes: taken, or the code of the refusal, with the culprit where one is named. */
export function says(run: () => unknown): string {
  const { code, at } = outcome(run);
  return code === undefined ? "taken" : at === undefined ? code : `${code} at ${at}`;
}

/** A decoder with bytes that it takes. */
export interface Decoder {
  readonly good: Bytes;
  readonly read: (bytes: Bytes) => unknown;
}

/** A case with everything that is worked out from its bytes. */
export class Case {
  readonly keys: ReceiptKeys;
  readonly council: Council;
  readonly wardenKey: Bytes;
  readonly binding: CaseBinding;
  readonly released: Released;
  readonly context: OpeningContext;

  constructor(readonly node: Node) {
    this.keys = receiptKeys(node.bytes("receipt"));
    this.council = councilOf(fromBytes(VERBS["council.formed"], node.utf8("formed")));
    this.wardenKey = kemPublicKey(node.bytes("warden_seed"));
    this.binding = { ...this.keys, lineage: this.council.lineage, contentHash: contentHash(node.bytes("content")) };
    const outer = parseOuter(node.bytes("envelope"));
    this.released = openOuter(outer, node.bytes("warden_seed"), this.binding);
    this.context = {
      council: this.council,
      caseId: this.keys.caseId,
      envelopeHash: node.bytes("envelope_hash"),
      inner: this.released.inner,
      requestHash: node.bytes("request_hash"),
      checkpointHash: node.bytes("checkpoint_hash"),
      recipients: recipientsHash(node.list("recipients")),
    };
  }

  /** Every decoder by name. */
  decoders(): Record<string, Decoder> {
    const { node, keys, binding, council } = this;
    const b = (key: string): Bytes => node.bytes(key);
    const intakeKeyId = keyId(kemPublicKey(b("intake_seed")));
    const label = labelOf(binding, keyId(this.wardenKey));
    const entry = fromBytes(VERBS["unseal.requested"], node.utf8("request_entry"));
    const sent = fromBytes(submission, node.utf8("submission"));
    const log = logVerifier(node.text("log_origin"), node.text("log_vkey"));
    const by = witnesses(node.get("witnesses"), node.number("quorum"));
    const share = node.list("shares")[0] ?? assert.fail();
    const partial = node.list("partials")[0] ?? assert.fail();
    return {
      receipt: { good: node.utf8("receipt_text"), read: (x) => parseReceipt(fromUtf8(x)) },
      key: { good: this.wardenKey, read: checkKemKey },
      council: { good: node.utf8("formed"), read: (x) => councilOf(fromBytes(VERBS["council.formed"], x)) },
      share: { good: share, read: (x) => checkShare(parseShare(x), council) },
      content: {
        good: b("content"),
        read: (x) => fromBytes(content, unpadContent(open(b("intake_seed"), contentUse(keys.caseId, intakeKeyId), x))),
      },
      padded_content: { good: padContent(node.utf8("content_json")), read: (x) => fromBytes(content, unpadContent(x)) },
      record: { good: padRecord(node.utf8("record_json")), read: recordFromPadded },
      outer: { good: b("envelope"), read: (x) => openOuter(parseOuter(x), b("warden_seed"), binding) },
      inner: { good: innerBytes(this.released.inner.inner), read: (x) => verifyInner(parseInner(x), label) },
      handout: { good: b("handout"), read: (x) => checkHandout(parseHandout(x), keyId(this.wardenKey), binding) },
      partial: { good: partial, read: (x) => verifyPartial(this.context, x) },
      request: { good: b("request_sealed"), read: (x) => openRequest(entry, b("warden_seed"), x) },
      reply: {
        good: b("reply_sealed"),
        read: (x) => fromBytes(sealedReply, unpadMessage(open(keys.mailboxSeed, mailboxUse(keys.caseId, 1), x))),
      },
      submission: { good: node.utf8("submission"), read: (x) => verifySubmission(fromBytes(submission, x)) },
      statement: { good: statementBytes(sent.statement), read: (x) => verify(parse(x), [keys.caseVk]) },
      checkpoint: { good: node.utf8("note"), read: (x) => openCosigned(x, log, by) },
    };
  }

  /** Everything that the other side made opens here, and says what it said there. */
  opens(): void {
    const { node } = this;
    for (const [name, { good, read }] of Object.entries(this.decoders())) assert.equal(says(() => read(good)), "taken", name);
    const intakeKeyId = keyId(kemPublicKey(node.bytes("intake_seed")));
    const opened = open(node.bytes("intake_seed"), contentUse(this.keys.caseId, intakeKeyId), node.bytes("content"));
    assert.deepEqual(unpadContent(opened), node.utf8("content_json"));
    assert.deepEqual(toBytes(content, fromBytes(content, unpadContent(opened))), node.utf8("content_json"));
    node.is("handout", this.released.handout(node.bytes("salt")));
    const identity = openRecord(this.council, this.released.inner, combine(this.context, node.list("partials")));
    assert.deepEqual(unpadRecord(identity.record), node.utf8("record_json"));
    node.is("opened_salt", identity.salt);
    const reply = open(this.keys.mailboxSeed, mailboxUse(this.keys.caseId, 1), node.bytes("reply_sealed"));
    const read = fromBytes(sealedReply, unpadMessage(reply));
    verify(read.statement, [node.bytes("forwarder_vk")]);
    assert.equal(fromUtf8(read.message), node.text("reply_message"));
    need(equal(this.keys.caseId, node.bytes("case_id")), "context");
    assert.equal(utf8(node.text("receipt_text")).length, 53);
  }
}
