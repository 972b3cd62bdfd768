//! xgboost's predictor on the device, in a process of its own, asked for one run at a time.

use super::forest;
use anyhow::{Context as _, Result, ensure};
use servoir_kernels::trees::Tree;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// The process, and what it reads.
pub struct Xgboost {
    child: Child,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
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
        command.arg(script).arg(model).arg(device).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let asked = child.stdin.take().context("its standard input")?;
        let answers = BufReader::new(child.stdout.take().context("its standard output")?).lines();
        let mut xgboost = Self { child, asked, answers, folder };
        println!("{}", xgboost.line()?);
        Ok(xgboost)
    }

    /// Gives it the rows that it predicts; its answer to the first.
    pub fn take_rows(&mut self, values: &[f32], features: usize) -> Result<f32> {
        let path = self.folder.path().join("rows");
        std::fs::write(&path, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
        let ready = self.ask(&format!("rows {features} {}", path.display()))?;
        Ok(ready.strip_prefix("ready ").context("it is not ready")?.parse()?)
    }

    /// Predicts them once; the seconds that it took.
    pub fn run(&mut self) -> Result<f64> {
        Ok(self.ask("run")?.parse()?)
    }

    fn ask(&mut self, words: &str) -> Result<String> {
        writeln!(self.asked, "{words}")?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let line = self.answers.next().context("xgboost's process ended")??;
        ensure!(!line.starts_with("error"), "{line}");
        Ok(line)
    }
}

impl Drop for Xgboost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_benches::random::Random;
    use servoir_kernels::trees::Forest;

    /// Both sides of the benchmark have the same forest.
    #[test]
    fn xgboost_reads_the_forest_and_answers_the_same() {
        let python = servoir_benches::server::given("SERVOIR_TEST_PYTHON").unwrap();
        let mut random = Random::new();
        let trees = forest::trees(&mut random);
        let ours = Forest::new(forest::FEATURES, vec![0.5], &trees).unwrap();
        let mut theirs = Xgboost::start(Path::new(&python), &trees, "cpu").unwrap();
        for _ in 0..20 {
            let mut row: Vec<f32> = (0..forest::FEATURES).map(|_| random.below(250) as f32 / 250.0).collect();
            row[random.below(forest::FEATURES)] = f32::NAN;
            let mut answer = [0.0];
            ours.predict(&row, &mut answer);
            // xgboost adds what predictions begin at behind the trees.
            let answered = theirs.take_rows(&row, forest::FEATURES).unwrap();
            assert!((answer[0] - answered).abs() <= 1e-5 * answer[0].abs(), "{answer:?} and {answered}");
        }
        assert!(theirs.run().unwrap() > 0.0);
    }
}
