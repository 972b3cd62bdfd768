//! What a model is to say of a row.

use serde::{Deserialize, Serialize};
use servoir_registry::TaskType;

/// What a model is to say of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Which class it is of: two or more.
    Classification,
    /// A number.
    Regression,
}

impl From<TaskType> for Task {
    fn from(task: TaskType) -> Self {
        match task {
            TaskType::Classification => Self::Classification,
            TaskType::Regression => Self::Regression,
        }
    }
}
