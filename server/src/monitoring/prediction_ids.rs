//! The key that ids of predictions are sealed with.

use servoir_codec::v1::PredictionIds;
use servoir_registry::{Registry, RegistryError};
use servoir_types::{Digest, Secret, random_token};

/// Random characters that a key is made from where nobody else has to read the ids.
const SECRET_CHARS: usize = 32;

/// Ids under the installation's key, which all nodes share. To models of a folder no labels are sent: nobody reads their ids.
///
/// # Errors
/// When the registry is away.
pub async fn prediction_ids(registry: &Registry, serves_folder: bool) -> Result<PredictionIds, RegistryError> {
    let secret = match serves_folder {
        true => Secret::new(random_token(SECRET_CHARS)),
        false => registry.prediction_secret().await?,
    };
    let key = Digest::of(secret.expose().as_bytes());
    let start = Digest::of(random_token(SECRET_CHARS).as_bytes());
    let start = u32::from_be_bytes(std::array::from_fn(|place| start.as_bytes()[place]));
    Ok(PredictionIds::new(std::array::from_fn(|place| key.as_bytes()[place]), start))
}
