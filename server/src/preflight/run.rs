//! One child: started, listened to, ended.

use super::reason::{Ended, Reason};
use super::watch::{Patience, hung};
use super::wire::{Job, Verdict};
use servoir_child::{Line, Process, Program, Start, memory};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What of the server's environment a child is given: what the system needs to find an engine's libraries.
const ENVIRONMENT: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// So that memory which was given back does not count as what a model takes: mimalloc's and the C library's own settings.
const MEASURED: [(&str, &str); 3] =
    [("MIMALLOC_PURGE_DELAY", "0"), ("MALLOC_TRIM_THRESHOLD_", "131072"), ("MALLOC_MMAP_THRESHOLD_", "131072")];

/// Runs a child: what it said of each engine, in their order and perhaps not of all, and why it said no more.
pub(super) async fn run(program: &Program, job: &Job, patience: Patience) -> (Vec<Result<u64, Reason>>, Reason) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (heard, lines_max) = (Arc::clone(&lines), job.engines.len());
    let take = move |line: Line| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < lines_max {
            heard.push(line);
        }
    };
    let ended = live(program, job, (take, patience)).await;
    let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
    let limits = job.limits();
    let mut outcomes = Vec::new();
    for line in &lines {
        match Verdict::read(line) {
            Ok(verdict) => outcomes.push(verdict.outcome(&limits)),
            Err(garbled) => return (outcomes, Reason::Unavailable(garbled)),
        }
    }
    let why = match ended {
        Ok((ended, said)) => Reason::of(&ended, &said, &limits),
        Err(why) => Reason::Unavailable(why),
    };
    (outcomes, why)
}

/// A child's life: how it ended, and its last words. What cannot be started, or watched, is told in words.
async fn live(
    program: &Program,
    job: &Job,
    (take, patience): (impl FnMut(Line) + Send + 'static, Patience),
) -> Result<(Ended, String), String> {
    let start = Start {
        program,
        folder: Path::new("/"),
        kept: &ENVIRONMENT,
        environment: memory::ENVIRONMENT.iter().chain(&MEASURED).map(|(name, value)| (*name, value.into())).collect(),
        job: serde_json::to_vec(job).map_err(|error| error.to_string())?,
    };
    let started = Process::start(start, take).await;
    let mut process = started.map_err(|error| format!("{}: {error}", program.file.display()))?;
    let pid = process.pid();
    let ended = tokio::select! {
        status = process.wait() => status.map(Ended::With).map_err(|error| error.to_string()),
        hung = hung(pid, patience) => Ok(Ended::Hung(hung)),
    };
    let said = process.finish().await;
    Ok((ended?, said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_child::Limits;
    use servoir_runtime::{Artifact, EngineName, Format};
    use std::time::Duration;

    /// Far more than a script takes.
    const PATIENT: Patience = Patience { idle: Duration::from_secs(60), longest: Duration::from_secs(600) };

    /// Runs a script of the shell in a child's place, with so many engines to try: what came of them and of it, in words.
    async fn run_script(script: &str, engines: usize, patience: Patience) -> (Vec<String>, String) {
        let program = Program { file: "/bin/sh".into(), args: vec!["-c".into(), script.into()] };
        let artifact = Artifact { path: "/models/m.onnx".into(), folder: None, format: Format::Onnx };
        let limits = Limits { memory_bytes_max: 1 << 30, cpu_seconds_max: Some(7), nice: 0 };
        let engines: Vec<_> = EngineName::ALL.iter().copied().cycle().take(engines).map(Some).collect();
        let job = Job::new(&artifact, &engines, (limits, None));
        let (outcomes, why) = run(&program, &job, patience).await;
        let shown = |outcome: Result<u64, Reason>| outcome.map_or_else(|reason| reason.to_string(), |_| "safe".into());
        (outcomes.into_iter().map(shown).collect(), format!("{} {why}", why.is_the_files()))
    }

    #[tokio::test]
    async fn the_end_of_a_child_has_its_reason() {
        let safe = r#"echo '{"outcome":"safe","bytes":1}'"#;
        let endless = r#"yes '{"outcome":"safe","bytes":1}' | head -n 100000"#;
        let none: &[&str] = &[];
        for (script, engines, said, why) in [
            (safe, 1, &["safe"][..], ""),
            (safe, 2, &["safe"], "no verdict"),
            (
                "kill -SEGV $$",
                1,
                none,
                "true crashed: opened and run once in a process of its own, it was ended by SIGSEGV",
            ),
            ("kill -KILL $$", 1, none, "false crashed: "),
            ("kill -XCPU $$", 1, none, "true timed-out: "),
            ("kill -XCPU $$", 1, none, "7 s of processor time"),
            ("echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$", 1, none, "true out-of-memory: "),
            ("echo overflowed its stack >&2; kill -ABRT $$", 1, none, "SIGABRT: overflowed its stack"),
            ("exit 139", 1, none, "SIGSEGV"),
            ("echo no such command >&2; exit 2", 1, none, "no such command"),
            ("exit 0", 1, none, "no verdict"),
            ("echo nonsense", 1, none, "its verdict cannot be read"),
            ("head -c 300000 /dev/zero", 1, none, "longer than"),
            (endless, 2, &["safe", "safe"], ""),
            (
                r#"echo '{"outcome":"rejected","engine":"tract","reason":"node a"}'"#,
                1,
                &["tract cannot load this model: node a"],
                "",
            ),
            (&format!("{safe}; kill -BUS $$"), 2, &["safe"], "SIGBUS"),
        ] {
            let (outcomes, told) = run_script(script, engines, PATIENT).await;
            assert_eq!(outcomes, said, "{script}");
            assert!(told.contains(why), "{script}: {told}");
        }
    }

    #[tokio::test]
    async fn a_child_that_hangs_is_ended() {
        let hasty = Patience { idle: Duration::from_millis(200), ..PATIENT };
        let (outcomes, why) = run_script("sleep 600", 1, hasty).await;
        assert_eq!(outcomes.len(), 0);
        assert!(why.starts_with("false timed-out: ") && why.contains("used no processor"), "{why}");
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_child_that_works_does_not_hang_until_all_patience_is_over() {
        // Long enough for the child to get a tick of the processor's time within `idle`, however busy the machine is.
        let longest = Duration::from_secs(6);
        let hasty = Patience { idle: Duration::from_secs(5), longest };
        let begun = std::time::Instant::now();
        let (outcomes, why) = run_script("while :; do :; done", 1, hasty).await;
        assert_eq!(outcomes.len(), 0);
        assert!(why.starts_with("false timed-out: ") && why.contains("had not ended"), "{why}");
        assert!(begun.elapsed() >= longest);
    }

    #[tokio::test]
    async fn a_child_that_cannot_be_started_is_this_nodes_want() {
        let program = Program { file: "/nonexistent/servoir".into(), args: Vec::new() };
        let artifact = Artifact { path: "/models/m.onnx".into(), folder: None, format: Format::Onnx };
        let limits = Limits { memory_bytes_max: 1 << 30, cpu_seconds_max: Some(7), nice: 0 };
        let (outcomes, why) = run(&program, &Job::new(&artifact, &[None], (limits, None)), PATIENT).await;
        assert!(outcomes.is_empty() && !why.is_the_files());
        assert!(why.to_string().contains("/nonexistent/servoir"), "{why}");
    }
}
