//! Transparency logs (C2SP): signed notes, checkpoints, cosignatures, tiles, proofs.
