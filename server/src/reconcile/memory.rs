//! How much memory each version takes that is loaded here, and that all of them together stay within the budget.

use crate::error::ApiError;
use servoir_runtime::{Deployment, EngineName, Identity};
use servoir_types::Kind;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Of a version that was not tried in a child, so many times the bytes of its file stand for the memory that it takes.
const FILE_FACTOR: u64 = 3;
/// The most versions that a refusal names.
const NAMED_MAX: usize = 8;

/// What the versions in memory take, and those that are on their way there.
#[derive(Default)]
pub struct Memory(Mutex<Vec<Taken>>);

/// What a version takes.
struct Taken {
    organization: String,
    identity: Identity,
    /// With one session.
    bytes: u64,
    by: By,
}

enum By {
    /// A load that goes on.
    Load(Arc<()>),
    /// For as long as it is in memory.
    Deployment(Weak<Deployment>),
}

/// Room for a version that is being loaded, until this is dropped or taken.
pub struct Room<'a> {
    memory: &'a Memory,
    load: Arc<()>,
}

/// A version for which there is no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRoom {
    /// Which.
    pub identity: Identity,
    /// What it takes.
    pub bytes: u64,
    /// What all may take.
    pub bytes_max: u64,
    /// What the others take.
    pub held: u64,
    /// Of the caller's organization, the most first.
    pub holders: Vec<(Identity, u64)>,
}

impl Memory {
    /// Room for a version that is expected to take so many bytes, when all may take `bytes_max`; 0: any number.
    ///
    /// # Errors
    /// [`NoRoom`], with who takes how much.
    pub fn room(
        &self,
        (organization, identity): (&str, &Identity),
        bytes: u64,
        bytes_max: u64,
    ) -> Result<Room<'_>, NoRoom> {
        let mut all = self.lock();
        all.retain(Taken::is_there);
        fits(&all, (organization, identity), bytes, bytes_max)?;
        let load = Arc::new(());
        let by = By::Load(Arc::clone(&load));
        all.push(Taken { organization: organization.to_owned(), identity: identity.clone(), bytes, by });
        Ok(Room { memory: self, load })
    }

    /// Whether there is room for so many bytes more.
    pub fn has_room(&self, bytes: u64, bytes_max: u64) -> bool {
        bytes_max == 0 || bytes <= bytes_max.saturating_sub(self.lock().iter().map(Taken::now).sum())
    }

    /// What a version in memory takes now; `None` when that is not known here.
    pub fn of(&self, deployment: &Deployment) -> Option<u64> {
        self.lock().iter().find(|taken| taken.is_of(deployment)).map(Taken::now)
    }

    /// What a version takes when it is awake.
    pub fn awake(&self, deployment: &Deployment) -> u64 {
        let all = self.lock();
        let taken = all.iter().find(|taken| taken.is_of(deployment));
        taken.map_or(0, |taken| estimate(taken.bytes, (deployment.engine(), deployment.options().instances.max(1))))
    }

    /// What one more session of a version takes.
    pub fn of_session(&self, deployment: &Deployment) -> u64 {
        let all = self.lock();
        let taken = all.iter().find(|taken| taken.is_of(deployment));
        taken.map_or(0, |taken| if deployment.engine().copies_weights() { taken.bytes } else { 0 })
    }

    /// Every version in memory, and what it takes now.
    pub fn all(&self) -> Vec<(Identity, u64)> {
        let all = self.lock();
        let there = all.iter().filter(|taken| matches!(&taken.by, By::Deployment(one) if one.strong_count() > 0));
        there.map(|taken| (taken.identity.clone(), taken.now())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room<'_> {
    /// The version is in memory, and takes so many bytes with one session.
    ///
    /// # Errors
    /// [`NoRoom`] when that is more than was expected, and all together now take more than `bytes_max`.
    pub fn take(self, deployment: &Arc<Deployment>, bytes: u64, bytes_max: u64) -> Result<(), NoRoom> {
        let mut all = self.memory.lock();
        let Some(place) = all.iter().position(|taken| taken.is_by(&self.load)) else { return Ok(()) };
        let mut taken = all.swap_remove(place);
        (taken.bytes, taken.by) = (bytes, By::Deployment(Arc::downgrade(deployment)));
        fits(&all, (&taken.organization, &taken.identity), taken.now(), bytes_max)?;
        all.push(taken);
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.memory.lock().retain(|taken| !taken.is_by(&self.load));
    }
}

/// Whether so many bytes more are within what all may take.
fn fits(all: &[Taken], (organization, identity): (&str, &Identity), bytes: u64, bytes_max: u64) -> Result<(), NoRoom> {
    let held = all.iter().map(Taken::now).sum();
    if bytes_max == 0 || bytes <= bytes_max.saturating_sub(held) {
        return Ok(());
    }
    let own = all.iter().filter(|taken| taken.organization == organization && taken.now() > 0);
    let mut holders: Vec<_> = own.map(|taken| (taken.identity.clone(), taken.now())).collect();
    holders.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Err(NoRoom { identity: identity.clone(), bytes, bytes_max, held, holders })
}

impl Taken {
    fn is_by(&self, load: &Arc<()>) -> bool {
        matches!(&self.by, By::Load(own) if Arc::ptr_eq(own, load))
    }

    fn is_of(&self, deployment: &Deployment) -> bool {
        matches!(&self.by, By::Deployment(one) if std::ptr::eq(one.as_ptr(), deployment))
    }

    fn is_there(&self) -> bool {
        match &self.by {
            By::Load(_) => true,
            By::Deployment(deployment) => deployment.strong_count() > 0,
        }
    }

    fn now(&self) -> u64 {
        match &self.by {
            By::Load(_) => self.bytes,
            By::Deployment(deployment) => deployment.upgrade().map_or(0, |one| {
                let sessions = one.sessions();
                estimate(self.bytes, (one.engine(), sessions))
            }),
        }
    }
}

/// What a version takes that takes `bytes` with one session, with so many.
pub fn estimate(bytes: u64, (engine, sessions): (EngineName, usize)) -> u64 {
    let copies = if engine.copies_weights() { sessions } else { sessions.min(1) };
    bytes.saturating_mul(copies as u64)
}

/// What stands for the memory of a version that was not measured, by the bytes of its file.
pub fn unmeasured(file_bytes: u64) -> u64 {
    file_bytes.saturating_mul(FILE_FACTOR)
}

impl From<NoRoom> for ApiError {
    fn from(no_room: NoRoom) -> Self {
        Self::new(Kind::NoMemory, "model-memory", no_room.to_string())
    }
}

impl std::error::Error for NoRoom {}

impl NoRoom {
    /// So much would have to go.
    pub fn missing(&self) -> u64 {
        self.bytes.saturating_sub(self.bytes_max.saturating_sub(self.held))
    }
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { name, version, .. } = &self.identity;
        let (bytes, bytes_max, held) = (mebibytes(self.bytes), mebibytes(self.bytes_max), mebibytes(self.held));
        write!(
            f,
            "version {version} of '{name}' takes {bytes} of memory, and of the {bytes_max} that models may take \
             ('models.memory_bytes_max') {held} are held"
        )?;
        for (index, (identity, bytes)) in self.holders.iter().take(NAMED_MAX).enumerate() {
            let before = if index == 0 { ": " } else { ", " };
            write!(f, "{before}'{}' version {} {}", identity.name, identity.version, mebibytes(*bytes))?;
        }
        match self.holders.len().saturating_sub(NAMED_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }?;
        f.write_str("; undeploy one of them, or let it sleep (autoscaling.minReplicas 0)")
    }
}

