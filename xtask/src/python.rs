//! Python environments in the target folder, each with the packages that its requirements file pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::stamp::Stamp;
use crate::workspace::Workspace;

/// The oldest Python that the pinned packages have wheels for.
const MINIMUM_VERSION: (u32, u32) = (3, 11);

/// Tried in order; the first that is new enough is taken.
const PROGRAMS: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// What an environment is made from, and where it goes.
pub struct Environment {
    /// The folder in the target folder.
    folder: &'static str,
    /// The file of pinned packages, below the `python` folder.
    requirements: &'static str,
    /// What the packages are for and how much is downloaded, to be told while they are installed.
    purpose: &'static str,
    /// Arguments of `pip install` beside the file.
    pip_arguments: &'static [&'static str],
}

/// The libraries that the models of the tests and of the demo come from.
pub const ORACLES: Environment = Environment {
    folder: "python",
    requirements: "requirements.txt",
    purpose: "the oracles (about 400 MB)",
    pip_arguments: &[],
};

/// The clients of others that the suites run against a server.
pub const CLIENTS: Environment = Environment {
    folder: "python-clients",
    requirements: "clients/requirements.txt",
    purpose: "the clients of others (about 80 MB)",
    // The file says why, and names every package itself.
    pip_arguments: &["--no-deps", "--ignore-requires-python"],
};

/// The tool that holds the API's documents against a server.
pub const SCHEMATHESIS: Environment = Environment {
    folder: "python-schemathesis",
    requirements: "schemathesis/requirements.txt",
    purpose: "schemathesis (about 30 MB)",
    // The file names every package itself; MLServer's is there for the document in it, not to be run.
    pip_arguments: &["--no-deps", "--ignore-requires-python"],
};

/// The libraries whose drift statistics the monitor's are compared with.
pub const MONITORS: Environment = Environment {
    folder: "python-monitor",
    requirements: "monitor/requirements.txt",
    purpose: "Evidently, NannyML and river (about 400 MB)",
    // The file names every package itself: of what theirs ask for, what is used.
    pip_arguments: &["--no-deps"],
};

/// CUDA's compiler, which needs no device.
pub const NVRTC: Environment = Environment {
    folder: "python-nvrtc",
    requirements: "nvrtc/requirements.txt",
    purpose: "CUDA's compiler (about 90 MB)",
    pip_arguments: &["--no-deps"],
};

/// ONNX Runtime with its CUDA provider, for the benchmark of networks on a GPU.
pub const GPU: Environment = Environment {
    folder: "python-gpu",
    requirements: "gpu/requirements.txt",
    purpose: "ONNX Runtime for CUDA (about 2 GB)",
    pip_arguments: &[],
};

/// The other servers that the benchmarks measure.
pub const RIVALS: Environment = Environment {
    folder: "python-rivals",
    requirements: "benches/requirements.txt",
    purpose: "the other servers of the benchmarks (about 220 MB)",
    // The file names every package itself. MLServer's say that they are for Pythons before 3.13: a server that does not start
    // with a newer one is told by the benchmark, and does not keep the others from being measured.
    pip_arguments: &["--no-deps", "--ignore-requires-python"],
};

/// A ready environment.
pub struct Python {
    /// The environment's own interpreter.
    pub program: PathBuf,
    /// The folder of the environment.
    pub folder: PathBuf,
}

impl Python {
    /// Finds the environment as its requirements file wants it, or makes it.
    pub fn ready(workspace: &Workspace, environment: &Environment) -> Result<Self> {
        let folder = workspace.target.join(environment.folder);
        let python = Self { program: folder.join("bin/python"), folder };
        let requirements = workspace.root.join("python").join(environment.requirements);
        let system = system_python()?;
        let words = [system.program.as_str(), &system.version_text()];
        let stamp = Stamp::new(python.folder.join("requirements.stamp"), &words, std::slice::from_ref(&requirements))?;
        if stamp.is_current() && python.program.exists() {
            return Ok(python);
        }
        eprintln!("Python packages for {}: making {}", environment.purpose, python.folder.display());
        python.make(&system)?;
        python.install(&requirements, environment.pip_arguments)?;
        stamp.leave()?;
        Ok(python)
    }

    fn make(&self, system: &SystemPython) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).with_context(|| format!("could not remove {}", self.folder.display()))?;
        }
        if !process::succeeds(Command::new(&system.program).args(["-c", "import ensurepip, venv"])) {
            process::install_packages(&["python3-venv"], "Python's venv module")?;
        }
        process::run(Command::new(&system.program).args(["-m", "venv"]).arg(&self.folder))
    }

    fn install(&self, requirements: &Path, arguments: &[&str]) -> Result<()> {
        let mut pip = self.pip();
        pip.args(["install", "--only-binary", ":all:"]).args(arguments).arg("--requirement").arg(requirements);
        process::run(&mut pip)
    }

    /// pip of this environment, calm.
    pub fn pip(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-m", "pip", "--disable-pip-version-check", "--quiet"]);
        command
    }

    /// A script of the project's `python` folder, ready for its arguments.
    pub fn script(&self, workspace: &Workspace, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(workspace.root.join("python").join(name));
        // Bytecode beside the sources would be a change in the working tree of whoever runs this.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

struct SystemPython {
    program: String,
    version: (u32, u32),
}

impl SystemPython {
    fn version_text(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }
}

fn system_python() -> Result<SystemPython> {
    let mut too_old = Vec::new();
    for program in PROGRAMS {
        let asked = Command::new(program).args(["-c", "import sys; print(*sys.version_info[:2])"]).output();
        let Some(version) = asked.ok().and_then(|output| version_of(&String::from_utf8_lossy(&output.stdout))) else {
            continue;
        };
        if version >= MINIMUM_VERSION {
            return Ok(SystemPython { program: program.to_owned(), version });
        }
        too_old.push(format!("{program} is {}.{}", version.0, version.1));
    }
    let (major, minor) = MINIMUM_VERSION;
    if too_old.is_empty() {
        bail!(
            "python3 was not found; install Python {major}.{minor} or newer (on Debian: apt-get install python3 python3-venv)"
        );
    }
    bail!("Python {major}.{minor} or newer is needed, but {}", too_old.join(", "));
}

fn version_of(printed: &str) -> Option<(u32, u32)> {
    let (major, minor) = printed.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let rows = [("3 11\n", Some((3, 11))), ("3 9", Some((3, 9))), ("", None), ("Python 3", None)];
        for (printed, want) in rows {
            assert_eq!(version_of(printed), want, "{printed:?}");
        }
        assert!(version_of("3 9") < Some(MINIMUM_VERSION));
    }
}
