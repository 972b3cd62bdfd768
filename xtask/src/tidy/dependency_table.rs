//! The table of crates in ARCHITECTURE.md, and where the manifests leave it.
//!
//! `| crate | may depend on | owns, alone |`: the first cell names one or more crates in backticks, the second crates of
//! the workspace, or "any", or "all of the above"; the third names in backticks the packages that nobody else may use.
//! A row that says "(to come)" stands for a crate that does not exist yet.

use std::collections::{BTreeMap, BTreeSet};

use super::manifests::Crate;
use super::{ARCHITECTURE, Problem};

const TO_COME: &str = "(to come)";

/// The rule that the table states.
#[derive(Debug, Default)]
pub struct DependencyTable {
    rows: BTreeMap<String, Row>,
}

#[derive(Debug, Clone)]
struct Row {
    may_use: MayUse,
    owns: Vec<String>,
    to_come: bool,
}

#[derive(Debug, Clone)]
enum MayUse {
    Any,
    Only(BTreeSet<String>),
}

/// Reads the first table whose header begins with `crate`.
pub fn parse(document: &str) -> Result<DependencyTable, String> {
    let mut lines = document.lines().skip_while(|line| cells(line).first().is_none_or(|cell| cell != "crate"));
    let header = lines.next().ok_or("has no table that begins with `| crate | may depend on | owns, alone |`")?;
    let columns = cells(header).len();
    let mut table = DependencyTable::default();
    for line in lines.take_while(|line| line.trim_start().starts_with('|')) {
        let row = cells(line);
        if row.len() != columns || columns < 3 {
            return Err(format!("the row {line:?} of the crate table has {} cells, expected {columns}", row.len()));
        }
        if row[0].chars().all(|letter| "-: ".contains(letter)) {
            continue;
        }
        table.add(&row)?;
    }
    if table.rows.is_empty() { Err("the crate table has no rows".to_owned()) } else { Ok(table) }
}

fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line.trim().strip_prefix('|') else {
        return Vec::new();
    };
    inner.strip_suffix('|').unwrap_or(inner).split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// The words of a cell that stand in backticks.
