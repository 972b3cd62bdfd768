//! `cargo xtask setup`: everything that the tests need, in the target folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::python::{MONITORS, ORACLES, Python, SCHEMATHESIS};
use crate::workspace::Workspace;
use crate::{cargo_deny, clients, fixtures, nvrtc, onnxruntime, prometheus};

/// What a test process finds ready, but for PostgreSQL, which lives only as long as a run.
pub struct Prepared {
    /// The Python environment of the oracles.
    pub python: Python,
    /// ONNX Runtime's shared library.
    pub onnxruntime: PathBuf,
    /// The folder of models and answers.
    pub fixtures: PathBuf,
    /// The folder of what other monitors say.
    pub monitor: PathBuf,
    /// The Python environment of the clients of others.
    pub clients: Python,
    /// The Python environment of schemathesis.
    pub schemathesis: Python,
    /// The folder of Prometheus and promtool.
    pub prometheus: PathBuf,
    /// The folder of CUDA's compiler, where there is one for this system.
    pub nvrtc: Option<PathBuf>,
}

impl Prepared {
    /// Finds or makes each part.
    pub fn ready(workspace: &Workspace) -> Result<Self> {
        let python = Python::ready(workspace, &ORACLES)?;
        let onnxruntime = onnxruntime::library(workspace, &python)?;
        let fixtures = fixtures::for_tests(workspace, &python)?;
        let monitor = fixtures::for_monitor(workspace, &Python::ready(workspace, &MONITORS)?)?;
        let clients = clients::ready(workspace)?;
        let schemathesis = Python::ready(workspace, &SCHEMATHESIS)?;
        let prometheus = prometheus::ready()?;
        let nvrtc = nvrtc::folder(workspace)?;
        Ok(Self { python, onnxruntime, fixtures, monitor, clients, schemathesis, prometheus, nvrtc })
    }

    /// Tells a test process where everything is.
    pub fn tell<'command>(&self, command: &'command mut Command, postgres: &Cluster) -> &'command mut Command {
        command
            .env("ORT_DYLIB_PATH", &self.onnxruntime)
            .env("SERVOIR_TEST_FIXTURES", &self.fixtures)
            .env("SERVOIR_TEST_MONITOR", &self.monitor)
            .env("SERVOIR_TEST_PYTHON", &self.python.program)
            .env("SERVOIR_TEST_CLIENTS_PYTHON", &self.clients.program)
            .env("SERVOIR_TEST_SCHEMATHESIS_PYTHON", &self.schemathesis.program)
            .env("SERVOIR_TEST_PROMETHEUS", &self.prometheus)
            .envs(self.nvrtc.iter().map(|folder| ("SERVOIR_TEST_NVRTC", folder)))
            .env("SERVOIR_TEST_POSTGRES_URL", postgres.url())
    }
}

/// Prepares, and proves that PostgreSQL starts and stops.
pub fn run(workspace: &Workspace) -> Result<()> {
    let prepared = Prepared::ready(workspace)?;
    let deny = cargo_deny::ready(workspace)?;
    let postgres = Cluster::start(workspace)?;
    eprintln!("Python        {}", prepared.python.program.display());
    eprintln!("ONNX Runtime  {}", prepared.onnxruntime.display());
    eprintln!("fixtures      {}", prepared.fixtures.display());
    eprintln!("monitor       {}", prepared.monitor.display());
    eprintln!("clients       {}", prepared.clients.program.display());
    eprintln!("schemathesis  {}", prepared.schemathesis.program.display());
    eprintln!("Prometheus    {}", prepared.prometheus.display());
    if let Some(nvrtc) = &prepared.nvrtc {
        eprintln!("NVRTC         {}", nvrtc.display());
    }
    eprintln!("cargo-deny    {}", deny.display());
    eprintln!("PostgreSQL    {} (for as long as this ran)", postgres.url());
    Ok(())
}
