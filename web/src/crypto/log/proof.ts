/**
 * A proof that an entry is in a log which witnesses have seen, as one file: `.tlog-proof`. Source: c2sp.org/tlog-proof.
 *
 *     c2sp.org/tlog-proof@v1
 *     index <decimal>
 *     <base64(hash 32)>          one a line, from the leaf's sibling up; none in a tree of one entry
 *     <empty line>
 *     <checkpoint, with the cosignatures of a quorum>
 *
 * It holds all that a reader needs beside the entry itself and the keys of the trust root; nothing is fetched. The
 * optional line `extra` is refused: nobody signs it, and ours have none.
 */
import { b64, cat, fromUtf8, sized, unb64, utf8, type Bytes } from "../codec.ts";
import { need, otherwise, refuse } from "../errors.ts";
import { checkpointBytes, openCosigned, type LogVerifier, type SignedCheckpoint, type Witnesses } from "./checkpoint.ts";
import { MAX_NOTE } from "./note.ts";
import { MAX_PROOF, leafHash, proveInclusion, verifyInclusion } from "./tree.ts";

const HEAD = "c2sp.org/tlog-proof@v1";
/** The longest file: head, index and hashes, each line far below 64 bytes, and the checkpoint. */
const MAX_TLOG_PROOF = MAX_NOTE + 64 * (MAX_PROOF + 4);

/** A proof whose form is right and that nobody has verified. */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Bytes[];
  readonly checkpoint: Bytes;
}

/** Makes the proof for entry `index` in the tree of a checkpoint, from its leaf hashes. Error: `size`. */
export function makeProof(index: number, leaves: readonly Bytes[], checkpoint: SignedCheckpoint): TlogProof {
  const hashes = proveInclusion(leaves.slice(0, checkpoint.head.size), index);
  return { index, hashes, checkpoint: checkpointBytes(checkpoint) };
}

/** Reads a file. Errors: `too-long`, `inclusion` (its form); the checkpoint is not looked at. */
export function parseProof(bytes: Bytes): TlogProof {
  need(bytes.length <= MAX_TLOG_PROOF, "too-long");
  const text = otherwise("inclusion", () => fromUtf8(bytes));
  const at = text.indexOf("\n\n");
  need(at >= 0, "inclusion");
  const [head, second, ...lines] = text.slice(0, at).split("\n");
  need(head === HEAD, "inclusion");
  const [, digits] = /^index (0|[1-9][0-9]*)$/.exec(second ?? "") ?? refuse("inclusion");
  const index = Number(digits);
  need(Number.isSafeInteger(index), "inclusion");
  const hashes = lines.map((line) => otherwise("inclusion", () => sized(unb64(line), 32)));
  need(hashes.length <= MAX_PROOF, "too-long");
  return { index, hashes, checkpoint: utf8(text.slice(at + 2)) };
}

/** The file again. */
export function proofBytes(proof: TlogProof): Bytes {
  const hashes = proof.hashes.map((hash) => `${b64(hash)}\n`).join("");
  return cat(utf8(`${HEAD}\nindex ${proof.index}\n${hashes}\n`), proof.checkpoint);
}

/**
 * Checks that the entry with these bytes is this number of the log, in a checkpoint that the log signed and a quorum of
 * witnesses cosigned. Errors: those of `openCosigned`, `inclusion`.
 */
export function verifyProof(proof: TlogProof, entry: Bytes, log: LogVerifier, by: Witnesses): SignedCheckpoint & { witnessedTime: number } {
  const checkpoint = openCosigned(proof.checkpoint, log, by);
  verifyInclusion(leafHash(entry), proof.index, checkpoint.head, proof.hashes);
  return checkpoint;
}
