//! `cargo xtask bench`: what the release build costs to run, and its parts alone, as ratios to what they are measured against.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::process::{cargo, run};
use crate::python::{CLIENTS, GPU, ORACLES, Python, RIVALS};
use crate::workspace::Workspace;
use crate::{clients, fixtures, nvrtc, onnxruntime};

/// What can be asked of the benchmarks.
#[derive(Args)]
pub struct BenchOptions {
    /// What is measured; by default `server`, `micro` and `codec`, which take ten minutes
    #[arg(value_enum)]
    what: Option<What>,
    /// Measure what is shipped, the profile `dist`, which takes as long again to build, and not `release`
    #[arg(long)]
    dist: bool,
    /// Passed on: parts of `micro`, tables of `curves`, models of `tune`, options of the others
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// A running server beside bare hyper: processor time, throughput, latency, memory, start
    Server,
    /// Tree kernels, engines, queue and registry, each alone
    Micro,
    /// Reading and writing tensors, beside general JSON libraries
    Codec,
    /// How cost grows with connections, rows, models, features and versions
    Curves,
    /// A model whose traffic is counted beside the same without
    Monitoring,
    /// What the server chose for itself, beside a grid made by hand
    Tune,
    /// Other servers, from pip, side by side; `--url` for one that runs already, such as Triton; `-- --help` for more
    Rivals,
    /// Where a prediction's time goes, by function: callgrind's count of the build that is shipped
    Trace,
    /// The load generator alone, against any server
    Load,
    /// Training, beside xgboost, lightgbm and scikit-learn: what the models are worth, and how long it took
    Training,
    /// What a run of training costs those who are served, and what 200 followers cost a run
    Studio,
    /// Four times what the server can do, for a minute
    Overload,
    /// 10,000 swaps over three engines while clients ask, and what loading 100 MB costs those who are served
    Swaps,
    /// Mixed traffic for half an hour: nothing may fail that was not asked to, and nothing may grow
    Soak,
    /// A forest on a device beside the processor, copying alone, and xgboost's own predictor there; `2` without a device
    Cuda,
    /// Networks served on a GPU beside the engine called in process: throughput kept, time in the queue, batches formed
    Gpu,
    /// A million labels in batches of ten thousand: how long they take, and that what they say is scikit-learn's
    Feedback,
}

impl What {
    /// What is measured when nothing is asked for.
    const DEFAULT: [Self; 3] = [Self::Server, Self::Micro, Self::Codec];

    /// The program of the package `servoir-benches`; of the rivals and of training, the one that their script runs.
    const fn program(self) -> &'static str {
        match self {
            Self::Server => "servoir-benches",
            Self::Micro => "micro",
            Self::Codec => "codec",
            Self::Curves => "curves",
            Self::Monitoring => "monitoring",
            Self::Tune => "tune",
            Self::Trace => "trace",
            Self::Cuda => "cuda",
            Self::Rivals | Self::Load => "load",
            Self::Training | Self::Studio | Self::Overload | Self::Swaps | Self::Soak | Self::Gpu | Self::Feedback => {
                "servoir"
            }
        }
    }
}

/// Builds the release and runs the benchmarks on it.
pub fn run_benchmarks(workspace: &Workspace, options: &BenchOptions) -> Result<()> {
    let parts = options.what.map_or(What::DEFAULT.to_vec(), |what| vec![what]);
    let built = Built { workspace, profile: if options.dist || parts == [What::Trace] { "dist" } else { "release" } };
    if let [part @ (What::Training | What::Feedback)] = parts[..] {
        let python = Python::ready(workspace, &ORACLES)?;
        run(&mut built.server())?;
        let script = if part == What::Training { "benches/training.py" } else { "benches/feedback.py" };
        let mut script = python.script(workspace, script);
        return run(script.arg(built.path(part.program())).args(&options.arguments));
    }
    if parts == [What::Cuda] {
        run(&mut build_benches(workspace, &parts))?;
        let mut program = built.program(What::Cuda);
        program.envs(nvrtc::folder(workspace)?.map(|folder| ("SERVOIR_TEST_NVRTC", folder)));
        return run(program.args(&options.arguments));
    }
    if parts == [What::Gpu] {
        let python = Python::ready(workspace, &GPU)?;
        let models = Prepared::ready(workspace)?.models;
        let (onnxruntime, libraries) = (onnxruntime::packaged(&python)?, nvrtc::all_of_cuda(&python)?);
        run(&mut build_benches(workspace, &[What::Load]))?;
        run(&mut built.server())?;
        let mut script = python.script(workspace, "benches/gpu_serving.py");
        script.args([What::Gpu, What::Load].map(|part| built.path(part.program()))).arg(onnxruntime);
        script.args(["mobilenet", "transformer"].map(|model| models.join(model).join("model.onnx")));
        return run(script.arg("--libraries").arg(libraries).args(&options.arguments));
    }
    if parts == [What::Studio] {
        let python = Python::ready(workspace, &CLIENTS)?;
        let onnxruntime = onnxruntime::library(workspace, &Python::ready(workspace, &ORACLES)?)?;
        run(&mut build_benches(workspace, &[What::Load]))?;
        run(&mut built.server())?;
        let mut script = python.script(workspace, "benches/studio.py");
        script.args([What::Studio, What::Load].map(|part| built.path(part.program()))).arg(onnxruntime);
        return run(script.args(&options.arguments));
    }
    if parts == [What::Soak] {
        let (oracles, clients) = (Python::ready(workspace, &ORACLES)?, Python::ready(workspace, &CLIENTS)?);
        let library = onnxruntime::library(workspace, &oracles)?;
        let models = fixtures::for_tests(workspace, &oracles)?;
        run(&mut built.server())?;
        let mut script = clients.script(workspace, "benches/soak.py");
        script.arg(built.path(What::Soak.program())).arg(library).arg(models);
        return run(script.args(&options.arguments));
    }
    if let [part @ (What::Overload | What::Swaps)] = parts[..] {
        let prepared = Prepared::ready(workspace)?;
        run(&mut build_benches(workspace, &[What::Load]))?;
        run(&mut built.server())?;
        let of_overload = part == What::Overload;
        let script = if of_overload { "benches/overload.py" } else { "benches/swaps.py" };
        let mut script = prepared.python.script(workspace, script);
        script.args([part, What::Load].map(|part| built.path(part.program()))).arg(&prepared.onnxruntime);
        if of_overload {
            // One with long bodies, one with short ones.
            script.args(["mobilenet", "transformer"].map(|model| prepared.models.join(model).join("model.onnx")));
        }
        return run(script.args(&options.arguments));
    }
    let mut build = build_benches(workspace, &parts);
    if parts == [What::Load] {
        run(&mut build)?;
        return run(built.program(What::Load).args(&options.arguments));
    }
    let prepared = Prepared::ready(workspace)?;
    run(&mut build)?;
    if parts == [What::Trace] {
        clients::program("valgrind", "valgrind")?;
        run(&mut built.server_with_names())?;
        return run(prepared.tell(&built, &mut built.program(What::Trace)).args(&options.arguments));
    }
    // By itself: together they would share the features of what both depend on, and the server would not be the one that
    // is shipped.
    run(&mut built.server())?;
    for part in parts {
        let mut command = match part {
            What::Rivals => rivals(&built, &prepared)?,
            part => built.program(part),
        };
        run(prepared.tell(&built, &mut command).args(&options.arguments))?;
    }
    Ok(())
}

