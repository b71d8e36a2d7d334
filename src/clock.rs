//! Time and randomness, the only places where they come from. Everything else takes them as parameters.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::{TryCryptoRng, TryRng, UnwrapErr};

/// The time in Unix seconds: the machine's, or one that a test sets.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is set.
    #[must_use]
    pub fn manual(start: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(start))))
    }

    /// Sets a manual clock; the machine's is left alone.
    pub fn set(&self, unix: u64) {
        if let Some(manual) = &self.0 {
            manual.store(unix, Ordering::SeqCst);
        }
    }

    /// Unix seconds.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // the one place
    pub fn now(&self) -> u64 {
        match &self.0 {
            Some(manual) => manual.load(Ordering::SeqCst),
            // A clock before 1970 is a broken machine; 0 makes every signature and deadline fail closed.
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        }
    }
}

/// The operating system's random source, for every `rng` parameter of `tabir-crypto`.
#[derive(Clone, Copy, Default)]
pub struct Random;

#[allow(clippy::disallowed_types)] // the one place
fn source() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        source().try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        source().try_next_u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        source().try_fill_bytes(out)
    }
}

impl TryCryptoRng for Random {}
