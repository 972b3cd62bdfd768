//! From PEM files to what connections are accepted with.

use crate::config::TlsConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, InconsistentKeys, RootCertStore};

/// What is spoken inside TLS, the preferred first (ALPN).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// The largest certificate or key file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why the files cannot be served with. None of the messages shows what is in a key file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum TlsError {
    #[error("'{setting}': cannot read '{}': {reason}", path.display())]
    Unreadable { setting: &'static str, path: PathBuf, reason: String },
    #[error("'{setting}': '{}' holds no {expected} in PEM form", path.display())]
    Empty { setting: &'static str, path: PathBuf, expected: &'static str },
    #[error("'server.tls_key': the key in '{}' does not belong to the certificate in '{}'", key.display(), certificate.display())]
    Foreign { key: PathBuf, certificate: PathBuf },
    #[error("'{setting}': '{}' cannot be used: {reason}", path.display())]
    Unusable { setting: &'static str, path: PathBuf, reason: String },
}

/// The configured files.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// What tells whether a file has changed: when it was written and how many bytes it has; `None` while it is away.
pub type Stamps = Vec<Option<(SystemTime, u64)>>;

impl Files {
    /// The files, when certificate and key are configured.
    pub fn of(config: &TlsConfig) -> Option<Self> {
        let (certificate, key) = (config.certificate.clone()?, config.key.clone()?);
        Some(Self { certificate, key, client_ca: config.client_ca.clone() })
    }

    /// The stamp of each file.
    pub fn stamps(&self) -> Stamps {
        let files = [&self.certificate, &self.key].into_iter().chain(&self.client_ca);
        let stamp = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        files.map(stamp).collect()
    }

    /// Reads the files and checks that they belong together.
    pub fn read(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates("server.tls_certificate", &self.certificate)?;
        let pem = read("server.tls_key", &self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                TlsError::Empty { setting: "server.tls_key", path: self.key.clone(), expected: "private key" }
            }
            // What exactly is broken is not said: the message would quote the key.
            _ => unusable("server.tls_key", &self.key, "its PEM is broken"),
        })?;
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(&[&TLS13, &TLS12]);
        let builder = builder.map_err(|error| unusable("server.tls_certificate", &self.certificate, error))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(roots("server.tls_client_ca", file)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                let verifier = verifier.map_err(|error| unusable("server.tls_client_ca", file, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Foreign { key: self.key.clone(), certificate: self.certificate.clone() }
            }
            error => unusable("server.tls_certificate", &self.certificate, error),
        })?;
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |reason: String| TlsError::Unreadable { setting, path: path.to_owned(), reason };
    let bytes = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(unreadable(format!("it has {bytes} bytes; at most {FILE_BYTES_MAX} are read")));
    }
    std::fs::read(path).map_err(|error| unreadable(error.to_string()))
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(setting, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| unusable(setting, path, error))?;
    if chain.is_empty() {
        return Err(TlsError::Empty { setting, path: path.to_owned(), expected: "certificate" });
    }
    Ok(chain)
}

fn roots(setting: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(setting, path)? {
        roots.add(certificate).map_err(|error| unusable(setting, path, error))?;
    }
    Ok(roots)
}

fn unusable(setting: &'static str, path: &Path, reason: impl std::fmt::Display) -> TlsError {
    TlsError::Unusable { setting, path: path.to_owned(), reason: reason.to_string() }
}
