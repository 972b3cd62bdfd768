//! Log lines: for people on a terminal, JSON otherwise; how much of them can be changed while the process runs.

use crate::config::LogFormat;
use anyhow::Context as _;
use std::io::IsTerminal as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends log lines to standard error from now on.
///
/// # Errors
/// When `level` is not a filter, or log lines go somewhere already.
pub fn start(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(level).with_context(|| format!("log.level '{level}' is not a filter"))?;
    let levels = Levels::of(filter.max_level_hint().unwrap_or(LevelFilter::TRACE));
    let terminal = std::io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none();
    // A line that cannot be written is lost: to say so, on a disk that is full, would panic wherever something is logged.
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let human = match format {
        LogFormat::Auto => terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let reload: Reload = if human {
        let lines = lines.with_ansi(colours).with_target(false).compact().with_filter_reloading();
        let handle = lines.reload_handle();
        lines.finish().try_init()?;
        Box::new(move |filter| handle.reload(filter))
    } else {
        let lines = lines.json().flatten_event(true).with_current_span(false).with_filter_reloading();
        let handle = lines.reload_handle();
        lines.finish().try_init()?;
        Box::new(move |filter| handle.reload(filter))
    };
    let control = Control { levels: Mutex::new(levels), reload: Some(reload) };
    CONTROL.set(control).map_err(|_| anyhow::anyhow!("what is logged is controlled from somewhere else already"))
}

/// Like the subscriber, one for the process.
static CONTROL: OnceLock<Control> = OnceLock::new();

/// Puts another filter in the place of the one that is used.
type Reload = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// What is logged, and the way to change it.
pub struct Control {
    levels: Mutex<Levels>,
    /// `None` when this process does not write log lines of its own.
    reload: Option<Reload>,
}

/// What is logged, by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Levels {
    pub info: bool,
    pub warning: bool,
    pub error: bool,
    /// 0: none; 1: what helps to find a fault; from 2: every step.
    pub verbose: u32,
}

/// The control of this process's log lines. In a process that has not begun any with [`start`], levels are kept and change
/// nothing.
pub fn control() -> &'static Control {
    CONTROL.get_or_init(|| Control { levels: Mutex::new(Levels::of(LevelFilter::current())), reload: None })
}

impl Control {
    /// What is logged now.
    pub fn levels(&self) -> Levels {
        *self.lock()
    }

    /// Logs these levels from now on, in place of the filter that was given at the start.
    ///
    /// # Errors
    /// When a level is on and one above it is off, saying which.
    pub fn set(&self, levels: Levels) -> Result<(), String> {
        let filter = levels.filter()?;
        let mut current = self.lock();
        if let Some(reload) = &self.reload {
            reload(EnvFilter::new(&filter)).map_err(|error| format!("the filter cannot be changed: {error}"))?;
        }
        *current = levels;
        tracing::info!(filter, "log levels changed");
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Levels {
    fn of(most: LevelFilter) -> Self {
        Self {
            info: most >= LevelFilter::INFO,
            warning: most >= LevelFilter::WARN,
            error: most >= LevelFilter::ERROR,
            verbose: u32::from(most >= LevelFilter::DEBUG) + u32::from(most >= LevelFilter::TRACE),
        }
    }

    /// The filter that lets these levels through. What is verbose is the server's own, not its libraries'.
    fn filter(self) -> Result<String, String> {
        let by_severity = [
            ("log_error", self.error),
            ("log_warning", self.warning),
            ("log_info", self.info),
            ("log_verbose_level", self.verbose > 0),
        ];
        for pair in by_severity.windows(2) {
            if let [(above, false), (below, true)] = pair {
                return Err(format!(
                    "{below} is on and {above} is off; what is logged includes all that is more severe"
                ));
            }
        }
        Ok(match self {
            Self { verbose: 2.., .. } => "info,servoir=trace".to_owned(),
            Self { verbose: 1, .. } => "info,servoir=debug".to_owned(),
            Self { info: true, .. } => "info".to_owned(),
            Self { warning: true, .. } => "warn".to_owned(),
            Self { error: true, .. } => "error".to_owned(),
            _ => "off".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_filters_and_back() {
        let cases = [
            (LevelFilter::OFF, "off"),
            (LevelFilter::ERROR, "error"),
            (LevelFilter::WARN, "warn"),
            (LevelFilter::INFO, "info"),
            (LevelFilter::DEBUG, "info,servoir=debug"),
            (LevelFilter::TRACE, "info,servoir=trace"),
        ];
        for (level, filter) in cases {
            assert_eq!(Levels::of(level).filter().as_deref(), Ok(filter));
            assert_eq!(EnvFilter::new(filter).max_level_hint(), Some(level));
        }
        let gap = Levels { warning: false, ..Levels::of(LevelFilter::INFO) };
        assert!(gap.filter().unwrap_err().starts_with("log_info is on and log_warning is off"));
    }
}
