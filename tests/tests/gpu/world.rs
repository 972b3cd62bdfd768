//! A server with GPUs: those of the machine, and emulated ones, which any machine has that has a C++ compiler.

#[path = "../../../kernels/tests/emulated/built.rs"]
mod built;

use servoir_tests::environment;
use servoir_tests::process::ServerProcess;
use servoir_tests::skips::skipped;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Whose GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gpus {
    /// Two, emulated, each with memory of so many bytes.
    Emulated(u64),
    /// The machine's.
    Real,
}

/// Memory of the emulated ones that everything here fits.
pub const ROOMY: Gpus = Gpus::Emulated(256 << 20);

/// A server process and its folders.
pub struct World {
    pub server: ServerProcess,
    _data: TempDir,
    _libraries: TempDir,
}

impl Gpus {
    /// A server that sees them, with these settings in its environment; `None` when there are none, and the test is then counted as
    /// skipped.
    pub async fn server(self, settings: &[(&str, &str)]) -> Option<World> {
        let (data, libraries) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mut environment = self.environment(libraries.path())?;
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))));
        let pairs: Vec<(&str, &OsStr)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_os_str())).collect();
        let server = ServerProcess::start_with(data.path(), &pairs).await;
        if self == Self::Real {
            let listed = server.api().get("/api/v1/model-registry/hardware").await.expect(200).json;
            if let Some(reason) = listed["gpuReason"].as_str() {
                skipped("gpu", reason);
                return None;
            }
        }
        Some(World { server, _data: data, _libraries: libraries })
    }

    /// What the environment of a process must have to see them.
    pub fn environment(self, folder: &Path) -> Option<Vec<(String, OsString)>> {
        let mut environment = vec![("SERVOIR_CUDA__LIBRARIES".to_owned(), environment::nvrtc().into_os_string())];
        if let Self::Emulated(bytes) = self {
            link_driver(folder)?;
            environment.push(("LD_LIBRARY_PATH".to_owned(), folder.as_os_str().to_owned()));
            environment.push(("EMULATED_DEVICES".to_owned(), "2".into()));
            environment.push(("EMULATED_DEVICE_BYTES".to_owned(), bytes.to_string().into()));
        }
        Some(environment)
    }
}

/// Puts the emulated driver and management library into a folder, under their names.
fn link_driver(folder: &Path) -> Option<()> {
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernels");
    let Some(driver) = built::built(&kernels, Path::new(env!("CARGO_TARGET_TMPDIR"))) else {
        skipped("c++", "there is no C++ compiler (`c++`) to build the emulator with");
        return None;
    };
    symlink(driver, folder.join("libcuda.so")).expect("a link");
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gpu/nvml.c");
    let library = folder.join("libnvidia-ml.so.1");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).arg(source).status();
    assert!(built.expect("the C compiler starts").success());
    Some(())
}
