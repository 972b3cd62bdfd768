//! A row of steps, each named before and timed after, and a summary that says in one line how it went.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The steps so far. The first that fails is the last.
pub struct Steps {
    begun: Instant,
    taken: Vec<(String, Duration)>,
}

impl Steps {
    /// No step taken, the clock running.
    pub fn begin() -> Self {
        Self { begun: Instant::now(), taken: Vec::new() }
    }

    /// Takes a step.
    pub fn step<T>(&mut self, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n== {name}");
        let begun = Instant::now();
        let done = act();
        self.taken.push((name.to_owned(), begun.elapsed()));
        done.with_context(|| format!("{name} failed after {}\n{self}FAILED: {name}", seconds(begun.elapsed())))
    }

    /// Says that every step went well.
    pub fn end(self) {
        eprintln!("\n{self}OK: {} steps in {}", self.taken.len(), seconds(self.begun.elapsed()));
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, took) in &self.taken {
            writeln!(formatter, "{:>9}  {name}", seconds(*took))?;
        }
        Ok(())
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named_in_the_last_line_but_its_cause() {
        let mut steps = Steps::begin();
        steps.step("first", || Ok(())).unwrap();
        let error = steps.step("second", || anyhow::Result::<()>::Err(anyhow::anyhow!("the cause"))).unwrap_err();
        let told = format!("{error:#}");
        assert!(told.contains("  first\n") && told.ends_with("FAILED: second: the cause"), "{told}");
    }
}
