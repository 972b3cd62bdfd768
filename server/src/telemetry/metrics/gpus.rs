//! What the GPUs do, as NVIDIA's management library tells.

use super::{gauge_vec, int_gauge_vec};
use crate::app::App;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device as NvmlDevice, Nvml};
use prometheus::{GaugeVec, IntGaugeVec, Registry};
use std::sync::OnceLock;

/// The name of the library, found where the driver's is.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// Read from the library when somebody scrapes. Where there is no GPU, or no library, there are no series.
pub struct GpuGauges {
    library: OnceLock<Option<Nvml>>,
    utilization: GaugeVec,
    memory_used: IntGaugeVec,
    memory: IntGaugeVec,
    power: GaugeVec,
    temperature: GaugeVec,
}

impl GpuGauges {
    /// None yet.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(r: &Registry) -> prometheus::Result<Self> {
        let labels = &["device", "name"];
        Ok(Self {
            library: OnceLock::new(),
            utilization: gauge_vec(
                r,
                "servoir_gpu_utilization_ratio",
                "Share of the last moment in which a kernel ran.",
                labels,
            )?,
            memory_used: int_gauge_vec(
                r,
                "servoir_gpu_memory_used_bytes",
                "Memory of the GPU in use, by whomever.",
                labels,
            )?,
            memory: int_gauge_vec(r, "servoir_gpu_memory_bytes", "Memory of the GPU.", labels)?,
            power: gauge_vec(r, "servoir_gpu_power_watts", "Power that the GPU draws.", labels)?,
            temperature: gauge_vec(r, "servoir_gpu_temperature_celsius", "Temperature of the GPU.", labels)?,
        })
    }

    /// Asks the library about the GPUs that models can run on. What it does not tell of a GPU has no series.
    pub fn read(&self, app: &App) {
        let gpus = app.engines.gpus();
        if gpus.iter().next().is_none() {
            return;
        }
        let open = || Nvml::builder().lib_path(LIBRARY.as_ref()).init();
        let said = |error: NvmlError| tracing::warn!(%error, "GPUs' utilization and power cannot be read");
        let Some(library) = self.library.get_or_init(|| open().map_err(said).ok()) else { return };
        // What is not told any more has no series.
        [&self.utilization, &self.power, &self.temperature].into_iter().for_each(GaugeVec::reset);
        [&self.memory_used, &self.memory].into_iter().for_each(IntGaugeVec::reset);
        for gpu in gpus.iter() {
            // The driver may number GPUs otherwise than the library does: the UUID is the same.
            let device = library.device_by_uuid(gpu.info().uuid.as_str());
            let _of_no_device = device.map(|device| self.show(&device, (&gpu.device().to_string(), &gpu.info().name)));
        }
    }

    fn show(&self, device: &NvmlDevice<'_>, (id, name): (&str, &str)) {
        let labels = &[id, name];
        if let Ok(rates) = device.utilization_rates() {
            self.utilization.with_label_values(labels).set(f64::from(rates.gpu) / 100.0);
        }
        if let Ok(memory) = device.memory_info() {
            let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            self.memory_used.with_label_values(labels).set(whole(memory.used));
            self.memory.with_label_values(labels).set(whole(memory.total));
        }
        if let Ok(milliwatts) = device.power_usage() {
            self.power.with_label_values(labels).set(f64::from(milliwatts) / 1e3);
        }
        if let Ok(degrees) = device.temperature(nvml_wrapper::enum_wrappers::device::TemperatureSensor::Gpu) {
            self.temperature.with_label_values(labels).set(f64::from(degrees));
        }
    }
}
