//! Where a model runs.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A processor that runs models: the machine's own, or one of its GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Device {
    /// The machine's own.
    #[default]
    Cpu,
    /// An NVIDIA GPU, by its number in the driver's order.
    Cuda(u32),
}

impl Device {
    /// Reads what it is shown as: `cpu`, `cuda:0`.
    pub fn from_text(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "cpu").then_some(Self::Cpu),
            // No sign, no leading zero: one way to write each.
            Some(("cuda", number)) => {
                let ordinal = number.parse().ok()?;
                (Self::Cuda(ordinal).to_string() == text).then_some(Self::Cuda(ordinal))
            }
            Some(_) => None,
        }
    }

    /// Whether it is one of the machine's GPUs.
    pub const fn is_gpu(self) -> bool {
        matches!(self, Self::Cuda(_))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text)
            .ok_or_else(|| de::Error::custom(format!("'{text}' is no device; expected cpu or cuda:0")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_as_it_is_shown() {
        for (text, device) in [("cpu", Device::Cpu), ("cuda:0", Device::Cuda(0)), ("cuda:12", Device::Cuda(12))] {
            assert_eq!(Device::from_text(text), Some(device));
            assert_eq!(device.to_string(), text);
            assert_eq!(serde_json::from_str::<Device>(&serde_json::to_string(&device).unwrap()).unwrap(), device);
        }
        for text in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:01", "cpu:0", "cuda:4294967296"] {
            assert_eq!(Device::from_text(text), None, "{text}");
        }
    }
}
