//! Whether a child hangs.

use servoir_child::cpu_time;
use std::time::Duration;
use tokio::time::Instant;

/// How often is looked within the time that a child may do nothing.
const LOOKS: u32 = 10;

/// How long a child is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// While it uses no processor time. Where the system does not tell how much that is, by the clock.
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
    let begun = Instant::now();
    let (mut used, mut since) = (cpu_time(pid), begun);
    loop {
        tokio::time::sleep(patience.idle.min(patience.longest) / LOOKS).await;
        let now = cpu_time(pid);
        if now != used {
            (used, since) = (now, Instant::now());
        }
        if since.elapsed() >= patience.idle {
            return Hung::Idle(patience.idle);
        }
        if begun.elapsed() >= patience.longest {
            return Hung::Endless(patience.longest);
        }
    }
}
