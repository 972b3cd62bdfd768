//! What versions are worth, over HTTP: every chart, what is refused, importance of features, two
//! versions beside each other.

mod charts;
mod compare;
mod importance;
mod refusals;
mod world;
