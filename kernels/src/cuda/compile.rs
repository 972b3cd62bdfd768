//! From a kernel's source to what a device runs, by NVRTC.

use super::CudaError;
use cudarc::nvrtc::{result, sys};
use std::ffi::{CStr, CString, c_char};

/// What all sources begin with.
const PROLOGUE: &str = include_str!("prologue.cuh");

/// A file of kernels, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Forests of features of 32 bits with narrow nodes, and sums of 32 bits.
    Trees32NarrowF32,
    /// The same with sums of 64 bits.
    Trees32NarrowF64,
    /// Forests of features of 32 bits with wide nodes, and sums of 32 bits.
    Trees32WideF32,
    /// The same with sums of 64 bits.
    Trees32WideF64,
    /// Forests of features of 64 bits, and sums of 32 bits.
    Trees64WideF32,
    /// The same with sums of 64 bits.
    Trees64WideF64,
    /// Rows that are gathered, and numbers that become other numbers.
    Rows,
    /// What follows a model's last sums: softmax, sigmoid, the highest.
    Scores,
    /// Histograms.
    Bins,
}

/// What a source is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Text for a virtual architecture, such as `compute_80`, which a driver compiles further.
    Ptx(&'a str),
    /// Machine code for a real architecture, such as `sm_90`.
    Cubin(&'a str),
}

impl Source {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Trees32NarrowF32,
        Self::Trees32NarrowF64,
        Self::Trees32WideF32,
        Self::Trees32WideF64,
        Self::Trees64WideF32,
        Self::Trees64WideF64,
        Self::Rows,
        Self::Scores,
        Self::Bins,
    ];

    /// A name for people, and for the files of the cache; kernels' names begin with it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trees32NarrowF32 => "trees32_narrow_f32",
            Self::Trees32NarrowF64 => "trees32_narrow_f64",
            Self::Trees32WideF32 => "trees32_wide_f32",
            Self::Trees32WideF64 => "trees32_wide_f64",
            Self::Trees64WideF32 => "trees64_wide_f32",
            Self::Trees64WideF64 => "trees64_wide_f64",
            Self::Rows => "rows",
            Self::Scores => "scores",
            Self::Bins => "bins",
        }
    }

    /// The file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Rows => "rows.cu",
            Self::Scores => "scores.cu",
            Self::Bins => "bins.cu",
            _ => "trees.cu",
        }
    }

    /// The whole text.
    pub fn text(self) -> String {
        let own = match self {
            Self::Rows => include_str!("rows.cu"),
            Self::Scores => include_str!("scores.cu"),
            Self::Bins => include_str!("bins.cu"),
            _ => include_str!("trees.cu"),
        };
        // Errors are counted from the file's own first line.
        format!("{PROLOGUE}\n#line 1 \"{}\"\n{own}", self.file())
    }

    /// The compiler's options, but for the target.
    pub fn options(self) -> Vec<String> {
        // A product and a sum that are rounded once are not the processor's bits.
        let mut options = vec!["--std=c++17".to_owned(), "--fmad=false".to_owned()];
        options.extend(self.definitions().iter().map(|(name, value)| format!("-D{name}={value}")));
        options
    }

    /// What the part of the file is chosen by.
    pub const fn definitions(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::Trees32NarrowF32 => &[("FEATURE_BITS", 32), ("WIDE", 0), ("SUM_BITS", 32)],
            Self::Trees32NarrowF64 => &[("FEATURE_BITS", 32), ("WIDE", 0), ("SUM_BITS", 64)],
            Self::Trees32WideF32 => &[("FEATURE_BITS", 32), ("WIDE", 1), ("SUM_BITS", 32)],
            Self::Trees32WideF64 => &[("FEATURE_BITS", 32), ("WIDE", 1), ("SUM_BITS", 64)],
            Self::Trees64WideF32 => &[("FEATURE_BITS", 64), ("WIDE", 1), ("SUM_BITS", 32)],
            Self::Trees64WideF64 => &[("FEATURE_BITS", 64), ("WIDE", 1), ("SUM_BITS", 64)],
            Self::Rows | Self::Scores | Self::Bins => &[],
        }
    }
}

