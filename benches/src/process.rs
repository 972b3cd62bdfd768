//! The processor time of another process.

use anyhow::{Context as _, Result};
use std::time::Duration;

/// Processor time used so far, user and system together.
#[derive(Debug, Clone, Copy)]
pub struct Usage(Duration);

impl Usage {
    /// Of a process, from `/proc` (proc(5): fields 14 and 15, in ticks of 1/100 s).
    pub fn of(process: u32) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the process runs")?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<u64, _>>()?;
        Ok(Self(Duration::from_millis(ticks * 10)))
    }

    /// What was used after an earlier reading.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
