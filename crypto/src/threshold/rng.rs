//! Our random source under the traits of rand_core 0.6, which frost-ed25519 3 asks for.

use rand_core::CryptoRng;

/// The source, by its other traits. Nothing is drawn but what is asked for.
pub(super) struct Old<'a, R>(pub(super) &'a mut R);

impl<R: CryptoRng> rand_core_06::RngCore for Old<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> core::result::Result<(), rand_core_06::Error> {
        self.0.fill_bytes(dest);
        Ok(())
    }
}

impl<R: CryptoRng> rand_core_06::CryptoRng for Old<'_, R> {}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use rand_core::{TryCryptoRng, TryRng};
    use rand_core_06::RngCore as _;

    use super::Old;

    /// Each draw by its own name.
    struct Named;

    impl TryRng for Named {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(32)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(64)
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            out.fill(8);
            Ok(())
        }
    }

    impl TryCryptoRng for Named {}

    #[test]
    fn every_draw_is_the_sources_own() {
        let (mut source, mut filled, mut tried) = (Named, [0; 40], [0; 40]);
        let mut old = Old(&mut source);
        assert_eq!((old.next_u32(), old.next_u64()), (32, 64));
        old.fill_bytes(&mut filled);
        old.try_fill_bytes(&mut tried).unwrap();
        assert_eq!((filled, tried), ([8; 40], [8; 40]));
    }
}
