//! Evaluation beside scikit-learn, scipy and xgboost, on the predictions and models that `python/evaluation` made.

mod classification;
mod comparison;
mod golden;
mod importance;
mod regression;
