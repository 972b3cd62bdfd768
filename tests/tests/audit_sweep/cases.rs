//! What each write route leaves in the audit.
//!
//! A new route gets a line: its operation's id, the action of its entry, what stands for `{id}`, a body that succeeds, and
//! what must be refused. `{id}`, `{digest}`, `{version}` and `{number}` are filled in in paths and bodies; a new kind of object
//! is a variant of [`Stand`].

use super::stand::Stand::{
    self, Alerted, Archived, Dataset, Key, Live, Model, Nothing, Profiled, Running, Shared, Trainable, Trained,
    WithAsset,
};
use serde_json::{Value, json};

/// A body that begins so is an upload of a table, which is called what follows.
pub const UPLOAD: &str = "upload:";

/// A body that begins so is an upload of an asset of the type that follows.
pub const ASSET: &str = "asset:";

/// What a write route leaves in the audit.
pub struct Case {
    /// The operation's id in the document.
    pub operation: &'static str,
    /// The action of its one entry; none for a route that changes nothing that is kept.
    pub action: Option<&'static str>,
    /// What stands for `{id}`.
    pub stand: Stand,
    /// A body that succeeds.
    pub body: Value,
    /// A call that is refused.
    pub refused: (Stand, Value),
}

/// A route that leaves one entry, of which a call for a model that is not there is refused.
fn leaves(action: &'static str, operation: &'static str, stand: Stand) -> Case {
    Case { operation, action: Some(action), stand, body: json!({}), refused: (Nothing, json!({})) }
}

/// A route that changes nothing that is kept.
fn quiet(operation: &'static str, stand: Stand, body: Value) -> Case {
    Case { operation, action: None, stand, refused: (Nothing, body.clone()), body }
}

impl Case {
    /// With this body; of a model that is not there it is refused.
    fn with(self, body: Value) -> Self {
        Self { refused: (Nothing, body.clone()), body, ..self }
    }

    /// Refused on something else.
    fn refused_on(self, stand: Stand) -> Self {
        Self { refused: (stand, self.body.clone()), ..self }
    }

    /// Refused with another body.
    fn refused_with(self, body: Value) -> Self {
        Self { refused: (self.stand, body), ..self }
    }
}

/// One case for each route that is not only read.
pub fn cases() -> Vec<Case> {
    [registry(), studio(), training(), monitoring(), others()].into_iter().flatten().collect()
}

fn registry() -> Vec<Case> {
    let new = |name: &str| json!({"name": name, "framework": "onnx"});
    vec![
        leaves("model.created", "createModel", Nothing).with(new("new {number}")).refused_with(new("a/b")),
        leaves("model.updated", "updateModel", Model)
            .with(json!({"description": "x"}))
            .refused_with(json!({"name": "a/b"})),
        leaves("model.deleted", "deleteModel", Model).refused_on(Live),
        leaves("model.archived", "archiveModel", Model).refused_on(Live),
        leaves("model.unarchived", "unarchiveModel", Archived).refused_on(Model),
        leaves("model.deployed", "deployModel", Model).refused_on(Archived),
        leaves("model.undeployed", "undeployModel", Live).refused_on(Model),
        leaves("model.rolled_back", "rollbackModel", Live).refused_on(Model),
        leaves("model.version_created", "publishVersion", Model)
            .with(json!({"artifactUri": "servoir://sha256/{digest}"}))
            .refused_with(json!({"artifactUri": "file:///etc/passwd"})),
        leaves("model.version_deleted", "deleteVersion", Model),
    ]
}

fn studio() -> Vec<Case> {
    let new = |task: &str| json!({"name": "made {number}", "model_type": "auto", "task_type": task});
    vec![
        leaves("model.created", "createStudioModel", Nothing).with(new("regression")).refused_with(new("clairvoyance")),
        leaves("model.updated", "patchStudioModel", Model)
            .with(json!({"tags": ["x"], "config": {"target_column": "y"}}))
            .refused_with(json!({"model_type": "auto"})),
        leaves("model.deleted", "deleteStudioModel", Model).refused_on(Live),
        leaves("model.archived", "archiveStudioModel", Model).refused_on(Live),
        leaves("model.unarchived", "unarchiveStudioModel", Archived).refused_on(Model),
        leaves("model.duplicated", "duplicateModel", Model).refused_with(json!({"name": "a/b"})),
        leaves("model.config_updated", "putModelConfig", Model)
            .with(json!({"target_column": "y"}))
            .refused_with(json!({"target_column": "y", "feature_columns": ["y"]})),
        leaves("model.settings_updated", "patchModelSettings", Model)
            .with(json!({"display": {"color": "red"}}))
            .refused_with(json!({"display": {"color": []}})),
        leaves("model.collaborator_added", "addCollaborator", Model)
            .with(json!({"user_id": "vic", "role": "viewer"}))
            .refused_on(Shared),
        leaves("model.collaborator_updated", "changeCollaborator", Shared)
            .with(json!({"role": "admin"}))
            .refused_on(Model),
        leaves("model.collaborator_removed", "removeCollaborator", Shared).refused_on(Model),
    ]
}

