//! Where PostgreSQL's programs are, and as whom they can run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// Where Debian keeps each major version, out of the way of `PATH`.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// Accounts that can stand in for root, whom PostgreSQL refuses to serve.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];

/// The programs of one PostgreSQL version.
pub struct Programs {
    /// The folder that holds `initdb`, `postgres` and `pg_ctl`.
    pub folder: PathBuf,
    user: Option<&'static str>,
}

impl Programs {
    /// Finds PostgreSQL, or installs it where that is possible.
    pub fn ready() -> Result<Self> {
        let folder = match installed() {
            Some(folder) => folder,
            None => {
                process::install_packages(&["postgresql"], "PostgreSQL, which the tests need,")?;
                match installed() {
                    Some(folder) => folder,
                    None => {
                        bail!("initdb is neither on PATH nor below {DEBIAN_VERSIONS}, though postgresql was installed")
                    }
                }
            }
        };
        Ok(Self { folder, user: unprivileged_user()? })
    }

    /// One of the programs, as a user that PostgreSQL accepts.
    pub fn command(&self, program: &str) -> Command {
        self.as_user(&self.folder.join(program))
    }

    /// Any program, as that user.
    pub fn as_user(&self, program: &Path) -> Command {
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
        };
        // The working directory need not be one that this user may enter.
        command.current_dir("/");
        command
    }

    /// Gives the folder to that user, and says whether the user can reach it.
    pub fn can_own(&self, folder: &Path) -> bool {
        let Some(user) = self.user else { return true };
        process::succeeds(Command::new("chown").arg(user).arg(folder))
            && process::succeeds(self.as_user(Path::new("test")).arg("-w").arg(folder))
    }
}

fn unprivileged_user() -> Result<Option<&'static str>> {
    if !process::is_root() {
        return Ok(None);
    }
    let exists = |user: &&str| process::succeeds(Command::new("id").arg(user));
    match UNPRIVILEGED_USERS.into_iter().find(exists) {
        Some(user) => Ok(Some(user)),
        None => bail!("PostgreSQL does not run as root, and there is no user {}", UNPRIVILEGED_USERS.join(" or ")),
    }
}

fn installed() -> Option<PathBuf> {
    let on_path = process::on_path("initdb").and_then(|file| file.parent().map(Path::to_path_buf));
    on_path.filter(|folder| is_complete(folder)).or_else(|| newest_below(Path::new(DEBIAN_VERSIONS)))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl"].iter().all(|program| folder.join(program).is_file())
}

/// The `bin` folder of the highest version; the folders are named by their major version.
fn newest_below(versions: &Path) -> Option<PathBuf> {
    let found = fs::read_dir(versions).ok()?.filter_map(|entry| {
        let folder = entry.ok()?;
        let version: u32 = folder.file_name().to_str()?.parse().ok()?;
        Some((version, folder.path().join("bin")))
    });
    found.filter(|(_, folder)| is_complete(folder)).max().map(|(_, folder)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_complete_version_is_taken() {
        let versions = tempfile::tempdir().unwrap();
        let rows = [("9", true), ("15", true), ("17", false), ("misc", true)];
        for (version, complete) in rows {
            let folder = versions.path().join(version).join("bin");
            fs::create_dir_all(&folder).unwrap();
            for program in if complete { &["initdb", "postgres", "pg_ctl"][..] } else { &["psql"] } {
                fs::write(folder.join(program), "").unwrap();
            }
        }
        assert_eq!(newest_below(versions.path()), Some(versions.path().join("15/bin")));
        assert_eq!(newest_below(&versions.path().join("nowhere")), None);
    }
}
