//! Every engine answers as the library that the model came from does, through the seam and through a deployment.

mod support;

use servoir_runtime::{Deployment, EngineName, Identity, LoadError, LoadOptions, PoolOptions, PredictError, Program};
use servoir_types::{Data, ModelId, Tensor};
use std::sync::Arc;
use support::{Asked, Case, Cases, artifact, difference, engines, request};

/// What an engine is known not to load. A model that it has learned to load must be taken off.
const REJECTED: [(EngineName, &[&str]); 3] = [
    (EngineName::OnnxRuntime, &[]),
    (
        EngineName::Trees,
        &[
            "echo_BF16",
            "echo_BOOL",
            "echo_BYTES",
            "echo_FP16",
            "echo_FP32",
            "echo_FP64",
            "echo_INT16",
            "echo_INT32",
            "echo_INT64",
            "echo_INT8",
            "echo_UINT16",
            "echo_UINT32",
            "echo_UINT64",
            "echo_UINT8",
            "external_data",
            "fails_on_negative",
            "fixed_batch",
            "lr_zipmap_int",
            "mlp_softmax",
            "sklearn_pipeline_columns",
            "slow",
            "smallconv",
            "two_inputs_add",
        ],
    ),
    (
        EngineName::Tract,
        &[
            "echo_BF16",
            "gbr",
            "lr_zipmap_int",
            "rf_zipmap_string",
            "sklearn_pipeline_columns",
            "xgb_binary",
            "xgb_binary_v2",
            "xgb_missing",
        ],
    ),
];

const MODELS: [&str; 29] = [
    "echo_BF16",
    "echo_BOOL",
    "echo_BYTES",
    "echo_FP16",
    "echo_FP32",
    "echo_FP64",
    "echo_INT16",
    "echo_INT32",
    "echo_INT64",
    "echo_INT8",
    "echo_UINT16",
    "echo_UINT32",
    "echo_UINT64",
    "echo_UINT8",
    "external_data",
    "fails_on_negative",
    "fixed_batch",
    "gbr",
    "lr_zipmap_int",
    "mlp_softmax",
    "rf_zipmap_string",
    "sklearn_pipeline_columns",
    "slow",
    "smallconv",
    "two_inputs_add",
    "xgb_binary",
    "xgb_binary_v2",
    "xgb_missing",
    "xgb_multiclass",
];

fn load(engine: EngineName, model: &str) -> Result<Arc<dyn Program>, LoadError> {
    engines().load(&artifact(model), &LoadOptions::cpu(engine, 1))
}

