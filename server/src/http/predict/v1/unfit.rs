//! What monitoring learns of bodies that are refused.

use servoir_codec::{ElementError, Fault};
use servoir_runtime::{Deployment, Unfit};

/// Shows the deployment's tap a refused body, when its fields are to blame.
#[cold]
pub fn note(deployment: &Deployment, fault: &Fault) {
    let unfit = match fault {
        Fault::Element { error: ElementError::Null, .. } => Unfit::Missing(1),
        Fault::Element { .. } => Unfit::WrongType,
        Fault::MissingFeatures { names, .. } | Fault::MissingInputs { names, .. } => Unfit::Missing(names.len()),
        Fault::UnknownFeature { .. } | Fault::UnknownInput { .. } => Unfit::Extra,
        _ => return,
    };
    deployment.refused(unfit);
}
