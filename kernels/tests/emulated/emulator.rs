//! The emulator, built by the machine's own C++ compiler and opened in the driver's place.

use super::built::built;
use super::environment::open_compiler;
use super::skips::skipped;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW, Symbol};
use servoir_kernels::cuda::Device;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The emulator, open.
pub struct Emulator {
    library: Library,
}

impl Emulator {
    /// Opens it once in a process; there is none where there is no C++ compiler, and the test is then counted as skipped.
    pub fn open() -> Option<&'static Self> {
        static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
        let emulator = EMULATOR.get_or_init(|| {
            open_compiler();
            let path = built(Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")))?;
            // SAFETY: the library is ours; its initialisers fill a table.
            let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) }.expect("the emulator opens");
            Some(Self { library })
        });
        if emulator.is_none() {
            skipped("c++", "there is no C++ compiler (`c++`) to build the emulator with");
        }
        emulator.as_ref()
    }

    /// Makes a device's next launch fail when it is its turn.
    pub fn fail_next(&self, device: i32) {
        // SAFETY: the function is the emulator's, and this is its type.
        unsafe {
            let fail: Symbol<unsafe extern "C" fn(i32)> = self.library.get(b"emulator_fail_next").unwrap();
            fail(device);
        }
    }

    /// What has been taken of a device and not given back.
    pub fn taken(&self, device: i32) -> u64 {
        // SAFETY: the function is the emulator's, and this is its type.
        unsafe {
            let taken: Symbol<unsafe extern "C" fn(i32) -> u64> = self.library.get(b"emulator_taken").unwrap();
            taken(device)
        }
    }
}

/// An emulated device; nothing where there is no emulator.
pub fn device(ordinal: usize) -> Option<Arc<Device>> {
    Emulator::open()?;
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda-cache");
    Some(Device::open(ordinal, Some(&cache)).unwrap_or_else(|error| panic!("{error}")))
}
