//! Labels and what they need: how a model is monitored, what its versions are compared with, which predictions labels
//! belong to, and what they say.

mod baselines;
mod joining;
mod oracle;
mod performance;
mod settings;
mod world;
