//! A random source that a seed fixes, for a batch whose request must be the same again.
//!
//! ```text
//! block i = HMAC-SHA256(seed, "tabir/v1/batch" ‖ u64 i), 32 bytes, i from 0; every draw takes whole blocks
//! ```
//! A device's own business: no other implementation reads it.

use core::convert::Infallible;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand_core::{TryCryptoRng, TryRng};
use sha2::Sha256;

use crate::secret::SecretBytes;

const TAG: &[u8] = b"tabir/v1/batch";

/// The source.
pub(super) struct Seeded<'a> {
    seed: &'a SecretBytes<32>,
    block: u64,
}

impl<'a> Seeded<'a> {
    pub(super) const fn new(seed: &'a SecretBytes<32>) -> Self {
        Self { seed, block: 0 }
    }
}

impl TryRng for Seeded<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut out = [0; 4];
        self.try_fill_bytes(&mut out)?;
        Ok(u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut out = [0; 8];
        self.try_fill_bytes(&mut out)?;
        Ok(u64::from_le_bytes(out))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let Ok(mac) = <Hmac<Sha256>>::new_from_slice(self.seed.expose()) else {
                unreachable!("HMAC takes keys of any length")
            };
            let block = mac.chain_update(TAG).chain_update(self.block.to_be_bytes()).finalize().into_bytes();
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
            self.block += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded<'_> {}

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    use super::Seeded;
    use crate::secret::Secret;

    #[test]
    fn a_seed_gives_the_same_again_another_seed_other_bytes_and_nothing_twice() {
        let draw = |seed: u8| {
            let seed = Secret::new([seed; 32]);
            let mut source = Seeded::new(&seed);
            let mut bytes = [0; 80];
            source.fill_bytes(&mut bytes);
            (bytes, source.next_u32(), source.next_u64())
        };
        let (bytes, small, large) = draw(1);
        assert_eq!((bytes, small, large), draw(1));
        assert_ne!(bytes, draw(2).0);
        let blocks: std::collections::BTreeSet<_> = bytes.chunks(16).collect();
        assert_eq!(blocks.len(), 5);
        assert_ne!(u64::from(small), large);
    }
}
