//! By models that are live, and by features.

use crate::loads::{FEW, heading, loaded, row};
use anyhow::{Context as _, Result};
use servoir_benches::load::{Form, Model};
use servoir_benches::random::Random;
use servoir_benches::server::{Server, model};
use std::fs;
use tempfile::TempDir;

const MODELS: [usize; 4] = [1, 10, 100, 1_000];
const FEATURES: [usize; 4] = [10, 100, 1_000, 10_000];
/// Different requests that are sent in turn, where all go to one model.
const REQUESTS: usize = 8;

/// A folder of copies of a model, `NAME-0`, `NAME-1` and so on, and one for the server's own files.
pub struct Folder {
    models: TempDir,
    data: TempDir,
}

impl Folder {
    /// Copies one of the benchmarks' models so many times.
    pub fn of(name: &str, copies: usize) -> Result<Self> {
        let (models, source) = (TempDir::new()?, model(name)?);
        for number in 0..copies {
            let folder = models.path().join(format!("{name}-{number}"));
            fs::create_dir(&folder)?;
            // One file with many names, where the system has such; the server reads and never writes them.
            let copy = folder.join("model.onnx");
            fs::hard_link(&source, &copy).or_else(|_| fs::copy(&source, &copy).map(drop))?;
        }
        Ok(Self { models, data: TempDir::new()? })
    }

    /// A server of it.
    pub fn serve(&self) -> Result<Server> {
        let models = self.models.path().to_str().context("a path in UTF-8")?;
        Server::start(self.data.path(), &["--models", models])
    }
}

/// 1 to 1,000 models, asked in turn.
pub fn by_models() -> Result<()> {
    println!("\nby models that are live, small forests, one row of JSON to each in turn, {FEW} connections\n");
    let mut ready = Vec::new();
    heading("models");
    for count in MODELS {
        let folder = Folder::of("small", count)?;
        let server = folder.serve()?;
        ready.push((count, server.ready_after));
        let described = Model::of(&server.target("/"), "small-0")?;
        let mut random = Random::new();
        let request = |number| {
            let target = server.target(format!("/v2/models/small-{number}/infer"));
            described.request(&target, Form::Json, (1, 1), &mut random)
        };
        let requests = (0..count).map(request).collect::<Result<Vec<_>>>()?;
        row(count, 1, &loaded(&server, &server.target("/"), &requests, FEW)?);
        server.stop()?;
    }
    println!();
    for (count, after) in ready {
        println!("{count} models: ready after {after:.0?}");
    }
    Ok(())
}

/// 10 to 10,000 features.
pub fn by_features() -> Result<()> {
    for (form, name) in [(Form::Json, "JSON"), (Form::Binary, "binary")] {
        println!("\nby features, forests of 50 trees, one row of {name}, {FEW} connections\n");
        heading("features");
        for features in FEATURES {
            let model = format!("features-{features}");
            let folder = Folder::of(&model, 1)?;
            let server = folder.serve()?;
            let target = server.target(format!("/v2/models/{model}-0/infer"));
            let described = Model::of(&target, &format!("{model}-0"))?;
            let mut random = Random::new();
            let request = |_| described.request(&target, form, (1, 1), &mut random);
            let requests = (0..REQUESTS).map(request).collect::<Result<Vec<_>>>()?;
            row(features, 1, &loaded(&server, &target, &requests, FEW)?);
            server.stop()?;
        }
    }
    Ok(())
}
