//! The reconciler: makes what runs here equal to what should run. The one place where registry and runtime meet.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::readiness::ModelState;
use servoir_registry::{Actor, Deployment, DeploymentSpec, Strategy};
use servoir_types::ModelId;

/// Makes what runs equal to what should run.
pub struct Reconciler;

impl Reconciler {
    /// Loads a version, and when it can be served, decides that it should run and makes it live; returns when it is.
    ///
    /// # Errors
    /// 422 with the engine's reason when it cannot be served: what was live stays live and what should run stays as it was.
    pub async fn deploy(
        &self,
        _app: &SharedApp,
        _actor: &Actor,
        _model: &ModelId,
        _spec: DeploymentSpec,
        _strategy: Strategy,
    ) -> Result<Deployment, ApiError> {
        Err(ApiError::internal("not assembled"))
    }

    /// Goes back to what was live before, from memory when it is still there.
    ///
    /// # Errors
    /// As [`Self::deploy`]; 409 when there is nothing to go back to.
    pub async fn rollback(&self, _app: &SharedApp, _actor: &Actor, _model: &ModelId) -> Result<Deployment, ApiError> {
        Err(ApiError::internal("not assembled"))
    }

    /// Takes a model down; returns when the requests in flight have finished.
    ///
    /// # Errors
    /// 409 when it is not deployed.
    pub async fn undeploy(&self, _app: &SharedApp, _actor: &Actor, _model: &ModelId) -> Result<(), ApiError> {
        Err(ApiError::internal("not assembled"))
    }

    /// Where a model that should be live stands on this node.
    pub fn state(&self, _model: &ModelId) -> Option<ModelState> {
        None
    }

    /// This node's name among the nodes of one registry.
    pub fn node(&self) -> &str {
        "local"
    }
}
