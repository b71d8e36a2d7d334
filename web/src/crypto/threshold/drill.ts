/**
 * The drill: an envelope that everybody can make and that harms nobody, to show that shares work.
 *
 *     e       = T("tabir/v1/drill"; council, nonce), 32 bytes, as X25519 private key: known to everybody
 *     k       = the challenge T("tabir/v1/drill-proof"; council, nonce), the sender proof's nonce
 *     case_id = T("tabir/v1/drill-case"; council, nonce)
 *     label   of lineage, this case_id, and zeros for warden key, content and notice;  record  1,024 zeros
 *     partial as of an opening (195 bytes), for this case_id, request = nonce, and zeros for envelope, checkpoint, recipients
 *
 * Each makes the envelope himself and takes it from nobody. Source: docs/protocol.md, "Drill".
 */
import { T, type Bytes, type Put, type Random } from "../codec.ts";
import { sealInnerWith, verifyInner } from "../envelope/inner.ts";
import { labelOf } from "../envelope/label.ts";
import { blame, need } from "../errors.ts";
import { RECORD_SIZE } from "../padding.ts";
import { challenge } from "../point.ts";
import type { Council, Share } from "./council.ts";
import { combine, makePartial, openRecord, verifyPartial, type OpeningContext } from "./opening.ts";

/** What a drill's partials are for: one council and one nonce. */
export function drill(council: Council, nonce: Bytes): OpeningContext {
  const puts: Put[] = [["council", council.id], ["nonce", nonce]];
  const zeros = new Uint8Array(32);
  const caseId = T("tabir/v1/drill-case", puts);
  const binding = { lineage: council.lineage, caseId, accessHash: zeros, contentHash: zeros, noticeHash: zeros };
  const label = labelOf(binding, zeros);
  const k = challenge("tabir/v1/drill-proof", puts);
  const inner = sealInnerWith(council.y.toBytes(), label, new Uint8Array(RECORD_SIZE), T("tabir/v1/drill", puts), () => k);
  return {
    council,
    caseId,
    envelopeHash: zeros,
    inner: verifyInner(inner, label),
    requestHash: nonce,
    checkpointHash: zeros,
    recipients: zeros,
  };
}

/** This official's partial, 195 bytes, public. Draws 32 bytes. Errors: `index`, `share`. */
export const drillPartial = (of: OpeningContext, share: Share, random: Random): Bytes => makePartial(of, share, random);

/** Whether this official made that partial with a share that works. Errors, at the official: those of `verifyPartial`, `context` for another's. */
export function checkDrill(of: OpeningContext, index: number, partial: Bytes): void {
  blame(index, () => need(verifyPartial(of, partial).index === index, "context"));
}

/** Opens the envelope with these partials, as an opening would. Errors: those of `combine` and `openRecord`. */
export function openDrill(of: OpeningContext, partials: readonly Bytes[]): void {
  openRecord(of.council, of.inner, combine(of, partials));
}
