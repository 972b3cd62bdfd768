//! What each crate of the workspace depends on, read from the manifests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// The tables of a manifest that name dependencies, at its top and below each `target`.
const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A member of the workspace.
#[derive(Debug, Clone)]
pub struct Crate {
    /// Its folder, which is what the architecture calls it.
    pub folder: String,
    /// The package's name, which is what other manifests call it.
    pub package: String,
    /// The packages it names, of every kind.
    pub dependencies: BTreeSet<String>,
}

/// Every member's manifest.
pub fn read(root: &Path) -> Result<Vec<Crate>> {
    let workspace = manifest(&root.join("Cargo.toml"))?;
    let members = workspace.get("workspace").and_then(|workspace| workspace.get("members")).and_then(Value::as_array);
    let folders = members.context("Cargo.toml has no workspace members")?.iter().filter_map(Value::as_str);
    folders.map(|folder| Ok(member(folder, &manifest(&root.join(folder).join("Cargo.toml"))?))).collect()
}

fn manifest(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    text.parse().with_context(|| format!("{} is not TOML", path.display()))
}

fn member(folder: &str, manifest: &Table) -> Crate {
    let package = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    let dependencies =
        tables.flat_map(|table| DEPENDENCY_TABLES.iter().filter_map(|kind| table.get(*kind)?.as_table()));
    Crate {
        folder: folder.to_owned(),
        package: package.unwrap_or(folder).to_owned(),
        dependencies: dependencies.flatten().map(|(name, value)| real_name(name, value)).collect(),
    }
}

/// A dependency may be renamed where it is named.
fn real_name(name: &str, value: &Value) -> String {
    value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_kind_are_seen_by_their_real_names() {
        let manifest: Table = r#"
            [package]
            name = "servoir-types"
            [dependencies]
            half.workspace = true
            db = { package = "sqlx", version = "1" }
            [dev-dependencies]
            tempfile = "3"
            [target.'cfg(unix)'.build-dependencies]
            cc = "1"
        "#
        .parse()
        .unwrap();
        let read = member("types", &manifest);
        assert_eq!(read.package, "servoir-types");
        assert_eq!(read.dependencies.iter().collect::<Vec<_>>(), ["cc", "half", "sqlx", "tempfile"]);
    }
}
