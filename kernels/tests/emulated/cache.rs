//! What has been compiled is found again, unless it is broken.

use super::emulator::Emulator;
use servoir_kernels::cuda::{CudaError, Device, DeviceForest};
use servoir_kernels::trees::Forest;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A device that no other test opens: it is open with one cache alone.
const ORDINAL: usize = 2;

/// Brings a forest to the device, which takes a kernel.
fn bring_forest(cache: &Path) -> Result<(), CudaError> {
    let device = Device::open(ORDINAL, Some(cache))?;
    let forest = Forest::<f64, f64>::new(2, vec![0.5], &[]).unwrap();
    let mut out = [0.0];
    DeviceForest::new(&device, &forest)?.session()?.predict(&[1.0, 2.0], &mut out)?;
    assert_eq!(out, [0.5]);
    Ok(())
}

fn files(cache: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn what_was_compiled_is_kept_found_and_made_anew_when_it_is_broken() {
    if Emulator::open().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("made/when/needed");
    bring_forest(&cache).unwrap();
    let made = files(&cache);
    // One for this compiler, and one for whoever has none.
    assert_eq!(made.len(), 2);
    assert!(made.keys().all(|path| path.to_string_lossy().contains("trees64_wide_f64-sm_80-")), "{made:?}");
    for path in made.keys() {
        std::fs::write(path, "cut off").unwrap();
    }
    bring_forest(&cache).unwrap();
    assert_eq!(files(&cache), made);
    // A file that is whole is taken: this one is, and no driver loads it.
    for path in made.keys() {
        let image = b"no machine code";
        std::fs::write(path, [&Sha256::digest(image)[..], image].concat()).unwrap();
    }
    let error = bring_forest(&cache).unwrap_err();
    assert!(error.to_string().starts_with("loading trees64_wide_f64 failed: CUDA_ERROR_INVALID_IMAGE"), "{error}");
}
