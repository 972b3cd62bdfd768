//! File descriptors: how many this process may have open, and how many of them may be connections.

use crate::data_threads::DESCRIPTORS_PER_THREAD;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections leave to everything else, if the limit has as many to spare: the database's connections, model
/// files and uploads, pipes to children.
const OTHERS: u64 = 1024;

/// Raises this process's limit as far as the system lets it, because the usual one is made for programs with a few files, and
/// says how many connections may be open on `threads` threads of their own: `wanted`, or as many as the limit has room for.
pub fn connections_max(wanted: usize, threads: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let room = limit.current.map_or(wanted, |limit| room(limit, threads));
    if room < wanted {
        tracing::warn!(
            files_max = limit.current,
            "limits.connections_max is {wanted}, and this process may open no more files than make {room} connections: raise \
             its limit (ulimit -n, LimitNOFILE)"
        );
    }
    wanted.min(room)
}

/// The connections that a limit of so many descriptors has room for, when they live on so many threads: a machine with many cores
/// has many pollers before there is any connection.
fn room(descriptors: u64, threads: usize) -> usize {
    let pollers = u64::try_from(threads).unwrap_or(u64::MAX).saturating_mul(DESCRIPTORS_PER_THREAD);
    let free = descriptors.saturating_sub(pollers);
    let room = free - OTHERS.min(free / 2);
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        for (descriptors, threads, connections) in [
            (0, 1, 1),
            (1, 1, 1),
            (260, 1, 128),
            (256 + 4 * 64, 64, 128),
            (256, 64, 1),
            (1024, 24, 464),
            (2048 + 4 * 8, 8, 1024),
            (20_000, 0, 18_976),
            (1024, usize::MAX, 1),
        ] {
            assert_eq!(room(descriptors, threads), connections, "{descriptors} for {threads} threads");
        }
    }

    #[test]
    fn what_is_wanted_is_given_when_there_is_room() {
        assert_eq!(connections_max(7, 1), 7);
    }
}
