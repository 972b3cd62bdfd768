//! `servoir demo`: the main job on this machine, from registering a model to swapping it under load, through the same
//! HTTP interfaces that everybody else uses.

mod assets;
mod drift;
mod load;
mod tour;

use super::client::Client;
use super::failure::Failure;
use super::flags::environment;
use super::onnxruntime::{self, Outcome};
use super::output::{BOLD, message, paint, stdout_has_colours};
use super::{output, wait};
use crate::config::{BOOTSTRAP_KEY_CHARS_MIN, Config, LogFormat, load};
use crate::serve::start;
use crate::telemetry::logging;
use assets::Assets;
use servoir_types::{Secret, random_token};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use tour::Tour;

/// Where the demo's server answers when that port is free.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Flags of `servoir demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Address to answer on [default: 127.0.0.1:8080, or a free port when that one is taken]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Folder with the demo's models [default: those within this binary]
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
    /// ONNX Runtime's shared library [default: looked for]
    #[arg(long, env = "SERVOIR_ONNXRUNTIME", value_name = "PATH")]
    onnxruntime: Option<PathBuf>,
    /// End after the tour
    #[arg(long)]
    exit: bool,
}

impl Demo {
    /// Shows everything, then keeps serving until it is asked to stop.
    pub fn run(self) -> Result<(), Failure> {
        let assets = match &self.assets {
            Some(folder) => Assets::read(folder)?,
            None => Assets::embedded()?,
        };
        let data = tempfile::Builder::new().prefix("servoir-").tempdir();
        let data = data.map_err(|error| Failure::failed(format!("cannot make a temporary folder: {error}")))?;
        let key = Secret::new(format!("servoir_demo_{}", random_token(BOOTSTRAP_KEY_CHARS_MIN)));
        let library = onnxruntime::locate(self.onnxruntime.clone())?;
        if let Outcome::Missing { looked } = &library {
            let advice =
                "`pip install onnxruntime` in an active Python environment, or --onnxruntime PATH, provides it";
            message(&format!("ONNX Runtime was not found ({}); {advice}. Going on without it.", looked.join("; ")));
        }
        let config = config(self.address()?, data.path(), library.path(), &key)?;
        logging::start(LogFormat::Human, "warn")?;
        wait::server_runtime()?.block_on(self.serve(config, &assets, &key, data.path()))
    }

    async fn serve(&self, config: Config, assets: &Assets, key: &Secret, data: &Path) -> Result<(), Failure> {
        let stop = wait::asked_to_stop()?;
        tokio::pin!(stop);
        let running = start(config).await?;
        let result = async {
            let address = running.addresses.first().ok_or_else(|| Failure::failed("the server listens nowhere"))?;
            let url = format!("http://{address}");
            let client = Client::new(&url, Some(key.clone()))?;
            let version = env!("CARGO_PKG_VERSION");
            heading(&format!("Servoir {version} answers on {url}"))?;
            output::result(&format!(
                "data folder  {}, removed at the end\nAPI key      {}\n",
                data.display(),
                key.expose()
            ))?;
            Tour { client: &client, assets, key }.run().await?;
            output::result(&invitation(&url, key, assets))
        };
        // Asked to stop on the way, the demo ends in peace: nothing of it is left behind.
        let toured = tokio::select! {
            result = result => result.map(|()| true),
            () = &mut stop => Ok(false),
        };
        if matches!(toured, Ok(true)) && !self.exit {
            message("\nServing until Ctrl-C.");
            stop.await;
        }
        running.stop().await;
        toured.map(drop)
    }

    fn address(&self) -> Result<SocketAddr, Failure> {
        if let Some(address) = self.listen {
            return Ok(address);
        }
        match TcpListener::bind(ADDRESS) {
            Ok(_) => Ok(ADDRESS),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                message(&format!("{ADDRESS} is taken, so a free port is used; --listen chooses one"));
                Ok(SocketAddr::new(ADDRESS.ip(), 0))
            }
            Err(error) => Err(Failure::failed(format!("cannot listen on {ADDRESS}: {error}"))),
        }
    }
}

/// The server's defaults, kept apart from whatever else this machine has of Servoir.
fn config(listen: SocketAddr, data: &Path, library: Option<PathBuf>, key: &Secret) -> Result<Config, Failure> {
    let given = vec![
        ("server.listen", listen.to_string()),
        ("storage.data_dir", data.display().to_string()),
        ("auth.bootstrap_key", key.expose().to_owned()),
    ];
    // Only the environment that belongs to engines matters here; the rest is about a real installation.
    let env = environment().filter(|(name, _)| name.starts_with("SERVOIR_ENGINES__") && !name.ends_with("ONNXRUNTIME"));
    let mut config = load(None, env, given)?.config;
    config.onnxruntime = library;
    Ok(config)
}

/// Says what comes next.
fn heading(text: &str) -> Result<(), Failure> {
    let text = if stdout_has_colours() { paint(text, BOLD) } else { text.to_owned() };
    output::result(&format!("\n{text}\n"))
}

/// What to look at and what to try: lines that can be copied as they are.
fn invitation(url: &str, key: &Secret, assets: &Assets) -> String {
    let key = key.expose();
    let row = assets.churn.rows.first().map(|row| serde_json::json!(row).to_string()).unwrap_or_default();
    format!(
        "
Look at
  {url}/api/docs          every call, to read and to try
  {url}/metrics           metrics for Prometheus
  {url}/readyz?verbose    readiness, check by check

Try
  export SERVOIR_URL={url} SERVOIR_API_KEY={key}

  curl -s {url}/v1/predict/churn -H \"X-API-Key: {key}\" -H 'Content-Type: application/json' \\
    -d '{{\"instances\": [{row}]}}'
  curl -s {url}/api/v1/model-registry/models -H \"X-API-Key: {key}\"
  echo '{row}' | servoir predict churn
  servoir drift churn
  servoir rollback churn
  servoir status
"
    )
}
