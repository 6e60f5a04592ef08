//! How code is compiled, and the key of that: machine code of other settings is never run.

use std::hash::{Hash as _, Hasher};
use std::io::Write as _;
use std::num::NonZeroUsize;

use sha2::{Digest as _, Sha256};
use valor_shim_core::one_shot::OneShotError;
use wasmtime::{Config, Engine, WasmBacktraceDetails};

use crate::transpile::TRANSPILER;

/// As wasmtime names itself; `Cargo.toml` pins the same.
const WASMTIME: &str = "48.0.8";
/// Deeper calls say nothing more.
const FRAMES: NonZeroUsize = NonZeroUsize::new(24).expect("not 0");

/// What decides about the machine code; the allocator does not.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        // Code that spins is stopped, or lets others have a turn.
        .epoch_interruption(true)
        // Functions are named by the module's own names; where in the source it was would need its debug information.
        .wasm_backtrace_max_frames(Some(FRAMES))
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

/// The one-shot `engine`: the key of all engines that may run what this one has compiled, in one line.
///
/// # Errors
///
/// When there is no engine on this machine, or nobody reads.
pub fn engine() -> Result<(), OneShotError> {
    let engine = Engine::new(&config()).map_err(|error| OneShotError::Work(format!("{error:#}")))?;
    writeln!(std::io::stdout(), "{}", fingerprint(&engine)).map_err(OneShotError::Write)
}

/// `wasmtime-VERSION-ARCH-HASH`, letters of file names only. The hash covers the engine's settings, the features of this
/// processor, the versions of this program and of the transpiler.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    let mut digest = Digester(Sha256::new());
    digest.write(env!("CARGO_PKG_VERSION").as_bytes());
    digest.write(TRANSPILER.as_bytes());
    engine.precompile_compatibility_hash().hash(&mut digest);
    let hash: String = digest.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("wasmtime-{WASMTIME}-{}-{hash}", std::env::consts::ARCH)
}

/// All that is hashed, in full.
struct Digester(Sha256);

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks for so little.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_same_each_time_and_another_for_other_settings() {
        let key = |config: &Config| fingerprint(&Engine::new(config).unwrap());
        assert_eq!(key(&config()), key(&config()));
        let mut other = config();
        other.epoch_interruption(false);
        assert_ne!(key(&config()), key(&other));
        assert!(key(&config()).bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)));
    }

    #[test]
    fn wasmtime_is_named_as_it_is() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("wasmtime = {{ version = \"={WASMTIME}\"")));
    }
}
