//! The moment at which the next request of an open loop is due. Poll counts milliseconds; Linux has timers that are files
//! and count nanoseconds. Elsewhere requests are sent up to a millisecond late, and their latency says so.

use anyhow::Result;
use mio::{Registry, Token};
use std::time::Duration;

#[cfg(target_os = "linux")]
mod file {
    use super::{Duration, Registry, Result, Token};
    use mio::{Interest, unix::SourceFd};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use std::os::fd::{AsRawFd as _, OwnedFd};

    /// A timer that wakes the poll it is registered with.
    pub struct Timer(OwnedFd);

    impl Timer {
        /// A timer that the registry reports as `token`.
        pub fn new(registry: &Registry, token: Token) -> Result<Self> {
            let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Self(timer))
        }

        /// Wakes the poll after `wait`, once.
        pub fn set(&self, wait: Duration) -> Result<()> {
            let it_value = Timespec::try_from(wait.max(Duration::from_nanos(1)))?;
            let once = Itimerspec { it_interval: Timespec::default(), it_value };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod file {
    use super::{Duration, Registry, Result, Token};

    /// No timer: the poll's own limit has to do.
    pub struct Timer;

    impl Timer {
        /// Nothing.
        pub fn new(_: &Registry, _: Token) -> Result<Self> {
            Ok(Self)
        }

        /// Nothing.
        pub fn set(&self, _: Duration) -> Result<()> {
            Ok(())
        }
    }
}

pub use file::Timer;
