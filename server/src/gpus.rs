//! The machine's GPUs, as the configuration has them looked for.

use crate::config::Config;
use servoir_runtime::{Engines, GpuOptions};

/// The engines with the GPUs of this machine, unless the configuration leaves them alone. Blocking.
pub fn look_for(engines: Engines, config: &Config) -> Engines {
    let cuda = &config.cuda;
    if !cuda.enabled {
        return engines.without_gpus("`cuda.enabled` is false");
    }
    engines.with_gpus(&GpuOptions {
        libraries: cuda.libraries.clone(),
        cache: Some(config.data_dir.join("kernels")),
        arena_bytes_max: (cuda.arena_bytes_max > 0).then_some(cuda.arena_bytes_max),
        tf32: cuda.tf32,
        cpu_nodes: cuda.cpu_nodes,
    })
}