impl Target<'_> {
    /// The architecture's name.
    pub const fn architecture(&self) -> &str {
        match self {
            Self::Ptx(name) | Self::Cubin(name) => name,
        }
    }
}

/// The compiler's version, major and minor.
///
/// # Errors
/// There is no compiler.
pub fn compiler_version() -> Result<(u32, u32), CudaError> {
    find_compiler()?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the library is there, and writes two numbers.
    let answer = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    match answer.result() {
        Ok(()) => Ok((major.unsigned_abs(), minor.unsigned_abs())),
        Err(error) => Err(CudaError::MissingLibrary {
            library: "a working NVRTC".to_owned(),
            advice: format!("the one that is there does not say its version: {error:?}"),
        }),
    }
}

/// Compiles a source; a warning is an error.
///
/// # Errors
/// There is no compiler, it does not know the target, or the source is wrong.
pub fn compile(source: Source, target: Target<'_>) -> Result<Vec<u8>, CudaError> {
    find_compiler()?;
    let failed = |log: String| CudaError::Compile {
        source_name: source.file().to_owned(),
        target: target.architecture().to_owned(),
        log,
    };
    let text = CString::new(source.text()).map_err(|error| failed(error.to_string()))?;
    let name = CString::new(source.file()).map_err(|error| failed(error.to_string()))?;
    let program =
        Program(result::create_program(&text, Some(&name)).map_err(|error| failed(format!("NVRTC says {error:?}")))?);
    let mut options = source.options();
    options.push(format!("--gpu-architecture={}", target.architecture()));
    // SAFETY: the program was just made.
    let compiled = unsafe { result::compile_program(program.0, &options) };
    let log = program.log();
    if let Err(error) = compiled {
        return Err(failed(if log.is_empty() { format!("NVRTC says {error:?}") } else { log }));
    }
    if log.contains("warning") {
        return Err(failed(log));
    }
    program.output(target).map_err(|error| failed(format!("NVRTC says {error:?}")))
}

/// A program of NVRTC's.
struct Program(sys::nvrtcProgram);

impl Program {
    fn log(&self) -> String {
        // SAFETY: the program lives as long as this.
        let Ok(log) = (unsafe { result::get_program_log(self.0) }) else { return String::new() };
        // SAFETY: NVRTC ends it with a zero; when there is none at all, nothing is read.
        let text = if log.contains(&0) { unsafe { CStr::from_ptr(log.as_ptr()) }.to_string_lossy() } else { "".into() };
        text.trim().to_owned()
    }

    fn output(&self, target: Target<'_>) -> Result<Vec<u8>, result::NvrtcError> {
        let mut size = 0;
        // SAFETY: the program lives as long as this, and was compiled; the output is as long as NVRTC says.
        unsafe {
            match target {
                Target::Ptx(_) => sys::nvrtcGetPTXSize(self.0, &raw mut size).result()?,
                Target::Cubin(_) => sys::nvrtcGetCUBINSize(self.0, &raw mut size).result()?,
            }
            let mut output = vec![0u8; size];
            let address = output.as_mut_ptr().cast::<c_char>();
            match target {
                Target::Ptx(_) => sys::nvrtcGetPTX(self.0, address).result()?,
                Target::Cubin(_) => sys::nvrtcGetCUBIN(self.0, address).result()?,
            }
            Ok(output)
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: it was made once and is destroyed once.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// Says what to do when there is no compiler: the library's own binding would panic.
fn find_compiler() -> Result<(), CudaError> {
    // SAFETY: it opens NVRTC by its names, as every program that uses it does.
    if unsafe { sys::is_culib_present() } {
        return Ok(());
    }
    Err(CudaError::MissingLibrary {
        library: "CUDA's compiler NVRTC (libnvrtc.so.13)".to_owned(),
        advice: "install it, for instance with `pip install nvidia-cuda-nvrtc`, and name the folder it is in (such as \
                 site-packages/nvidia/cu13/lib) in the setting `cuda.libraries`"
            .to_owned(),
    })
}
