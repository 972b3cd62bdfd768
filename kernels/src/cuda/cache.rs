//! Compiled kernels in files, so that what was compiled once is not compiled again.
//!
//! A file is named by the digest of all that decides what is in it, and begins with the digest of the rest of it: one that was
//! cut off or changed is compiled anew. It is written under another name and then renamed, so that processes that start
//! together find whole files or none. Machine code is kept, not PTX: a driver that is older than the compiler loads it too.

use super::{CudaError, Source, Target, compile, compiler_version};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of the digest that a file begins with.
const DIGEST: usize = 32;

/// The machine code of a source for an architecture, such as `sm_90`.
pub fn cubin(source: Source, architecture: &str, cache: Option<&Path>) -> Result<Vec<u8>, CudaError> {
    let Some(folder) = cache else { return compile(source, Target::Cubin(architecture)) };
    let of_any = folder.join(name(source, architecture, None));
    let path = match compiler_version() {
        Ok(version) => folder.join(name(source, architecture, Some(version))),
        // Without a compiler, what any compiler has left here will do.
        Err(error) => return read(&of_any).ok_or(error),
    };
    if let Some(image) = read(&path) {
        return Ok(image);
    }
    let image = compile(source, Target::Cubin(architecture))?;
    // A cache that cannot be written costs the next start a second, and nothing else.
    for path in [&path, &of_any] {
        let _ = write(folder, path, &image);
    }
    Ok(image)
}

fn name(source: Source, architecture: &str, version: Option<(u32, u32)>) -> PathBuf {
    let mut digest = Sha256::new();
    let version = version.map_or_else(|| "any".to_owned(), |(major, minor)| format!("{major}.{minor}"));
    for part in [source.text(), source.options().join(" "), version, architecture.to_owned()] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let digest: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{architecture}-{digest}.cubin", source.name()).into()
}

/// What a file holds, when it is whole.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = std::fs::read(path).ok()?;
    let image = bytes.get(DIGEST..)?;
    if Sha256::digest(image)[..] != bytes[..DIGEST] {
        return None;
    }
    Some(bytes.split_off(DIGEST))
}

fn write(folder: &Path, path: &Path, image: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&Sha256::digest(image))?;
    file.write_all(image)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernels/trees.cubin");
        assert_eq!(read(&path), None);
        write(path.parent().unwrap(), &path, b"code").unwrap();
        assert_eq!(read(&path).unwrap(), b"code");
        for broken in [&b""[..], b"short", &[0; 36], &std::fs::read(&path).unwrap()[..35]] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(read(&path), None, "{} bytes", broken.len());
        }
    }

    #[test]
    fn everything_that_decides_the_code_is_in_the_name() {
        let versions = [None, Some((13, 0)), Some((13, 1))];
        let names: std::collections::HashSet<_> = Source::ALL
            .iter()
            .flat_map(|source| ["sm_80", "sm_90"].map(|architecture| (source, architecture)))
            .flat_map(|(source, architecture)| versions.map(|version| name(*source, architecture, version)))
            .collect();
        assert_eq!(names.len(), Source::ALL.len() * 2 * versions.len());
    }
}
