//! What the processor and the memory of this machine are, as Linux tells; elsewhere only the number of cores is known.

use std::num::NonZero;

/// The machine's processor and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name, when the system tells it.
    pub name: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in all.
    pub memory_bytes: Option<u64>,
    /// Memory that can be had without swapping.
    pub memory_free_bytes: Option<u64>,
}

impl Machine {
    /// Asks the system.
    pub async fn inspect() -> Self {
        let cpuinfo = tokio::fs::read_to_string("/proc/cpuinfo").await.unwrap_or_default();
        let meminfo = tokio::fs::read_to_string("/proc/meminfo").await.unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::read(&cpuinfo, &meminfo, cores)
    }

    fn read(cpuinfo: &str, meminfo: &str, cores: usize) -> Self {
        let kibibytes = |name| field(meminfo, name)?.strip_suffix(" kB")?.trim().parse::<u64>().ok();
        Self {
            name: field(cpuinfo, "model name").map(str::to_owned),
            cores,
            memory_bytes: kibibytes("MemTotal").map(|kibibytes| kibibytes * 1024),
            memory_free_bytes: kibibytes("MemAvailable").map(|kibibytes| kibibytes * 1024),
        }
    }
}

/// The value of the first `name : value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_words_are_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Example CPU @ 2.0GHz\nflags : a b\n\nmodel name\t: other\n";
        let meminfo = "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n";
        let machine = Machine::read(cpuinfo, meminfo, 4);
        assert_eq!(machine.name.as_deref(), Some("Example CPU @ 2.0GHz"));
        assert_eq!((machine.memory_bytes, machine.memory_free_bytes), (Some(16 << 20), Some(8 << 20)));
        let unknown = Machine { name: None, cores: 4, memory_bytes: None, memory_free_bytes: None };
        assert_eq!(Machine::read("", "MemTotal: lots", 4), unknown);
    }
}