fn training() -> Vec<Case> {
    vec![
        leaves("model.custom_asset_uploaded", "uploadCustomAsset", Model)
            .with(json!(format!("{ASSET}config")))
            .refused_with(json!(format!("{ASSET}clairvoyance"))),
        leaves("model.custom_asset_deleted", "deleteCustomAsset", WithAsset).refused_on(Model),
        leaves("dataset.created", "createDataset", Nothing)
            .with(json!(format!("{UPLOAD}new {{number}}")))
            .refused_with(json!({"uri": "file:///etc/passwd"})),
        leaves("model.dataset_linked", "linkDataset", Trainable)
            .with(json!({"dataset_id": "{dataset_id}"}))
            .refused_with(json!({"dataset_id": "dataset_none"})),
        leaves("model.dataset_unlinked", "unlinkDataset", Trainable).refused_on(Model),
        leaves("dataset.deleted", "deleteDataset", Dataset).refused_on(Trainable),
        leaves("model.training_started", "trainModel", Trainable).refused_on(Model),
        leaves("model.training_cancelled", "cancelTraining", Running).refused_on(Model),
        leaves("model.training_started", "openExternalRun", Model)
            .with(json!({"external": true}))
            .refused_with(json!({"external": false})),
        // Frames of a run are kept with the run; the audit keeps its begin and its end.
        quiet("feedRunMetrics", Running, json!({"epoch": 1, "metrics": {"loss": 0.5}})),
        quiet("feedRunLog", Running, json!({"message": "x"})),
        leaves("model.training_completed", "completeExternalRun", Running).refused_on(Model),
        leaves("model.version_promoted", "promoteVersion", Model),
        leaves("model.version_restored", "restoreVersion", Trained).refused_on(Model),
        leaves("model.deployed", "deployStudioModel", Model).refused_on(Archived),
        leaves("model.undeployed", "undeployStudioModel", Live).refused_on(Model),
        leaves("model.rolled_back", "rollbackStudioModel", Live).refused_on(Model),
        quiet("testModel", Model, json!({"version_id": "1", "inputs": "{inputs}"})),
    ]
}

fn monitoring() -> Vec<Case> {
    let of_dataset = |id: &str| json!({"datasetId": id});
    vec![
        leaves("model.monitoring_updated", "putMonitoring", Model)
            .with(json!({"labelWindowDays": 7}))
            .refused_with(json!({"labelWindowDays": 0})),
        leaves("model.baseline_created", "createBaseline", Profiled)
            .with(of_dataset("{dataset_id}"))
            .refused_with(of_dataset("dataset_none")),
        leaves("model.baseline_activated", "activateBaseline", Profiled).refused_on(Model),
        leaves("model.actuals_recorded", "recordActuals", Live)
            .with(json!({"actuals": [{"entityId": "asked", "actual": 1}]}))
            .refused_with(json!({"actuals": []})),
        leaves("model.monitoring_updated", "putAlertConfig", Model)
            .with(json!({"windows": ["6h"]}))
            .refused_with(json!({"windows": []})),
        leaves("model.alert_acknowledged", "acknowledgeAlert", Alerted).refused_on(Model),
    ]
}

fn others() -> Vec<Case> {
    let instances = json!({"instances": [vec![0.5; 30]]});
    let tensors = json!({"inputs": [{"name": "input", "shape": [1, 30], "datatype": "FP32", "data": vec![0.5; 30]}]});
    vec![
        leaves("api_key.created", "createApiKey", Nothing)
            .with(json!({"name": "swept", "scopes": ["audit:read"]}))
            .refused_with(json!({"name": "swept", "scopes": ["clairvoyance"]})),
        leaves("api_key.revoked", "revokeApiKey", Key),
        leaves("model.deployed", "v2Load", Model).refused_on(Archived),
        leaves("model.undeployed", "v2Unload", Live),
        quiet("predict", Live, instances.clone()),
        quiet("predictModel", Live, instances),
        quiet("v2Infer", Live, tensors.clone()),
        quiet("v2InferVersion", Live, tensors),
        quiet("v2Index", Nothing, json!({})).refused_with(json!({"unknown": 1})),
        quiet("v2ChangeLogging", Nothing, json!({})).refused_with(json!({"unknown": 1})),
    ]
}
