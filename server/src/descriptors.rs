//! File descriptors: how many this process may have open, and how many of them may be connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections leave to everything else, if the limit has as many to spare: the database's connections, model
/// files and uploads, pipes to children, pollers.
const OTHERS: u64 = 1024;

/// Raises this process's limit as far as the system lets it, because the usual one is made for programs with a few files, and
/// says how many connections may be open: `wanted`, or as many as the limit has room for.
pub fn connections_max(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let room = limit.current.map_or(wanted, room);
    if room < wanted {
        tracing::warn!(
            files_max = limit.current,
            "limits.connections_max is {wanted}, and this process may open no more files than make {room} connections: raise \
             its limit (ulimit -n, LimitNOFILE)"
        );
    }
    wanted.min(room)
}

/// The connections that a limit of so many descriptors has room for.
fn room(descriptors: u64) -> usize {
    let room = descriptors - OTHERS.min(descriptors / 2);
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        for (descriptors, connections) in [(0, 1), (1, 1), (256, 128), (1024, 512), (2048, 1024), (20_000, 18_976)] {
            assert_eq!(room(descriptors), connections, "{descriptors}");
        }
    }

    #[test]
    fn what_is_wanted_is_given_when_there_is_room() {
        assert_eq!(connections_max(7), 7);
    }
}
