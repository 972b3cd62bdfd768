//! The emulator, built by the machine's own C++ compiler and opened in the driver's place.

use super::environment::open_compiler;
use super::skips::skipped;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW, Symbol};
use servoir_kernels::cuda::Device;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

/// What the emulator is made of, beside the kernels.
const SOURCES: [&str; 3] = ["emulator.cpp", "kernels.cpp", "driver.cpp"];

/// Options of the compiler: products and sums are rounded apart, and a library is found by the driver's name.
const OPTIONS: [&str; 10] = [
    "-std=c++20",
    "-O1",
    "-g",
    "-fPIC",
    "-shared",
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    "-Wno-unknown-pragmas",
    "-Wl,-soname,libcuda.so",
];

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
            let path = built()?;
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

/// The built library, from another process's hands when that was first.
fn built() -> Option<PathBuf> {
    if Command::new("c++").arg("--version").output().is_err() {
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (own, kernels) = (root.join("tests/cuda/emulator"), root.join("src/cuda"));
    let mut files: Vec<PathBuf> = [&own, &kernels]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("the folder can be listed"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|kind| ["cpp", "hpp", "cu", "cuh"].iter().any(|known| kind == *known))
        })
        .collect();
    files.sort();
    let mut digest = Sha256::new();
    for file in &files {
        digest.update(std::fs::read(file).unwrap());
    }
    digest.update(OPTIONS.concat());
    let digest: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda-emulator");
    std::fs::create_dir_all(&folder).unwrap();
    let library = folder.join(format!("libcuda-{digest}.so"));
    // Tests run in processes of their own: the first that comes builds for all.
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !library.exists() {
        let unfinished = library.with_extension("unfinished");
        let mut command = Command::new("c++");
        command.args(OPTIONS).arg("-I").arg(&kernels).arg("-I").arg(&own);
        command.args(SOURCES.map(|source| own.join(source))).arg("-o").arg(&unfinished);
        let output = command.output().expect("the C++ compiler starts");
        assert!(output.status.success(), "the emulator: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::rename(&unfinished, &library).unwrap();
        // Those of other sources are of no use any more; who has one open keeps it.
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path != library && path.extension().is_some_and(|kind| kind == "so") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
    Some(library)
}
