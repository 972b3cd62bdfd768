//! What the way in which a process ended tells.

use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// `SIGABRT`.
pub(crate) const ABORTED: i32 = Signal::ABORT.as_raw();

/// Shells and programs that contain others end with this and the signal's number when what they ran was ended by a signal.
const BY_SIGNAL: i32 = 128;

/// The signals that a process brings upon itself.
const OWN: [(Signal, &str); 7] = [
    (Signal::SEGV, "SIGSEGV"),
    (Signal::ABORT, "SIGABRT"),
    (Signal::BUS, "SIGBUS"),
    (Signal::ILL, "SIGILL"),
    (Signal::FPE, "SIGFPE"),
    (Signal::TRAP, "SIGTRAP"),
    (Signal::SYS, "SIGSYS"),
];

/// The signals that others send.
const OTHERS: [(Signal, &str); 5] = [
    (Signal::KILL, "SIGKILL"),
    (Signal::TERM, "SIGTERM"),
    (Signal::INT, "SIGINT"),
    (Signal::HUP, "SIGHUP"),
    (Signal::XCPU, "SIGXCPU"),
];

/// The signal that ended a process, also when a program in between passes it on as its exit code.
pub fn signal(status: ExitStatus) -> Option<i32> {
    let passed_on = || status.code().filter(|code| signal_name(code - BY_SIGNAL).is_some());
    status.signal().or_else(|| passed_on().map(|code| code - BY_SIGNAL))
}

/// `SIGSEGV` and so on; `None` for a signal that ends no process here.
pub fn signal_name(signal: i32) -> Option<&'static str> {
    OWN.iter().chain(&OTHERS).find(|(known, _)| known.as_raw() == signal).map(|(_, name)| *name)
}

/// Whether a process brings this signal upon itself, by what it does.
pub fn is_own(signal: i32) -> bool {
    OWN.iter().any(|(known, _)| known.as_raw() == signal)
}

/// Whether this is the signal of a process that has used up its processor time.
pub fn is_cpu_used_up(signal: i32) -> bool {
    signal == Signal::XCPU.as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_and_told_apart() {
        assert_eq!(signal_name(11), Some("SIGSEGV"));
        assert_eq!((is_own(11), is_own(6), is_own(9), is_own(15)), (true, true, false, false));
        assert_eq!((signal_name(0), signal_name(-117), signal_name(4000)), (None, None, None));
        assert!(is_cpu_used_up(24) && !is_cpu_used_up(9) && !is_own(24));
    }

    #[test]
    fn a_signal_is_found_behind_an_exit_code() {
        for (status, expected) in [
            (ExitStatus::from_raw(11), Some(11)),
            (ExitStatus::from_raw((128 + 11) << 8), Some(11)),
            (ExitStatus::from_raw((128 + 9) << 8), Some(9)),
            (ExitStatus::from_raw(0), None),
            (ExitStatus::from_raw(2 << 8), None),
            (ExitStatus::from_raw(255 << 8), None),
        ] {
            assert_eq!(signal(status), expected, "{status}");
        }
    }
}
