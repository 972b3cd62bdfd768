//! Scopes: the grants that routes ask for.

/// A scope that a route asks for, known at compile time so that a handler's signature says what it takes to call it.
pub trait Scope: Send + Sync + 'static {
    /// The scope's name, such as `model-registry:read`.
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $marker:ident = $name:literal;)*) => {
        $(
            $(#[$doc])*
            pub struct $marker;
            impl Scope for $marker {
                const NAME: &'static str = $name;
            }
        )*
        /// Every scope that a key can carry.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

scopes! {
    /// List and read models and versions.
    RegistryRead = "model-registry:read";
    /// Change models, versions and deployments.
    RegistryWrite = "model-registry:write";
    /// Ask for predictions.
    InferenceInvoke = "inference:invoke";
    /// Read Studio objects.
    StudioRead = "studio:read";
    /// Change Studio objects.
    StudioWrite = "studio:write";
    /// Read datasets.
    DatasetsRead = "datasets:read";
    /// Change datasets.
    DatasetsWrite = "datasets:write";
    /// Read drift, alerts and metrics.
    MonitoringRead = "monitoring:read";
    /// Change monitoring, send actuals.
    MonitoringWrite = "monitoring:write";
    /// Read the audit log.
    AuditRead = "audit:read";
    /// Manage API keys.
    AuthAdmin = "auth:admin";
}

/// The bundle of all scopes, which only the bootstrap key carries.
pub const EVERYTHING: &str = "*";
