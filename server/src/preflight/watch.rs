//! Whether a child hangs.

use servoir_child::cpu_time;
use std::time::Duration;

/// How often is looked within the time that a child may do nothing.
const LOOKS: u32 = 10;

/// How long a child is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// While it uses no processor time. Where the system does not tell how much that is, in all.
    pub idle: Duration,
    /// However it goes on.
    pub longest: Duration,
}

/// For how long a child was waited for that hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hung {
    /// It has used no processor time for so long.
    Idle(Duration),
    /// It used some, and had not ended after so long.
    Endless(Duration),
}

/// Ends when a child hangs. One that works does not, however slowly: what comes before it may leave it little of the processor.
pub(super) async fn hung(pid: u32, patience: Patience) -> Hung {
    let mut looks = Looks::from(patience, cpu_time(pid));
    loop {
        tokio::time::sleep(looks.between).await;
        if let Some(hung) = looks.find_hung(cpu_time(pid)) {
            return hung;
        }
    }
}

/// Looks at what a child has used of the processor, one after another. Time is what lies between them by plan, and not by the
/// clock: a machine that stands still for an hour, the child and this with it, is one look late and no more.
struct Looks {
    patience: Patience,
    /// What lies between two looks.
    between: Duration,
    /// What the child had used by the last one.
    used: Option<Duration>,
    /// For how long it has used nothing.
    idle: Duration,
    /// For how long it is looked at.
    watched: Duration,
}

impl Looks {
    /// The first one.
    fn from(patience: Patience, used: Option<Duration>) -> Self {
        let between = patience.idle.min(patience.longest) / LOOKS;
        Self { patience, between, used, idle: Duration::ZERO, watched: Duration::ZERO }
    }

    /// Another one: whether the child hangs.
    fn find_hung(&mut self, used: Option<Duration>) -> Option<Hung> {
        self.watched += self.between;
        self.idle = if used == self.used { self.idle + self.between } else { Duration::ZERO };
        self.used = used;
        let Patience { idle, longest } = self.patience;
        if self.idle >= idle {
            Some(Hung::Idle(idle))
        } else if self.watched >= longest {
            Some(Hung::Endless(longest))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { idle: Duration::from_secs(10), longest: Duration::from_secs(40) };

    /// How many looks it takes until a child hangs that has used so many seconds by each of them, and how it does.
    fn looks_at(used: impl Fn(u32) -> Option<u32>) -> Option<(u32, Hung)> {
        let used = |look| used(look).map(|seconds| Duration::from_secs(seconds.into()));
        let mut looks = Looks::from(PATIENCE, used(0));
        (1..100).find_map(|look| Some((look, looks.find_hung(used(look))?)))
    }

    #[test]
    fn who_uses_nothing_look_after_look_is_idle_and_who_uses_some_is_not() {
        let (idle, endless) = (Hung::Idle(PATIENCE.idle), Hung::Endless(PATIENCE.longest));
        assert_eq!(looks_at(|_| Some(3)), Some((10, idle)));
        assert_eq!(looks_at(|_| None), Some((10, idle)), "the system does not tell");
        assert_eq!(looks_at(Some), Some((40, endless)));
        assert_eq!(looks_at(|look| Some(look / 9)), Some((40, endless)), "it works now and then");
        assert_eq!(looks_at(|look| Some(look.min(7))), Some((17, idle)), "it works no more");
        assert_eq!(looks_at(|look| (look > 5).then_some(1)), Some((16, idle)), "the system tells at last");
    }
}
