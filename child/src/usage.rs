//! How much of the processor and of memory a process uses.

use std::time::Duration;

/// A clock tick is 1/100 s on every Linux that Servoir is built for (`getconf CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// The processor time of a process and all its threads so far, from `/proc` (proc(5)); `None` where there is none, or no such
/// process any more.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().ok());
    Some(TICK.saturating_mul(ticks.sum::<Option<u32>>()?))
}

/// The memory of a process that is resident, from `/proc` (proc(5)); `None` where there is none, or no such process any more. In kibibytes
/// there: `statm`, which is shorter, counts pages, and those are of 4, 16 or 64 KiB.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    kibibytes.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_shows_and_who_is_not_there_has_done_none() {
        let own = || cpu_time(std::process::id()).unwrap();
        let before = own();
        while own() < before + 3 * TICK {}
        assert_eq!(cpu_time(u32::MAX), None);
    }

    #[test]
    fn memory_that_is_written_is_resident() {
        const MORE: u64 = 64 << 20;
        let own = || resident_bytes(std::process::id()).unwrap();
        let before = own();
        let written = std::hint::black_box(vec![1_u8; MORE as usize]);
        let after = own();
        assert!(
            after > before + MORE / 2 && after < before + 4 * MORE,
            "{before}, {after} with {} more",
            written.len()
        );
        assert_eq!(resident_bytes(u32::MAX), None);
    }
}
