//! The flags that set the server's settings, shared by every command that reads its configuration.

use super::failure::Failure;
use crate::config::{Loaded, load};
use std::path::PathBuf;

/// Flags of the server's configuration. They win over the environment, which wins over the file.
#[derive(Debug, Default, clap::Args)]
pub struct ServerFlags {
    /// Configuration file (TOML); none is read by default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to answer on; may come several times [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<String>,
    /// Address of the management APIs and the metrics, when they are to have one of their own
    #[arg(long, value_name = "ADDR:PORT")]
    pub admin_listen: Option<String>,
    /// Certificate chain of all addresses, PEM [default: connections are plain]
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<String>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Folder of everything that is kept locally [default: ./servoir-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Database, `sqlite:PATH` or `postgres://…` [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Artifact store, `file:///FOLDER` or `s3://BUCKET/PREFIX` [default: the data folder]
    #[arg(long, value_name = "URL")]
    pub artifacts: Option<String>,
    /// Folder of models, served in place of the registry
    #[arg(long, value_name = "DIR")]
    pub models: Option<String>,
    /// Name of the one model of a folder that holds a model file itself
    #[arg(long, value_name = "NAME")]
    pub model_name: Option<String>,
    /// ONNX Runtime's shared library [default: looked for]
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<String>,
    /// How long a model is measured when it is loaded for the first time on this machine; 0: not at all [default: 1]
    #[arg(long, value_name = "SECONDS")]
    pub profile_seconds: Option<String>,
}

impl ServerFlags {
    /// The configuration that these flags, this process's environment and the named file make.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(&self) -> Result<Loaded, Failure> {
        Ok(load(self.config.as_deref(), environment(), self.given())?)
    }

    /// The settings that were given, by key.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let one = [
            ("server.admin_listen", &self.admin_listen),
            ("server.tls_certificate", &self.tls_certificate),
            ("server.tls_key", &self.tls_key),
            ("storage.data_dir", &self.data_dir),
            ("storage.database", &self.database),
            ("storage.artifacts", &self.artifacts),
            ("models.dir", &self.models),
            ("models.name", &self.model_name),
            ("engines.onnxruntime", &self.onnxruntime),
            ("engines.profile_seconds", &self.profile_seconds),
        ];
        let listen = self.listen.iter().map(|address| ("server.listen", address.clone()));
        listen.chain(one.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)))).collect()
    }
}

/// This process's environment. What is not Unicode is read with replacement characters, which no setting takes.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
