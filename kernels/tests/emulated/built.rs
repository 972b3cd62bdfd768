//! Building the emulator. The suites of the server have a part in this file: it needs nothing of the others.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// The library in a folder, from another process's hands when that was first; there is none where there is no C++ compiler.
pub fn built(kernels_crate: &Path, folder: &Path) -> Option<PathBuf> {
    if Command::new("c++").arg("--version").output().is_err() {
        return None;
    }
    let (own, kernels) = (kernels_crate.join("tests/cuda/emulator"), kernels_crate.join("src/cuda"));
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
    let folder = folder.join("cuda-emulator");
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
