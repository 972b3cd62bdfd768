//! Batches are padded for an engine that wants it; the answers do not show it.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, column, row_signature};
use servoir_runtime::{
    Deployment, EngineName, Identity, LoadError, LoadOptions, PoolOptions, Priority, Program, Request, Session,
};
use servoir_types::{Data, ModelId, Signature, Tensor};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Asked, artifact, engines, request};

/// Two requests of three rows make a full batch.
const OPTIONS: PoolOptions =
    PoolOptions { batch_rows_max: 6, queue_delay_max: Duration::from_secs(3600), ..support::OPTIONS };

/// A program that is prepared for eight rows, and for nothing else above four.
struct Prepared(FaultyProgram);

impl Program for Prepared {
    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn engine(&self) -> EngineName {
        self.0.engine()
    }

    fn rows_prepared(&self, inputs: &[Tensor]) -> Option<usize> {
        (4..8).contains(&inputs[0].rows()).then_some(8)
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        self.0.session()
    }
}

fn start(program: Arc<dyn Program>) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::random(), name: "padded".into(), version: 1 };
    Deployment::start(identity, program, OPTIONS).unwrap()
}

#[test]
fn a_batch_is_padded_to_what_the_engine_is_prepared_for_and_nobody_sees_it() {
    let ran: Arc<Mutex<Vec<Vec<f32>>>> = Arc::default();
    let inside = Arc::clone(&ran);
    let faulty = Faulty::new(row_signature(), move |inputs| {
        let Data::Fp32(rows) = inputs[0].data() else { return Err("not FP32".into()) };
        inside.lock().unwrap().push(rows.to_vec());
        Ok(vec![column(&rows.iter().map(|row| row + 0.5).collect::<Vec<_>>())])
    });
    let deployment = start(Arc::new(Prepared(FaultyProgram(faulty))));
    ran.lock().unwrap().clear();
    let ask = |rows: &[f32]| {
        let inputs = vec![column(rows)];
        Asked::of(&deployment, Request { inputs, deadline: None, priority: Priority::Normal, observed: true })
    };
    let answers = [ask(&[1.0, 2.0, 3.0]), ask(&[4.0, 5.0, 6.0])].map(|asked| asked.answer().unwrap());
    assert_eq!(*ran.lock().unwrap(), [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 6.0]]);
    assert_eq!(answers.each_ref().map(|answer| answer.batch_rows), [6, 6]);
    let [first, second] = answers.map(|answer| answer.outputs);
    assert_eq!((first, second), (vec![column(&[1.5, 2.5, 3.5])], vec![column(&[4.5, 5.5, 6.5])]));
    assert_eq!(deployment.gauges().padded_rows, 2);
    // What fills a batch by itself runs as it is.
    assert_eq!(ask(&[0.0; 6]).answer().unwrap().outputs, [column(&[0.5; 6])]);
    assert_eq!(ran.lock().unwrap()[1].len(), 6);
    assert_eq!(deployment.gauges().padded_rows, 2);
}

/// Images of the convolution, each of its own numbers.
fn images(first: u16, count: u16) -> Tensor {
    let pixels =
        (first..first + count).flat_map(|image| (0..64u16).map(move |pixel| f32::from(image * 7 + pixel % 13)));
    Tensor::new(vec![usize::from(count), 1, 8, 8], Data::Fp32(pixels.collect::<Vec<_>>().into())).unwrap()
}

/// Whether tract wants it is for tract to find out; the answers are the same.
#[test]
fn engines_answer_batches_that_they_are_not_prepared_for() {
    for engine in [EngineName::Tract, EngineName::OnnxRuntime] {
        let program = engines().load(&artifact("smallconv"), &LoadOptions::cpu(Some(engine), 1)).unwrap();
        let (mut session, mut outputs) = (program.session().unwrap(), Vec::new());
        session.run(&[images(0, 8)], &mut outputs).unwrap();
        let asked = [images(100, 3), images(200, 3)];
        let expected = asked.clone().map(|images| {
            session.run(&[images], &mut outputs).unwrap();
            outputs.clone()
        });
        let deployment = start(program);
        let answers = asked.map(|images| Asked::of(&deployment, request(vec![images])));
        for (answer, expected) in answers.into_iter().zip(expected) {
            let answer = answer.answer().unwrap();
            assert_eq!(answer.batch_rows, 6, "{engine:?}");
            let [Data::Fp32(got), Data::Fp32(expected)] = [&answer.outputs[0], &expected[0]].map(Tensor::data) else {
                panic!("not FP32")
            };
            assert_eq!((answer.outputs[0].shape(), got.len()), (&[3, 4][..], expected.len()));
            for (got, expected) in got.iter().zip(expected.iter()) {
                assert!((got - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{engine:?}: {got} {expected}");
            }
        }
    }
}