/// Each engine with each model that it loads; fails when the list of those that it does not load is out of date.
fn for_each_program(mut check: impl FnMut(&str, Arc<dyn Program>)) {
    let mut wrong = Vec::new();
    for (engine, rejected) in REJECTED {
        for model in MODELS {
            match (load(engine, model), rejected.contains(&model)) {
                (Ok(program), false) => check(model, program),
                (Err(LoadError::Rejected { .. }), true) => {}
                (Ok(_), true) => wrong.push(format!("{} loads {model} now", engine.as_str())),
                (Err(error), _) => wrong.push(format!("{} {model}: {error}", engine.as_str())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn inputs(program: &dyn Program, case: &Case) -> Vec<Tensor> {
    let input =
        |name: &String| case.inputs.get(name).unwrap_or_else(|| panic!("the case has no input '{name}'")).tensor();
    program.signature().inputs.iter().map(|spec| input(&spec.name)).collect()
}

fn assert_outputs(model: &str, program: &dyn Program, case: &Case, outputs: &[Tensor]) {
    let engine = program.engine().as_str();
    assert_eq!(outputs.len(), program.signature().outputs.len(), "{engine} {model}");
    for (spec, output) in program.signature().outputs.iter().zip(outputs) {
        let wanted = case.outputs.get(&spec.name).unwrap_or_else(|| panic!("the case has no output '{}'", spec.name));
        if let Some(difference) = difference(output, &wanted.tensor(), case.tolerance) {
            panic!("{engine} {model} '{}': {difference}", spec.name);
        }
        assert!(
            spec.shape.admits(output.shape()),
            "{engine} {model} '{}': {} {:?}",
            spec.name,
            spec.shape,
            output.shape()
        );
    }
}

fn deploy(program: Arc<dyn Program>, batch_rows_max: usize) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::random(), name: "conformance".into(), version: 1 };
    let options = PoolOptions {
        instances: 2,
        batch_rows_max,
        queue_rows_max: 10_000,
        queue_bytes_max: 1 << 28,
        ..support::OPTIONS
    };
    Deployment::start(identity, program, options).expect("instances start")
}

#[test]
fn sessions_answer_as_the_original_library_does() {
    for_each_program(|model, program| {
        let cases = Cases::of(model);
        let mut session = program.session().expect("a session is made");
        let mut outputs = Vec::new();
        for case in cases.cases.iter().chain(&cases.cases) {
            session.run(&inputs(&*program, case), &mut outputs).unwrap_or_else(|error| panic!("{model}: {error}"));
            assert_outputs(model, &*program, case, &outputs);
        }
        for case in &cases.fails {
            let failure = session.run(&inputs(&*program, case), &mut outputs);
            assert!(failure.is_err(), "{model} on {}", program.engine().as_str());
        }
    });
}

#[test]
fn deployments_answer_as_the_original_library_does_however_requests_are_batched() {
    for_each_program(|model, program| {
        let cases = Cases::of(model);
        let rounds = if model == "slow" { 1 } else { 8 };
        let deployment = deploy(Arc::clone(&program), 16);
        let ask = |case: &Case| Asked::of(&deployment, request(inputs(&*program, case)));
        let asked: Vec<_> =
            (0..rounds).flat_map(|_| cases.cases.iter().map(|case| (case, ask(case))).collect::<Vec<_>>()).collect();
        let failing: Vec<_> = cases.fails.iter().map(ask).collect();
        for (case, asked) in asked {
            let answer = asked.answer().unwrap_or_else(|error| panic!("{model}: {error}"));
            assert_outputs(model, &*program, case, &answer.outputs);
        }
        for asked in failing {
            assert!(matches!(asked.answer(), Err(PredictError::Run(_))), "{model}");
        }
        let counted = deployment.gauges();
        assert_eq!((counted.in_flight, counted.queue_rows, counted.instances), (0, 0, 2), "{model}");
    });
}

#[test]
fn trees_answer_bit_for_bit_the_same_alone_and_in_a_batch() {
    // tract computes a softmax in another order for another number of rows: it differs in the last bit.
    let engine = EngineName::OnnxRuntime;
    for model in ["xgb_binary", "xgb_multiclass"] {
        let program = load(engine, model).expect("the model loads");
        let columns = program.signature().inputs[0].shape.dims().expect("a matrix")[1].unsigned_abs() as usize;
        let mut session = program.session().expect("a session is made");
        let mut alone = Vec::new();
        let mut rows = Vec::new();
        for case in &Cases::of(model).cases {
            let (_, Data::Fp32(data)) = inputs(&*program, case).remove(0).into_parts() else { panic!("not FP32") };
            for row in data.chunks(columns) {
                let one = Tensor::new(vec![1, columns], Data::Fp32(row.to_vec().into())).expect("a row");
                let mut outputs = Vec::new();
                session.run(&[one], &mut outputs).expect("the model runs");
                alone.push(outputs);
                rows.extend_from_slice(row);
            }
        }
        let batch = Tensor::new(vec![alone.len(), columns], Data::Fp32(rows.into())).expect("whole rows");
        let mut together = Vec::new();
        session.run(&[batch], &mut together).expect("the model runs");
        for (output, whole) in together.iter().enumerate() {
            let mut joined = Data::with_capacity(whole.datatype(), whole.data().len());
            for outputs in &alone {
                assert!(joined.extend_from(outputs[output].data(), 0..outputs[output].data().len()));
            }
            assert_eq!(&joined, whole.data(), "{model}");
        }
    }
}

/// Memory in kilobytes that this process holds.
fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_large_run_on_onnx_runtime_answers_as_small_ones_do_and_gives_its_memory_back() {
    const ROWS: usize = 100_000;
    let program = load(EngineName::OnnxRuntime, "mlp_softmax").unwrap();
    let width = usize::try_from(program.signature().inputs[0].shape.dims().unwrap()[1]).unwrap();
    let mut session = program.session().unwrap();
    let element = |at: usize| (at % 97) as f32 / 97.0;
    let mut run = |rows: std::ops::Range<usize>| {
        let elements: Vec<f32> = (rows.start * width..rows.end * width).map(element).collect();
        let input = Tensor::new(vec![rows.len(), width], Data::Fp32(elements.into())).unwrap();
        let mut outputs = Vec::new();
        session.run(&[input], &mut outputs).unwrap();
        outputs
    };
    run(0..1);
    let before = resident_kilobytes();
    let together = run(0..ROWS);
    let after = resident_kilobytes();
    for row in [0, ROWS / 2, ROWS - 1] {
        let alone = run(row..row + 1);
        for (together, alone) in together.iter().zip(&alone) {
            assert_eq!(together.rows(), ROWS);
            if let (Data::Fp32(together), Data::Fp32(alone)) = (together.data(), alone.data()) {
                let row = &together[row * alone.len()..(row + 1) * alone.len()];
                assert!(row.iter().zip(alone.iter()).all(|(a, b)| (a - b).abs() <= 1e-6), "{row:?} {alone:?}");
            }
        }
    }
    drop(together);
    // Inputs, what the network has in between, and outputs take 34 MB together; what is kept are inputs and outputs.
    let grown = after.saturating_sub(before);
    assert!(grown < 24_000, "{grown} KB more than before");
}

#[test]
fn engines_that_are_here_say_so() {
    let states: Vec<_> = engines().status().into_iter().map(|status| (status.name, status.state)).collect();
    assert!(
        matches!(&states[..], [(EngineName::OnnxRuntime, Ok(about)), (EngineName::Tract, Ok(_))] if about.starts_with("1.")),
        "{states:?}"
    );
}