/// In MiB, with a tenth where that tells something.
fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 10.0 { format!("{mebibytes:.1} MiB") } else { format!("{mebibytes:.0} MiB") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::started::{model, start};
    use servoir_runtime::faulty::Faulty;

    fn identity(version: u64) -> Identity {
        Identity { model: model(), name: "m".to_owned(), version }
    }

    fn deployment(version: u64) -> Arc<Deployment> {
        start(version, Faulty::by_row(Ok))
    }

    #[test]
    fn loads_and_versions_share_the_budget_and_give_back_what_they_took() {
        let memory = Memory::default();
        let first = memory.room(("org", &identity(1)), 60, 100).expect("there is room");
        let refused = memory.room(("org", &identity(2)), 50, 100).err().expect("there is no room");
        assert_eq!((refused.held, refused.missing()), (60, 10));
        assert_eq!(refused.holders, [(identity(1), 60)]);
        // Another organization learns how much, and not who.
        let elsewhere = memory.room(("other", &identity(2)), 50, 100).err().expect("there is no room");
        assert_eq!((elsewhere.held, elsewhere.holders.len()), (60, 0));
        // What was measured is less than what was expected.
        let loaded = deployment(1);
        first.take(&loaded, 40, 100).expect("it fits");
        assert_eq!(memory.of(&loaded), Some(40));
        let failed = memory.room(("org", &identity(2)), 60, 100).expect("there is room");
        assert!(memory.room(("org", &identity(3)), 1, 100).is_err());
        drop(failed);
        assert!(memory.has_room(60, 100) && !memory.has_room(61, 100) && memory.has_room(61, 0));
        assert_eq!(memory.all(), [(identity(1), 40)]);
        let larger = memory.room(("org", &identity(4)), 60, 100).expect("there is room");
        let refused = larger.take(&deployment(4), 61, 100).expect_err("it is more than was expected");
        assert_eq!((refused.bytes, refused.held), (61, 40));
        drop(loaded);
        assert!(memory.room(("org", &identity(2)), 100, 100).is_ok());
        assert_eq!(memory.all(), []);
    }

    #[test]
    fn without_a_budget_there_is_always_room() {
        let memory = Memory::default();
        assert!(memory.room(("org", &identity(1)), u64::MAX, 0).is_ok());
    }

    #[test]
    fn only_some_engines_take_more_for_more_sessions() {
        for (engine, sessions, expected) in [
            (EngineName::OnnxRuntime, 3, 30),
            (EngineName::OnnxRuntime, 0, 0),
            (EngineName::Trees, 3, 10),
            (EngineName::Tract, 1, 10),
            (EngineName::Trees, 0, 0),
        ] {
            assert_eq!(estimate(10, (engine, sessions)), expected, "{engine:?} {sessions}");
        }
    }

    #[test]
    fn a_refusal_says_who_holds_what() {
        let holders = (1..=10).map(|version| (identity(version), 3 << 20)).collect();
        let told = NoRoom { identity: identity(11), bytes: 5 << 19, bytes_max: 100 << 20, held: 99 << 20, holders };
        let told = told.to_string();
        assert!(told.starts_with("version 11 of 'm' takes 2.5 MiB of memory, and of the 100 MiB that models may take"));
        assert!(told.contains("99 MiB are held: 'm' version 1 3.0 MiB, 'm' version 2 3.0 MiB"), "{told}");
        assert!(told.contains("'m' version 8 3.0 MiB and 2 more; undeploy"), "{told}");
    }
}
