//! What a version answers to a table's rows.

use super::table::Surveyed;
use super::{layout, profiles, unfit};
use crate::error::ApiError;
use servoir_monitor::Baseline;
use servoir_monitor::recording::{Recorded, RecordingPlan, Reservoir};
use servoir_runtime::{Aside, Program};
use servoir_types::Signature;
use std::time::{Duration, Instant};

/// Rows of one run.
const BATCH_ROWS: usize = 256;
/// After so long no further run is begun: what was answered until then is the profile.
const TIME_MAX: Duration = Duration::from_secs(30);

impl Surveyed {
    /// The baseline, with what the version answers to the sampled rows. Blocking.
    ///
    /// # Errors
    /// 422 when the version cannot be run, with the engine's reason.
    pub fn answered(self, program: &dyn Program) -> Result<Baseline, ApiError> {
        let signature = program.signature();
        let plan = RecordingPlan::of(signature);
        let rows = self.sampled.rows();
        let mut kept = Reservoir::new(rows);
        let (mut session, started, mut done) = (Aside::open(program)?, Instant::now(), 0);
        let batch = batch_rows(signature);
        while done < rows && started.elapsed() < TIME_MAX {
            let next = (done + batch).min(rows);
            let inputs = self.sampled.tensors(done..next, signature).map_err(ApiError::internal)?;
            done = next;
            let count = inputs.first().map_or(0, servoir_types::Tensor::rows);
            // A model that takes no fewer rows than a batch has is not asked the last few; nor is one asked none.
            if count == 0 || (count < batch && !is_batchable(signature)) {
                continue;
            }
            let outputs = session
                .run(&inputs)
                .map_err(|error| unfit(format!("the version cannot answer rows of the table: {error}")))?;
            (0..count).for_each(|row| kept.add(0.0, &plan, (&inputs, &outputs), row));
        }
        let recorded = Recorded::of(&plan, &kept);
        if recorded.rows() == 0 {
            return Err(unfit(
                "no row of the table could be asked: each lacks a value where the model takes no missing one",
            ));
        }
        // Columns of tables were profiled from all rows; norms and means of other tensors are those of the sample.
        let summaries =
            recorded.features.into_iter().filter(|column| column.measure != servoir_monitor::Measure::Value);
        let mut features = self.features;
        features.extend(profiles::of_recorded(summaries.collect(), layout::inputs(signature)));
        let outputs = profiles::of_recorded(recorded.outputs, layout::outputs(signature));
        Ok(Baseline::new(self.rows, features, outputs))
    }
}

fn is_batchable(signature: &Signature) -> bool {
    signature.inputs.iter().all(|input| input.shape.dims().is_none() || input.shape.is_batchable())
}

/// Rows of one run: as many as the model declares, where it does.
fn batch_rows(signature: &Signature) -> usize {
    let declared = signature.inputs.iter().filter_map(|input| usize::try_from(*input.shape.dims()?.first()?).ok());
    declared.min().map_or(BATCH_ROWS, |rows| rows.clamp(1, BATCH_ROWS))
}
