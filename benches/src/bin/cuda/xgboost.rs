//! xgboost's predictor on the device, in a process of its own, asked for one run at a time.

use super::forest;
use anyhow::{Context as _, Result};
use servoir_benches::listener::Listener;
use servoir_kernels::trees::Tree;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The process, and what it reads.
pub struct Xgboost {
    listener: Listener,
    folder: TempDir,
}

impl Xgboost {
    /// Starts it with a forest, on `cuda` or `cpu`.
    pub fn start(python: &Path, trees: &[Tree<f32, f32>], device: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let model = folder.path().join("model.json");
        std::fs::write(&model, serde_json::to_vec(&forest::as_xgboost(trees))?)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/benches/xgboost_cuda.py");
        let mut command = Command::new(python);
        let listener = Listener::start(command.arg(script).arg(model).arg(device))?;
        Ok(Self { listener, folder })
    }

    /// Gives it the rows that it predicts; its answer to the first.
    pub fn take_rows(&mut self, values: &[f32], features: usize) -> Result<f32> {
        let path = self.folder.path().join("rows");
        std::fs::write(&path, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
        let ready = self.listener.ask(&format!("rows {features} {}", path.display()))?;
        Ok(ready.strip_prefix("ready ").context("it is not ready")?.parse()?)
    }

    /// Predicts them once; the seconds that it took.
    pub fn run(&mut self) -> Result<f64> {
        Ok(self.listener.ask("run")?.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_benches::forest::{FEATURES, trees};
    use servoir_benches::random::Random;
    use servoir_kernels::trees::Forest;

    /// Both sides of the benchmark have the same forest.
    #[test]
    fn xgboost_reads_the_forest_and_answers_the_same() {
        let python = servoir_benches::server::given("SERVOIR_TEST_PYTHON").unwrap();
        let mut random = Random::new();
        let trees = trees(&mut random);
        let ours = Forest::new(FEATURES, vec![0.5], &trees).unwrap();
        let mut theirs = Xgboost::start(Path::new(&python), &trees, "cpu").unwrap();
        for _ in 0..20 {
            let mut row: Vec<f32> = (0..FEATURES).map(|_| random.below(250) as f32 / 250.0).collect();
            row[random.below(FEATURES)] = f32::NAN;
            let mut answer = [0.0];
            ours.predict(&row, &mut answer);
            // xgboost adds what predictions begin at behind the trees.
            let answered = theirs.take_rows(&row, FEATURES).unwrap();
            assert!((answer[0] - answered).abs() <= 1e-5 * answer[0].abs(), "{answer:?} and {answered}");
        }
        assert!(theirs.run().unwrap() > 0.0);
    }
}
