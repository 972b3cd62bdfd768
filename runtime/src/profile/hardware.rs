//! What makes a measurement another machine's.

use crate::engine::Engines;
use servoir_kernels::Tier;
use servoir_kernels::cuda::DeviceInfo;

/// Raised whenever what is measured, or how, changes.
const FORMAT: u32 = 2;

/// The machine and the engines, as far as they decide what a model costs: processor, cores, instructions, versions.
pub fn fingerprint(engines: &Engines) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let gpus: String = engines.gpus().iter().map(|each| gpu(each.info())).collect();
    let engines: Vec<String> = engines
        .found()
        .into_iter()
        .filter_map(|status| Some(format!("{} {}", status.name.as_str(), status.state.ok()?)))
        .collect();
    let (processor, tier) = (processor(), Tier::best().as_str());
    format!("profile {FORMAT}; {processor}; {cores} cores; {tier}; {}{gpus}", engines.join("; "))
}

/// A GPU and its driver, which has a part in what runs cost.
fn gpu(info: &DeviceInfo) -> String {
    format!("; {} with CUDA {}", info.name, info.driver)
}

/// The processor's name, or its architecture where the system does not tell.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
