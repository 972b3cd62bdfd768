//! The rows of a run, and their matrices.

use crate::config::HandleMissing;
use crate::job::{Job, Rows};
use crate::prepare::error::PrepareError;
use crate::prepare::features::{self, Feature};
use crate::prepare::pipeline::{Form, Pipeline, complete_rows};
use crate::prepare::split::split;
use crate::prepare::target::{self, Target};
use crate::table::Table;
use crate::train::learner::{Material, Part};
use std::num::NonZeroUsize;

/// The parts of the rows.
pub const PARTS: [&str; 3] = ["train", "validation", "test"];

/// What a run works on.
pub struct Study<'a> {
    pub job: &'a Job,
    pub table: &'a Table,
    pub features: Vec<Feature>,
    pub target: Target,
    /// By part, places among the rows that have a target.
    places: [Vec<usize>; 3],
    /// What a person should know about the columns and rows that are not used.
    pub remarks: Vec<String>,
}

/// A matrix for each part that learners see, and how it was made.
pub struct Prepared {
    pub form: Form,
    pub pipeline: Pipeline,
    pub train: Part,
    pub validation: Part,
}

impl<'a> Study<'a> {
    /// Checks the table against the configuration, and splits its rows.
    pub fn new(job: &'a Job, table: &'a Table) -> Result<Self, PrepareError> {
        let config = &job.config;
        let target = target::read(table, config.target_column.as_deref(), job.task)?;
        let features::Features { list, left_out } =
            features::choose(table, config.target_column.as_deref().unwrap_or_default(), &config.feature_columns)?;
        let mut remarks = left_out;
        if target.dropped > 0 {
            remarks.push(format!("{} rows have no target and are not used", target.dropped));
        }
        let split = split(&target, &config.validation)?;
        let mut study =
            Self { job, table, features: list, target, places: [split.train, split.validation, split.test], remarks };
        if config.preprocessing.handle_missing == HandleMissing::DropRows {
            study.drop_incomplete()?;
        }
        Ok(study)
    }

    fn drop_incomplete(&mut self) -> Result<(), PrepareError> {
        let all = self.places[0].len();
        let complete = complete_rows(self.table, &self.features, &self.rows(0));
        let target_rows = &self.target.rows;
        self.places[0].retain(|&place| complete.binary_search(&target_rows[place]).is_ok());
        self.remarks.push(format!("{} of {all} training rows miss a feature and are not used", all - complete.len()));
        self.every_class_is_left()
    }

    fn every_class_is_left(&self) -> Result<(), PrepareError> {
        let few =
            |what: &str| PrepareError::TooFewRows(format!("after rows with a missing feature are dropped, {what}"));
        if self.places[0].is_empty() {
            return Err(few("none is left to train on"));
        }
        if let target::Truth::Classes(of) = self.target.truth.select(&self.places[0]) {
            let is_left = |class: u32| of.contains(&class);
            if let Some((_, name)) = (0..).zip(&self.target.classes).find(|(class, _)| !is_left(*class)) {
                return Err(few(&format!("class '{name}' has no row to train on")));
            }
        }
        Ok(())
    }

    /// The rows of a part, in the table.
    pub fn rows(&self, part: usize) -> Vec<usize> {
        self.places[part].iter().map(|&place| self.target.rows[place]).collect()
    }

    /// How many rows each part has.
    pub fn counts(&self) -> Rows {
        let [train, validation, test] = [0, 1, 2].map(|part| self.places[part].len());
        Rows { train, validation, test }
    }

    /// Fits the preparation on the training rows.
    pub fn prepare(&self, form: Form) -> Result<Prepared, PrepareError> {
        let pipeline = Pipeline::fit(self.table, &self.features, &self.rows(0), &self.job.config.preprocessing, form);
        if pipeline.columns() == 0 {
            return Err(PrepareError::NoFeatures("none has a value in the training rows".into()));
        }
        let (train, validation) = (self.part(&pipeline, 0), self.part(&pipeline, 1));
        Ok(Prepared { form, pipeline, train, validation })
    }

    /// A part's matrix.
    pub fn part(&self, pipeline: &Pipeline, part: usize) -> Part {
        Part {
            matrix: pipeline.apply(self.table, &self.features, &self.rows(part)),
            truth: self.target.truth.select(&self.places[part]),
        }
    }

    /// What learners are given.
    pub fn material<'p>(&self, prepared: &'p Prepared) -> Material<'p> {
        Material {
            train: &prepared.train,
            validation: &prepared.validation,
            classes: self.target.classes.len(),
            seed: self.job.config.validation.seed,
            threads: NonZeroUsize::new(self.job.threads).unwrap_or(NonZeroUsize::MIN),
        }
    }
}
