//! Noticing that certificates have changed: the files are looked at every few seconds, and at once on SIGHUP.

use super::files::Stamps;
use super::{Tls, TlsError};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Serves new connections with what the files hold, for as long as it is polled. Files that cannot be used leave what
/// was served in use, and the log says why, once for each change. From this call on SIGHUP does not end the process.
pub fn keep_fresh(tls: Arc<Tls>) -> impl Future<Output = ()> + Send + 'static {
    let hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => Some(hangups),
        Err(error) => {
            tracing::warn!(%error, "cannot hear SIGHUP; certificates are read again when their files change");
            None
        }
    };
    let known = tls.first.clone();
    look_again_and_again(tls, known, hangups)
}

async fn look_again_and_again(tls: Arc<Tls>, mut known: Stamps, mut hangups: Option<Signal>) {
    loop {
        let asked = tokio::select! {
            () = hangup(&mut hangups) => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let read = tokio::task::spawn_blocking({
            let (tls, known) = (tls.clone(), known.clone());
            move || {
                // Stamps come first: what is written while the files are read is seen as a change the next time.
                let stamps = tls.files.stamps();
                let changed = asked || stamps != known;
                (stamps, changed.then(|| tls.reload()))
            }
        });
        let Ok((stamps, reloaded)) = read.await else { continue };
        known = stamps;
        match reloaded {
            None => {}
            Some(Ok(())) => tracing::info!("certificates were read again; new connections get them"),
            Some(Err(error)) => warn(&error),
        }
    }
}

async fn hangup(hangups: &mut Option<Signal>) {
    match hangups {
        Some(hangups) => drop(hangups.recv().await),
        None => std::future::pending().await,
    }
}

fn warn(error: &TlsError) {
    tracing::warn!(%error, "the new certificates cannot be used; the ones before stay in use");
}
