//! `cargo xtask fuzz`: libFuzzer on what reads strangers' bytes, with the nightly compiler that it needs.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{cargo, run, succeeds};
use crate::workspace::Workspace;

/// cargo-fuzz, built where there is none.
const VERSION: &str = "0.13.2";

/// What every input keeps to: its size in bytes, seconds that it takes, memory of the process and of one allocation in MB.
/// An input of 4 KB that wants 64 MB at once has found a length that is believed before it is checked.
const LIMITS: [&str; 4] = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=64"];

/// What can be asked of a run.
#[derive(Args)]
pub struct FuzzOptions {
    /// A target, such as json_v2; all of them, one after the other, when none is named
    target: Option<String>,
    /// How long each target runs
    #[arg(default_value_t = 600)]
    seconds: u32,
    /// Afterwards adds to the kept corpus what reaches code that nothing in it reaches
    #[arg(long)]
    keep: bool,
}

/// Runs the targets; stops at the first finding.
pub fn run_targets(workspace: &Workspace, options: &FuzzOptions) -> Result<()> {
    let fuzz = Fuzz::ready(workspace)?;
    let targets = match &options.target {
        Some(target) => vec![target.clone()],
        None => targets(&fuzz.programs)?,
    };
    for target in &targets {
        fuzz.run(target, options.seconds)?;
    }
    if options.keep {
        targets.iter().try_for_each(|target| fuzz.keep(target))?;
    }
    Ok(())
}

/// The programs, by their source files.
fn targets(programs: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(programs).with_context(|| format!("could not list {}", programs.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    found.sort();
    Ok(found)
}

/// Everything that a run needs.
struct Fuzz<'w> {
    workspace: &'w Workspace,
    /// The package of the programs.
    programs: PathBuf,
    /// Where they are built, and what they find.
    made: PathBuf,
    /// The search path on which cargo finds cargo-fuzz.
    path: OsString,
}

impl<'w> Fuzz<'w> {
    fn ready(workspace: &'w Workspace) -> Result<Self> {
        if !succeeds(Command::new("cargo").args(["+nightly", "--version"])) {
            eprintln!("the nightly compiler is missing: installing it");
            run(Command::new("rustup").args(["toolchain", "install", "nightly", "--profile", "minimal"]))?;
        }
        let tools = workspace.target.join(format!("cargo-fuzz-{VERSION}"));
        if !tools.join("bin/cargo-fuzz").exists() {
            eprintln!("cargo-fuzz is missing: building it in {} (a minute, once)", tools.display());
            let mut install = cargo(&workspace.root);
            install.args(["install", "cargo-fuzz", "--version", VERSION, "--locked", "--debug", "--quiet", "--root"]);
            run(install.arg(&tools).env("CARGO_TARGET_DIR", tools.join("build")))?;
        }
        let mut path = OsString::from(tools.join("bin"));
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let programs = workspace.root.join("fuzz/fuzz_targets");
        Ok(Self { workspace, programs, made: workspace.target.join("fuzz"), path })
    }

    /// What is in the repository, and what runs on this machine have found.
    fn corpora(&self, target: &str) -> Result<[PathBuf; 2]> {
        let kept = self.workspace.root.join("fuzz/corpus").join(target);
        if !kept.is_dir() {
            bail!("there is no target '{target}': {} is missing", kept.display());
        }
        let found = self.made.join("corpus").join(target);
        fs::create_dir_all(&found).with_context(|| format!("could not make {}", found.display()))?;
        Ok([kept, found])
    }

    /// The start of a command that runs a target on folders of inputs; arguments of libFuzzer follow.
    fn program(&self, target: &str, corpora: [&Path; 2]) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.workspace.root).args(["+nightly", "fuzz", "run", "--fuzz-dir"]).arg(&self.programs);
        command.arg("--target-dir").arg(self.made.join("build")).arg(target).args(corpora).arg("--").args(LIMITS);
        command.env("PATH", &self.path).env("TMPDIR", self.made.join("tmp"));
        command
    }

    fn run(&self, target: &str, seconds: u32) -> Result<()> {
        let [kept, found] = self.corpora(target)?;
        self.empty_temporary_folder()?;
        let findings = self.made.join("findings").join(target);
        fs::create_dir_all(&findings).with_context(|| format!("could not make {}", findings.display()))?;
        // New inputs go into the first folder.
        let mut command = self.program(target, [&found, &kept]);
        command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", findings.display()));
        let dictionary = self.programs.join(format!("{target}.dict"));
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        run(&mut command).with_context(|| {
            format!(
                "a finding: fix it, and keep its input, which is in {}, in {} under a name that says what it is",
                findings.display(),
                kept.display()
            )
        })
    }

    /// Merges by code reached, not by how often: the corpus stays small enough for the repository.
    fn keep(&self, target: &str) -> Result<()> {
        let [kept, found] = self.corpora(target)?;
        run(self.program(target, [&kept, &found]).args(["-merge=1", "-use_counters=0"]))
    }

    /// libFuzzer leaves a process without cleaning up.
    fn empty_temporary_folder(&self) -> Result<()> {
        let folder = self.made.join("tmp");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("could not empty {}", folder.display()));
            }
            _ => {}
        }
        fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))
    }
}
