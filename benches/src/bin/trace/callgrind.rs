//! Callgrind: what a running process did between two moments, by function.
//!
//! The format is that of <https://valgrind.org/docs/manual/cl-format.html>.

use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a function did itself, without what it called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Instructions.
    pub instructions: u64,
    /// Lines of 64 bytes of code that were fetched into a first-level cache of 32 KiB.
    pub lines: u64,
}

impl Cost {
    /// Both.
    pub fn add(&mut self, other: Self) {
        self.instructions += other.instructions;
        self.lines += other.lines;
    }
}

/// What starts a program under callgrind, which counts nothing until it is told to; its files go into `folder`.
pub fn under(folder: &Path) -> Vec<String> {
    let file = folder.join("callgrind.out").display().to_string();
    // The processors' usual first level: 32 KiB, eight ways, lines of 64 bytes.
    let options = ["--tool=callgrind", "--quiet", "--instr-atstart=no", "--cache-sim=yes", "--I1=32768,8,64"];
    ["valgrind"].into_iter().chain(options).map(String::from).chain([format!("--callgrind-out-file={file}")]).collect()
}

/// Counts from now on, or no longer.
pub fn count(process: u32, on: bool) -> Result<()> {
    control(process, if on { "--instr=on" } else { "--instr=off" })
}

/// What was counted, by function.
pub fn counted(process: u32, folder: &Path) -> Result<BTreeMap<String, Cost>> {
    control(process, "--dump")?;
    let mut functions = BTreeMap::new();
    for file in dumps(folder)? {
        for (function, cost) in read(&std::fs::read_to_string(file)?)? {
            functions.entry(function).or_insert_with(Cost::default).add(cost);
        }
    }
    ensure!(!functions.is_empty(), "callgrind counted nothing");
    Ok(functions)
}

fn control(process: u32, what: &str) -> Result<()> {
    let mut control = Command::new("callgrind_control");
    let done = control.arg(what).arg(process.to_string()).stdout(Stdio::null()).status();
    ensure!(done.context("callgrind_control, of the package valgrind")?.success(), "callgrind_control {what} failed");
    Ok(())
}

fn dumps(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_dump =
        |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("callgrind.out."));
    Ok(files.into_iter().filter(is_dump).collect())
}

/// The costs of each function in a file of callgrind's.
fn read(text: &str) -> Result<BTreeMap<String, Cost>> {
    let (mut names, mut functions) = (HashMap::new(), BTreeMap::<String, Cost>::new());
    let (mut function, mut events, mut is_call) = (String::new(), Vec::new(), false);
    for line in text.lines() {
        if let Some(named) = line.strip_prefix("events: ") {
            events = named.split(' ').map(str::to_owned).collect();
        } else if let Some(name) = line.strip_prefix("fn=") {
            function = expanded(name, &mut names)?;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            expanded(name, &mut names)?;
        } else if line.starts_with("calls=") {
            // The next line is what the callee and its own callees cost.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut is_call)
        {
            let costs: Vec<u64> = line.split(' ').skip(1).map(|cost| cost.parse().unwrap_or(0)).collect();
            let of = |event: &str| {
                let place = events.iter().position(|one| one == event)?;
                Some(costs.get(place).copied().unwrap_or(0))
            };
            let cost = Cost {
                instructions: of("Ir").context("instructions are counted")?,
                lines: of("I1mr").context("fetched lines are counted")?,
            };
            functions.entry(function.clone()).or_default().add(cost);
        }
    }
    Ok(functions)
}

/// A name is written once, `(7) name`, and is `(7)` from then on.
fn expanded(name: &str, names: &mut HashMap<String, String>) -> Result<String> {
    let Some((number, rest)) = name.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return Ok(name.to_owned());
    };
    match rest.strip_prefix(' ') {
        Some(written) => {
            names.insert(number.to_owned(), written.to_owned());
            Ok(written.to_owned())
        }
        None => names.get(number).cloned().with_context(|| format!("a name {number} before its use")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_each_function_s_own() {
        let text = "positions: line\nevents: Ir Dr I1mr\n\nfl=(1) a.rs\nfn=(1) parse\n16 400 9 3\n+2 20\ncfn=(2) write\n\
                    calls=1 50\n16 700 9 9\nfi=(2) b.rs\n* 4 0 1\nfn=(2)\n50 300 1 2\nfn=(1)\n-3 1\n";
        let expected = [("parse", 425, 4), ("write", 300, 2)];
        let expected = expected.map(|(name, instructions, lines)| (name.to_owned(), Cost { instructions, lines }));
        assert_eq!(read(text).unwrap(), BTreeMap::from(expected));
    }
}