fn code_words(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

impl DependencyTable {
    fn add(&mut self, row: &[String]) -> Result<(), String> {
        // What a crate holds stands in brackets after its name and is no crate.
        let named = row[0].split(" (").next().unwrap_or_default();
        let names = code_words(named);
        if names.is_empty() {
            return Err(format!("the cell {:?} of the crate table names no crate in backticks", row[0]));
        }
        let may_use = match row[1].replace('`', "").as_str() {
            "any" => MayUse::Any,
            "all of the above" => MayUse::Only(self.rows.keys().cloned().collect()),
            listed => {
                let words = listed.split(',').map(str::trim).filter(|word| !word.is_empty());
                MayUse::Only(words.map(str::to_owned).collect())
            }
        };
        let to_come = row.iter().any(|cell| cell.contains(TO_COME));
        let row = Row { may_use, owns: code_words(&row[2]), to_come };
        for name in names {
            self.rows.insert(name, row.clone());
        }
        Ok(())
    }

    /// Where the manifests go beyond the table, or the two name different crates.
    pub fn problems(&self, crates: &[Crate]) -> Vec<Problem> {
        let mut found = self.unknown_names(crates);
        for one in crates {
            if let Some(row) = self.rows.get(&one.folder) {
                found.extend(foreign_edges(one, row, crates));
                found.extend(self.borrowed(one, row));
            }
        }
        found
    }

    fn unknown_names(&self, crates: &[Crate]) -> Vec<Problem> {
        let mut found = Vec::new();
        for one in crates.iter().filter(|one| !self.rows.contains_key(&one.folder)) {
            found.push(Problem::in_file(ARCHITECTURE, format!("the crate table has no row for `{}`", one.folder)));
        }
        for (name, row) in &self.rows {
            let exists = crates.iter().any(|one| one.folder == *name);
            if !exists && !row.to_come {
                let message = format!("`{name}` is in the crate table and not in the workspace; say {TO_COME}");
                found.push(Problem::in_file(ARCHITECTURE, message));
            }
            if exists && row.to_come {
                found.push(Problem::in_file(ARCHITECTURE, format!("`{name}` is there, its row still says {TO_COME}")));
            }
            let MayUse::Only(used) = &row.may_use else { continue };
            for other in used.iter().filter(|other| !self.rows.contains_key(*other)) {
                found.push(Problem::in_file(ARCHITECTURE, format!("`{name}` may use `{other}`, which has no row")));
            }
        }
        found
    }

    /// Packages that another crate owns. A crate that may use any crate may use any package.
    fn borrowed(&self, one: &Crate, row: &Row) -> Vec<Problem> {
        if matches!(row.may_use, MayUse::Any) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (owner, owned) in self.rows.iter().filter(|(owner, _)| **owner != one.folder) {
            for package in owned.owns.iter().filter(|package| one.dependencies.contains(*package)) {
                let message = format!("uses `{package}`, which is `{owner}`'s alone");
                found.push(Problem::in_file(&format!("{}/Cargo.toml", one.folder), message));
            }
        }
        found
    }
}

fn foreign_edges(one: &Crate, row: &Row, crates: &[Crate]) -> Vec<Problem> {
    let MayUse::Only(allowed) = &row.may_use else {
        return Vec::new();
    };
    let used = crates.iter().filter(|other| other.folder != one.folder && one.dependencies.contains(&other.package));
    let foreign = used.filter(|other| !allowed.contains(&other.folder));
    foreign
        .map(|other| {
            let message = format!("depends on `{}`, which {ARCHITECTURE} does not allow", other.folder);
            Problem::in_file(&format!("{}/Cargo.toml", one.folder), message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "text\n\n| crate | may depend on | owns, alone |\n|---|---|---|\n\
        | `types` (names, `ids`) | | |\n\
        | `kernels` (to come) | | `cudarc` |\n\
        | `runtime` | types, kernels | `ort` |\n\
        | `server` (the `servoir` binary) | all of the above | `hyper`, words |\n\
        | `tests`, `xtask` | any | |\n\nmore";

    fn member(folder: &str, dependencies: &[&str]) -> Crate {
        Crate {
            folder: folder.to_owned(),
            package: format!("servoir-{folder}"),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn sound() -> Vec<Crate> {
        vec![
            member("types", &["serde"]),
            member("runtime", &["servoir-types", "ort"]),
            member("server", &["servoir-types", "servoir-runtime", "hyper"]),
            member("tests", &["servoir-server", "ort", "hyper"]),
            member("xtask", &[]),
        ]
    }

    #[test]
    fn each_way_to_leave_the_table_is_one_problem() {
        let rows: [(&str, Crate, &str); 4] = [
            ("an edge", member("types", &["servoir-runtime"]), "depends on `runtime`"),
            ("an upward edge", member("runtime", &["servoir-server"]), "depends on `server`"),
            ("a borrowed package", member("types", &["ort"]), "uses `ort`, which is `runtime`'s alone"),
            ("a package of a crate to come", member("server", &["cudarc"]), "`kernels`'s alone"),
        ];
        let table = parse(TABLE).unwrap();
        assert_eq!(table.problems(&sound()), []);
        for (what, broken, want) in rows {
            let mut crates = sound();
            crates.retain(|one| one.folder != broken.folder);
            crates.push(broken);
            let got = table.problems(&crates);
            assert_eq!(got.len(), 1, "{what}: {got:?}");
            assert!(got[0].message.contains(want), "{what}: {got:?}");
        }
    }

    #[test]
    fn the_table_and_the_workspace_name_the_same_crates() {
        let table = parse(TABLE).unwrap();
        let rows: [(&str, Vec<Crate>, &str); 3] = [
            ("no row", [sound(), vec![member("extra", &[])]].concat(), "no row for `extra`"),
            ("no crate", sound().into_iter().skip(1).collect(), "`types` is in the crate table"),
            ("come", [sound(), vec![member("kernels", &[])]].concat(), "`kernels` is there"),
        ];
        for (what, crates, want) in rows {
            let got = table.problems(&crates);
            assert_eq!(got.len(), 1, "{what}: {got:?}");
            assert!(got[0].message.contains(want), "{what}: {got:?}");
        }
    }

    #[test]
    fn a_table_that_cannot_be_read_says_why() {
        let rows = [
            ("no table", "has no table"),
            ("| crate | may depend on | owns, alone |\n|---|---|---|\n", "no rows"),
            ("| crate | may depend on | owns, alone |\n| `types` | |\n", "has 2 cells, expected 3"),
            ("| crate | may depend on | owns, alone |\n| types | | |\n", "names no crate"),
        ];
        for (document, want) in rows {
            let error = parse(document).unwrap_err();
            assert!(error.contains(want), "{document:?}: {error}");
        }
        let stray = parse("| crate | may depend on | owns |\n| `types` | nowhere | |\n").unwrap();
        assert!(stray.problems(&[member("types", &[])])[0].message.contains("has no row"));
    }
}
