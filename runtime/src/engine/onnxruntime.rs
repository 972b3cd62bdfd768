//! ONNX Runtime, from a shared library found at run time.

mod bound;
mod cuda;
mod placement;
mod tensor;

use super::{Engine, EngineName, LoadOptions, Presence, Program, Session, caught};
use crate::device::Device;
use crate::error::{LoadError, RunError};
use crate::gpus::Onto;
use bound::{Bound, Place};
use cuda::OnGpu;
use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::logging::LogLevel;
use ort::session::RunOptions;
use ort::session::builder::GraphOptimizationLevel;
use servoir_types::{Signature, Tensor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const NAME: &str = EngineName::OnnxRuntime.as_str();

/// What to do when the library is missing or not the right one.
const ADVICE: &str =
    "install it with `pip install onnxruntime` (1.24 or newer) and give its shared library with `--onnxruntime PATH`";

/// Inputs of this many bytes make a run a large one, after which memory is given back: that takes longer than a small run.
const LARGE_BYTES: usize = 4 << 20;
/// How long a session keeps memory that its runs have stopped to need: small inputs can have large results on the way.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// The library allows one environment per process, for ever, so this is where it is kept.
static OPENED: Mutex<Option<Arc<OnnxRuntime>>> = Mutex::new(None);

struct OnnxRuntime {
    environment: Environment,
    about: String,
}

/// Where the library is. It is not looked into: that takes time and memory, which models that other engines run do not need.
///
/// # Errors
/// When there is no such file, and what to do.
pub fn find(path: Option<&Path>) -> Result<String, String> {
    locate(path).map(|path| format!("{} (opened when a model needs it)", path.display()))
}

fn locate(path: Option<&Path>) -> Result<PathBuf, String> {
    let path = path.ok_or_else(|| format!("no shared library was found; {ADVICE}"))?;
    path.canonicalize().map_err(|error| format!("{}: {error}; {ADVICE}", path.display()))
}

/// Opens the library at `path`, or gives the one that this process has opened already.
pub fn open(path: Option<&Path>, threads: usize) -> Presence {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = &*opened {
        return Ok(Arc::<OnnxRuntime>::clone(engine));
    }
    let path = locate(path)?;
    let engine = caught(|| open_library(&path, threads))
        .unwrap_or_else(|panic| Err(format!("{} cannot be used: {panic}; {ADVICE}", path.display())))?;
    Ok(Arc::<OnnxRuntime>::clone(opened.insert(Arc::new(engine))))
}

fn open_library(path: &Path, threads: usize) -> Result<OnnxRuntime, String> {
    let builder = ort::init_from(path).map_err(|error| format!("{error}; {ADVICE}"))?;
    let environment = environment(builder, threads).map_err(|error| format!("{}: {error}", path.display()))?;
    environment.set_log_level(LogLevel::Warning);
    Ok(OnnxRuntime { environment, about: format!("{} at {}", version(path, ort::info()), path.display()) })
}

fn environment(builder: ort::environment::EnvironmentBuilder, threads: usize) -> ort::Result<Environment> {
    let pool = GlobalThreadPoolOptions::default().with_intra_threads(threads.max(1))?.with_spin_control(false)?;
    builder
        .with_name("servoir")
        .with_telemetry(false)
        .with_global_thread_pool(pool)
        .with_logger(Arc::new(|level, category, _id, location, message| {
            tracing::debug!(target: "onnxruntime", ?level, category, location, "{message}");
        }))
        .build()
}

/// The release: from the library's file name, `libonnxruntime.so.1.31.1`, or else from its build information,
/// `git-branch=rel-1.31.1, …`. The library's own version call has no safe wrapper.
fn version(path: &Path, info: &str) -> String {
    let is_release = |text: &&str| text.starts_with(|first: char| first.is_ascii_digit());
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let from_name = file.split_once(".so.").map(|(_, rest)| rest).filter(is_release);
    let branch = info.split_once("git-branch=rel-").and_then(|(_, rest)| rest.split(',').next()).filter(is_release);
    from_name
        .or(branch)
        .map_or_else(|| format!("1.{} or newer", ort::MINOR_VERSION), |release| release.trim().to_owned())
}

impl Engine for OnnxRuntime {
    fn about(&self) -> String {
        self.about.clone()
    }

    fn load(
        &self,
        path: &Path,
        signature: Signature,
        options: &LoadOptions,
        onto: Option<Onto<'_>>,
    ) -> Result<Arc<dyn Program>, LoadError> {
        let mut program = OnnxProgram {
            environment: self.environment.clone(),
            path: path.to_path_buf(),
            signature: Arc::new(signature),
            intra_threads: options.intra_threads,
            gpu: onto.map(OnGpu::new).transpose()?,
            first: Mutex::new(None),
        };
        let session = program.commit()?;
        if let Some(on_gpu) = &mut program.gpu {
            on_gpu.look_at_placements()?;
        }
        check_names(&session, &program.signature)?;
        *program.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(Arc::new(program))
    }
}

fn rejected(error: ort::Error) -> LoadError {
    LoadError::Rejected { engine: NAME.into(), reason: error.to_string() }
}

/// Sessions take inputs by position: the library and the signature must agree on the order.
fn check_names(session: &ort::session::Session, signature: &Signature) -> Result<(), LoadError> {
    let ours = signature.inputs.iter().chain(&signature.outputs).map(|spec| spec.name.as_str());
    let theirs = session.inputs().iter().chain(session.outputs()).map(|outlet| outlet.name());
    if ours.clone().eq(theirs.clone()) {
        return Ok(());
    }
    let (ours, theirs) = (ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
    let reason = format!("it sees the inputs and outputs {theirs:?} where the file declares {ours:?}");
    Err(LoadError::Rejected { engine: NAME.into(), reason })
}

struct OnnxProgram {
    environment: Environment,
    path: PathBuf,
    signature: Arc<Signature>,
    intra_threads: usize,
    /// Where it runs, unless that is the CPU.
    gpu: Option<OnGpu>,
    /// The session that loading made, for the first who asks.
    first: Mutex<Option<ort::session::Session>>,
}

impl OnnxProgram {
    fn commit(&self) -> Result<ort::session::Session, LoadError> {
        let failed = |error: ort::Error| match &self.gpu {
            None => rejected(error),
            Some(on_gpu) => on_gpu.failed(&error),
        };
        self.open().map_err(failed)
    }

    fn open(&self) -> ort::Result<ort::session::Session> {
        let mut builder = ort::session::Session::builder(&self.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_op_spinning(false)?
            .with_log_level(LogLevel::Warning)?;
        if self.intra_threads <= 1 {
            builder = builder.with_independent_thread_pool()?.with_intra_threads(1)?;
        }
        if let Some(on_gpu) = &self.gpu {
            builder = on_gpu.provide(builder)?;
        }
        builder.commit_from_file(&self.path)
    }
}

impl Program for OnnxProgram {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::OnnxRuntime
    }

    fn device(&self) -> Device {
        self.gpu.as_ref().map_or(Device::Cpu, OnGpu::device)
    }

    fn taken(&self) -> Vec<(Device, u64)> {
        self.gpu.iter().map(|on_gpu| (on_gpu.device(), on_gpu.bytes())).collect()
    }

    fn nodes_on_cpu(&self) -> usize {
        self.gpu.as_ref().map_or(0, OnGpu::nodes_on_cpu)
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let session = match first {
            Some(session) => session,
            None => {
                self.gpu.as_ref().map(OnGpu::room_for_one_more).transpose()?;
                self.commit()?
            }
        };
        let giving_back = giving_back().map_err(rejected)?;
        let place = self.gpu.as_ref().map_or(Place::CPU, OnGpu::place);
        let bound = Bound::takes(&session).then(|| Bound::new(place));
        let signature = Arc::clone(&self.signature);
        Ok(Box::new(OnnxSession { session, signature, bound, giving_back, gave_back: Instant::now() }))
    }
}

/// Options of a run after which the session's arena gives back what it does not hold: it grows to the largest run that ever
/// was, and would keep that for good.
fn giving_back() -> ort::Result<RunOptions> {
    let mut options = RunOptions::new()?;
    options.set("memory.enable_memory_arena_shrinkage", "cpu:0")?;
    Ok(options)
}

struct OnnxSession {
    session: ort::session::Session,
    signature: Arc<Signature>,
    /// Memory that is kept for runs, where the tensors can lie there.
    bound: Option<Bound>,
    giving_back: RunOptions,
    /// When it last gave memory back.
    gave_back: Instant,
}

impl OnnxSession {
    /// How a run is made whose inputs are so large: as always, or so that memory is given back after it.
    fn gives_back(&mut self, bytes: usize) -> bool {
        let now = Instant::now();
        let is_due = bytes >= LARGE_BYTES || now.duration_since(self.gave_back) >= KEPT_FOR;
        if is_due {
            self.gave_back = now;
        }
        is_due
    }
}

impl Session for OnnxSession {
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        let bytes: usize = inputs.iter().map(|input| input.data().size_bytes()).sum();
        let giving_back = self.gives_back(bytes).then_some(&self.giving_back);
        if let Some(bound) = self.bound.as_mut().filter(|bound| bound.keeps(bytes)) {
            let failed = |reason| RunError { engine: NAME, reason };
            *outputs = bound.run((&mut self.session, giving_back), &self.signature, inputs).map_err(failed)?;
            return Ok(());
        }
        let values = inputs.iter().map(tensor::borrow).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let answers = match giving_back {
            Some(options) => self.session.run_with_options(values.as_slice(), options),
            None => self.session.run(values.as_slice()),
        };
        let answers = answers.map_err(failed)?;
        for (spec, value) in self.signature.outputs.iter().zip(answers.values()) {
            let tensor = tensor::read(&value, spec)
                .map_err(|reason| RunError { engine: NAME, reason: format!("output '{}': {reason}", spec.name) })?;
            outputs.push(tensor);
        }
        Ok(())
    }
}

fn failed(error: ort::Error) -> RunError {
    RunError { engine: NAME, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_a_reason_and_not_a_panic() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"not a library").unwrap();
        let reason = open_library(file.path(), 1).map(|_| ()).unwrap_err();
        assert!(reason.contains("pip install onnxruntime") && reason.contains("--onnxruntime"), "{reason}");
        let reason = find(Some(Path::new("/nonexistent/libonnxruntime.so"))).unwrap_err();
        assert!(reason.contains("/nonexistent") && reason.contains("--onnxruntime"), "{reason}");
    }

    /// A model of the fixtures, as it is loaded for the CPU.
    fn program(model: &str) -> OnnxProgram {
        let given = |name: &str| {
            let value = std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run `cargo xtask test`"));
            PathBuf::from(value)
        };
        open(Some(&given("ORT_DYLIB_PATH")), 1).map(|_| ()).unwrap();
        let environment = OPENED.lock().unwrap().as_ref().unwrap().environment.clone();
        let folder = given("SERVOIR_TEST_FIXTURES").join(model);
        let path = folder.join("model.onnx");
        let signature = Arc::new(crate::onnx::read(&path, Some(&folder)).unwrap());
        OnnxProgram { environment, path, signature, intra_threads: 1, gpu: None, first: Mutex::new(None) }
    }

    /// Here, where the device is the processor itself, and so on a GPU: the library's copies, bindings and kept memory are the same.
    #[test]
    fn memory_that_is_kept_gives_the_same_answers() {
        for model in ["mlp_softmax", "smallconv", "two_inputs_add", "echo_INT64", "echo_FP16", "echo_BOOL"] {
            let program = program(model);
            assert!(Bound::takes(&program.commit().unwrap()), "{model}");
            let (session, signature) = (program.commit().unwrap(), Arc::clone(&program.signature));
            let giving_back = giving_back().unwrap();
            let mut plain = OnnxSession { session, signature, bound: None, giving_back, gave_back: Instant::now() };
            let mut session = program.commit().unwrap();
            let mut bound = Bound::new(Place::CPU);
            // Shapes come again, and more of them than are kept.
            for rows in [1, 3, 1, 64].into_iter().chain(2..40).chain([1, 3]) {
                let inputs = crate::pool::rows_of(&program.signature, rows).unwrap();
                let mut expected = Vec::new();
                plain.run(&inputs, &mut expected).unwrap();
                let got = bound.run((&mut session, None), &program.signature, &inputs).unwrap();
                let shown = |tensors: &[Tensor]| format!("{tensors:?}");
                assert_eq!(shown(&got), shown(&expected), "{model}, {rows} rows");
            }
        }
    }

    /// Memory of this process that is in use, in bytes.
    #[cfg(target_os = "linux")]
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        kibibytes.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// A batch whose inputs are small and whose way to the answer is not: what it took is kept, and given back later.
    #[cfg(target_os = "linux")]
    #[test]
    fn memory_of_a_large_run_is_given_back_by_a_later_one() {
        let program = program("smallconv");
        let (session, signature) = (program.commit().unwrap(), Arc::clone(&program.signature));
        let giving_back = giving_back().unwrap();
        let mut session = OnnxSession { session, signature, bound: None, giving_back, gave_back: Instant::now() };
        let mut outputs = Vec::new();
        let mut run = |session: &mut OnnxSession, rows| {
            let inputs = crate::pool::rows_of(&program.signature, rows).unwrap();
            session.run(&inputs, &mut outputs).unwrap();
            resident()
        };
        let before = run(&mut session, 1);
        // 3.8 MB of inputs, and four times as much behind the convolution.
        let after = run(&mut session, 15_000);
        let kept = run(&mut session, 1);
        assert!(kept > before + (12 << 20), "{before}, {after}, {kept}");
        session.gave_back -= KEPT_FOR;
        run(&mut session, 1);
        let given_back = run(&mut session, 1);
        assert!(given_back < before + (6 << 20), "{before}, {after}, {kept}, {given_back}");
    }

    #[test]
    fn what_cannot_lie_in_a_device_s_memory_is_told() {
        for model in ["echo_BYTES", "rf_zipmap_string", "lr_zipmap_int"] {
            assert!(!Bound::takes(&program(model).commit().unwrap()), "{model}");
        }
    }

    #[test]
    fn the_library_says_where_nodes_are_placed() {
        let program = program("mlp_softmax");
        let heard = placement::Placements::default();
        let builder = ort::session::Session::builder(&program.environment).unwrap();
        let builder = builder.with_log_level(LogLevel::Verbose).unwrap().with_logger(heard.listener()).unwrap();
        let _session = { builder }.commit_from_file(&program.path).unwrap();
        let heard = heard.heard();
        assert_eq!(heard.keys().collect::<Vec<_>>(), ["CPUExecutionProvider"]);
        assert!(heard["CPUExecutionProvider"] > 0, "{heard:?}");
    }

    #[test]
    fn the_release_is_read_from_the_file_or_the_build_information() {
        let built = "ORT Build Info: git-branch=rel-1.30.0, git-commit-id=26250ae";
        let cases = [
            ("/lib/libonnxruntime.so.1.31.1", "git-branch=HEAD", "1.31.1"),
            ("/lib/libonnxruntime.so", built, "1.30.0"),
            ("/lib/libonnxruntime.so", "git-branch=HEAD", "1.24 or newer"),
        ];
        for (path, info, release) in cases {
            assert_eq!(version(Path::new(path), info), release);
        }
    }
}
