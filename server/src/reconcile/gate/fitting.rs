//! Loading a version that is to answer who calls what is live.

use super::{after_loading, before_loading, recorded_requests};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::reconcile::control::Control;
use crate::reconcile::load::Of;
use crate::reconcile::{Loaded, Reconciler, reject};
use servoir_registry::{Actor, Breaking, Placed};
use servoir_runtime::Deployment;
use servoir_types::{ModelId, Name};
use std::sync::Arc;

/// Who wants it of which model, and the model's name.
type Named<'a> = ((&'a Actor, &'a ModelId), &'a Name);

impl Reconciler {
    /// Loads a version unless it is in memory already, and unless its signature would break who calls what is live.
    ///
    /// # Errors
    /// 409 `swap-refused`; or why it cannot be loaded. A version that is no good is rejected.
    pub(in crate::reconcile) async fn load_fitting(
        &self,
        app: &SharedApp,
        control: &mut Control,
        (of, name): Named<'_>,
        (placed, breaking): (&Placed, Breaking),
    ) -> Result<Option<Loaded>, ApiError> {
        let (actor, model) = of;
        let organization = &actor.organization;
        before_loading(app, model, placed.spec.version, breaking).await?;
        let loaded = match self.load_unless_held(app, control, Of { organization, model, name }, placed.clone()).await {
            Ok(loaded) => loaded,
            Err(failure) => {
                reject(app, actor, (model, placed), &failure).await;
                return Err(failure.into());
            }
        };
        if let Some(candidate) = in_memory(control, placed, loaded.as_ref()) {
            after_loading(app, (&actor.organization, model), &candidate, breaking)?;
        }
        Ok(loaded)
    }

    /// The same, unless it answers the recorded requests of what is live otherwise than the limits allow.
    ///
    /// # Errors
    /// As [`Self::load_fitting`].
    pub(in crate::reconcile) async fn load_proven(
        &self,
        app: &SharedApp,
        control: &mut Control,
        (of, name): Named<'_>,
        (placed, breaking): (&Placed, Breaking),
    ) -> Result<Option<Loaded>, ApiError> {
        let loaded = self.load_fitting(app, control, (of, name), (placed, breaking)).await?;
        if let Some(candidate) = in_memory(control, placed, loaded.as_ref()) {
            let (actor, model) = of;
            recorded_requests(app, (&actor.organization, model), &candidate, breaking).await?;
        }
        Ok(loaded)
    }
}

/// What was just loaded, or held before.
fn in_memory(control: &Control, placed: &Placed, loaded: Option<&Loaded>) -> Option<Arc<Deployment>> {
    loaded.map(|(_, loaded)| Arc::clone(loaded)).or_else(|| control.find(placed))
}
