//! Threads of the process's own priority, whoever asks for them.
//!
//! A thread begins with the priority of the one that starts it, and one that has stepped back may not step forward again. Models are
//! loaded on threads that stand back for those that answer, so what answers is started by a thread that never stepped back.

use crate::engine::caught;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::Builder;

type Work = Box<dyn FnOnce() + Send>;

/// Takes what is to be done; `None`: the system had no thread for it.
static STARTER: OnceLock<Option<Sender<Work>>> = OnceLock::new();

/// Starts the thread, with the priority of this one, unless that was done.
pub fn prepare() {
    starter();
}

fn starter() -> Option<&'static Sender<Work>> {
    let start = || {
        let (sender, waiting) = channel::<Work>();
        let work = move || waiting.into_iter().for_each(|work| work());
        Builder::new().name("servoir-starter".into()).spawn(work).is_ok().then_some(sender)
    };
    STARTER.get_or_init(start).as_ref()
}

/// Does something short with the process's own priority, and waits for it: here, when there is no such thread.
///
/// # Errors
/// When it panicked: with what it said.
pub fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let Some(starter) = starter() else { return caught(work) };
    let (reply, answer) = sync_channel(1);
    let asked = starter.send(Box::new(move || drop(reply.send(caught(work)))));
    asked
        .ok()
        .and_then(|()| answer.recv().ok())
        .unwrap_or_else(|| Err("the thread that starts others has ended".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_done_by_another_thread_and_a_panic_is_told() {
        let name = || std::thread::current().name().map(str::to_owned);
        assert_eq!(run(name), Ok(Some("servoir-starter".to_owned())));
        assert_eq!(run(|| -> i32 { panic!("on purpose") }), Err("on purpose".to_owned()));
        assert_eq!(run(|| 1), Ok(1));
    }
}