fn build_benches(workspace: &Workspace, parts: &[What]) -> Command {
    let mut build = cargo(&workspace.root);
    build.args(["build", "--release", "--locked", "--package", "servoir-benches"]);
    for part in parts {
        build.args(["--bin", part.program()]);
    }
    build
}

/// The programs that are measured.
struct Built<'workspace> {
    workspace: &'workspace Workspace,
    /// The profile of the server; the benchmarks' own is `release`.
    profile: &'static str,
}

impl Built<'_> {
    /// Builds the server.
    fn server(&self) -> Command {
        let mut build = cargo(&self.workspace.root);
        build.args(["build", "--profile", self.profile, "--locked", "--package", "servoir", "--bin", "servoir"]);
        build
    }

    /// Builds it with the names of its functions.
    fn server_with_names(&self) -> Command {
        let mut build = cargo(&self.workspace.root);
        build.args(["rustc", "--profile", self.profile, "--locked", "--package", "servoir", "--bin", "servoir"]);
        build.args(["--", "-C", "strip=none"]);
        build
    }

    fn path(&self, program: &str) -> PathBuf {
        self.workspace.target.join(if program == "servoir" { self.profile } else { "release" }).join(program)
    }

    fn program(&self, part: What) -> Command {
        let mut command = Command::new(self.path(part.program()));
        command.current_dir(&self.workspace.root);
        command
    }
}

/// What the benchmarks need beside the release.
struct Prepared {
    python: Python,
    onnxruntime: PathBuf,
    models: PathBuf,
}

impl Prepared {
    fn ready(workspace: &Workspace) -> Result<Self> {
        let python = Python::ready(workspace, &ORACLES)?;
        let onnxruntime = onnxruntime::library(workspace, &python)?;
        let models = fixtures::for_benchmarks(workspace, &python)?;
        Ok(Self { python, onnxruntime, models })
    }

    fn tell<'command>(&self, built: &Built<'_>, command: &'command mut Command) -> &'command mut Command {
        command
            .env("ORT_DYLIB_PATH", &self.onnxruntime)
            .env("SERVOIR_BENCH_MODELS", &self.models)
            .env("SERVOIR_TEST_PYTHON", &self.python.program)
            .env("SERVOIR_TEST_BINARY", built.path("servoir"))
    }
}

/// The script that starts the other servers, in their own environment. It loads gRPC with h2load.
fn rivals(built: &Built<'_>, prepared: &Prepared) -> Result<Command> {
    clients::programs()?;
    let mut script = Python::ready(built.workspace, &RIVALS)?.script(built.workspace, "benches/rivals.py");
    let given: [(&str, &Path); 4] = [
        ("--load", &built.path("load")),
        ("--servoir", &built.path("servoir")),
        ("--onnxruntime", &prepared.onnxruntime),
        ("--models", &prepared.models),
    ];
    for (name, path) in given {
        script.arg(name).arg(path);
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: BenchOptions,
    }

    #[test]
    fn what_follows_the_first_word_is_passed_on() {
        let rows: [(&[&str], Option<What>, &[&str]); 4] = [
            (&[], None, &[]),
            (&["curves"], Some(What::Curves), &[]),
            (&["rivals", "--url", "http://127.0.0.1:8000"], Some(What::Rivals), &["--url", "http://127.0.0.1:8000"]),
            (&["micro", "kernels", "queue"], Some(What::Micro), &["kernels", "queue"]),
        ];
        for (typed, what, arguments) in rows {
            let line = Line::try_parse_from([&["bench"], typed].concat()).unwrap();
            assert_eq!(
                (line.options.what, &*line.options.arguments),
                (what, &*arguments.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
            );
        }
    }
}
