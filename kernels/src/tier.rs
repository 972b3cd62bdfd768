//! What the processor can do, asked once.

use std::sync::OnceLock;

/// A set of instructions that kernels are written for, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// No more than the language itself.
    Scalar,
    /// AArch64's NEON, 16 bytes at once.
    Neon,
    /// x86-64's AVX2, with BMI1 and BMI2, 32 bytes at once.
    Avx2,
    /// x86-64's AVX-512 (F, BW, DQ, VL), 64 bytes at once; where VBMI is there too, it is used.
    Avx512,
}

impl Tier {
    /// The best that this processor has.
    pub fn best() -> Self {
        static BEST: OnceLock<Tier> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self::Scalar))
    }

    /// Everything that this processor has, the best last.
    pub fn available() -> Vec<Self> {
        [Self::Scalar, Self::Neon, Self::Avx2, Self::Avx512].into_iter().filter(|tier| tier.is_here()).collect()
    }

    /// `scalar`, `neon`, `avx2` or `avx512`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_here(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Neon => false,
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("bmi1")
                    && std::arch::is_x86_feature_detected!("bmi2")
            }
            Self::Avx512 => {
                Self::Avx2.is_here()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vl")
            }
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn is_here(self) -> bool {
        matches!(self, Self::Scalar | Self::Neon)
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_here(self) -> bool {
        self == Self::Scalar
    }
}
