//! Processor time and memory of processes, with all their descendants: some servers answer in workers of their own.

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Processor time used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// The program's own and the system's on its behalf.
    pub all: Duration,
    /// The system's, as far as it is told apart.
    pub system: Duration,
}

impl Usage {
    /// Of a process and its descendants, from `/proc` (proc(5): fields 14 and 15 of `stat`, in ticks of 1/100 s).
    pub fn of(process: u32) -> Result<Self> {
        let family = family(process)?;
        let ticks =
            |number| -> u64 { family.iter().filter_map(|(_, stat)| field(stat, number)?.parse::<u64>().ok()).sum() };
        let [user, system] = [14, 15].map(|number| Duration::from_millis(ticks(number) * 10));
        Ok(Self { all: user + system, system })
    }

    /// So many seconds.
    pub fn seconds(seconds: f64) -> Self {
        Self { all: Duration::from_secs_f64(seconds.max(0.0)), system: Duration::ZERO }
    }

    /// What was used after an earlier reading.
    pub fn since(self, earlier: Self) -> Self {
        Self { all: self.all.saturating_sub(earlier.all), system: self.system.saturating_sub(earlier.system) }
    }
}

/// A program that another one starts, such as one that measures it; by itself where there is none.
pub fn started_under(under: &[String], program: &Path) -> Command {
    match under {
        [] => Command::new(program),
        [first, more @ ..] => {
            let mut command = Command::new(first);
            command.args(more).arg(program);
            command
        }
    }
}

/// Resident memory of a process and its descendants in bytes. Pages that they share are counted for each.
pub fn resident_bytes(process: u32) -> Result<u64> {
    let of_one = |id: u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Ok(family(process)?.into_iter().filter_map(|(id, _)| of_one(id)).sum::<u64>() * 1024)
}

/// A process and its descendants, each with its `stat`.
fn family(process: u32) -> Result<Vec<(u32, String)>> {
    let own = fs::read_to_string(format!("/proc/{process}/stat")).with_context(|| format!("process {process} runs"))?;
    let mut children: HashMap<u32, Vec<(u32, String)>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Processes end while this looks at them.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let Some(parent) = field(&stat, 4).and_then(|parent| parent.parse().ok()) else { continue };
        children.entry(parent).or_default().push((id, stat));
    }
    let mut family = vec![(process, own)];
    let mut visited = 0;
    while let Some((id, _)) = family.get(visited) {
        family.extend(children.remove(id).unwrap_or_default());
        visited += 1;
    }
    Ok(family)
}

/// A field of `stat` as proc(5) counts them. The second, the name, may hold anything and is passed over.
fn field(stat: &str, number: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(number - 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;

    #[test]
    fn a_process_is_seen_with_its_children() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // What it says, it says as a program that runs.
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let family = family(std::process::id()).unwrap();
        assert!(family.iter().any(|(id, _)| *id == child.id()));
        let (own, both) = (resident_bytes(child.id()).unwrap(), resident_bytes(std::process::id()).unwrap());
        assert!(own > 0 && both > own);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn a_name_with_a_parenthesis_moves_no_field() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 12 34 0";
        assert_eq!((field(stat, 4), field(stat, 14), field(stat, 15)), (Some("1"), Some("12"), Some("34")));
    }
}
