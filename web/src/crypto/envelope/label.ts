/**
 * The label: what one identity envelope is for. It is the aad of the inner envelope and stands in its sender proof.
 *
 *     label = T("tabir/v1/label"; version u8 = 1, lineage, warden_key_id, case_id, content_hash, notice_hash)
 *
 * It has no epoch: after a reshare the same key lives on, and with it the old envelopes, by their lineage.
 */
import { T, type Bytes } from "../codec.ts";

/** What warden and officials know of a case from elsewhere than the envelope, and check the envelope against. */
export interface CaseBinding {
  readonly lineage: Bytes;
  readonly caseId: Bytes;
  /** SHA-256 of the case's access key: with the case key it gives the case id. */
  readonly accessHash: Bytes;
  readonly contentHash: Bytes;
  readonly noticeHash: Bytes;
}

export function labelOf(binding: CaseBinding, wardenKeyId: Bytes): Bytes {
  return T("tabir/v1/label", [
    ["version", Uint8Array.of(1)],
    ["lineage", binding.lineage],
    ["warden_key_id", wardenKeyId],
    ["case_id", binding.caseId],
    ["content_hash", binding.contentHash],
    ["notice_hash", binding.noticeHash],
  ]);
}
