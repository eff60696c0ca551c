//! What a program has said, message by message, and waiting for what it should say.

use crate::DEADLINE;
use serde_json::Value;
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

#[derive(Clone)]
pub struct Transcript {
    name: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    messages: Vec<Value>,
    /// Nothing will be said any more.
    over: bool,
}

impl Transcript {
    pub fn new(name: &str) -> Transcript {
        Transcript { name: name.into(), shared: Arc::default() }
    }

    /// Runs `read` on a thread of its own; it is given what takes each message, and returns when there are no more.
    pub fn follow(&self, read: impl FnOnce(&dyn Fn(Value)) + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            read(&|message| {
                shared.said.lock().unwrap_or_else(PoisonError::into_inner).messages.push(message);
                shared.more.notify_all();
            });
            shared.said.lock().unwrap_or_else(PoisonError::into_inner).over = true;
            shared.more.notify_all();
        });
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.shared.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much has been said; what is waited for can be asked to come after this.
    pub fn mark(&self) -> usize {
        self.lock().messages.len()
    }

    pub fn since(&self, mark: usize) -> Vec<Value> {
        self.lock().messages[mark..].to_vec()
    }

    /// The first message after `mark` that `wanted` accepts. Panics with all that was said when it does not come.
    pub fn wait_for(&self, what: &str, mark: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_long_for(what, DEADLINE, mark, wanted)
    }

    /// The same, for what takes its time by design.
    pub fn wait_long_for(&self, what: &str, limit: Duration, mark: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + limit;
        let mut said = self.lock();
        let mut from = mark;
        loop {
            if let Some(message) = said.messages[from..].iter().find(|message| wanted(message)) {
                return message.clone();
            }
            from = said.messages.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if said.over || left.is_zero() {
                let why = if said.over { "it has ended" } else { "it did not come" };
                let lines = telling(&said.messages[mark.min(said.messages.len())..]);
                drop(said);
                panic!("{}: waiting for {what}: {why}. It said:\n{}\n", self.name, lines.join("\n"));
            }
            said = self.shared.more.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The last messages, without those that come many times a second.
fn telling(messages: &[Value]) -> Vec<String> {
    let steady = |message: &&Value| message["event"] == "level" || message["event"] == "quality";
    let lines: Vec<String> = messages.iter().filter(|message| !steady(message)).map(Value::to_string).collect();
    lines[lines.len().saturating_sub(30)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_said_is_found_after_its_mark() {
        let transcript = Transcript::new("speaker");
        let (say, hear) = std::sync::mpsc::sync_channel(4);
        transcript.follow(move |add| hear.iter().for_each(add));
        say.send(json!({ "n": 1 })).unwrap();
        transcript.wait_for("one", 0, |message| message["n"] == 1);
        let mark = transcript.mark();
        say.send(json!({ "n": 2 })).unwrap();
        assert_eq!(transcript.wait_for("anything", mark, |_| true)["n"], 2);
    }

    #[test]
    #[should_panic(expected = "it has ended")]
    fn what_is_never_said_is_a_failure_at_once_when_the_speaker_ends() {
        let transcript = Transcript::new("speaker");
        transcript.follow(|add| add(json!({ "n": 1 })));
        transcript.wait_for("two", 0, |message| message["n"] == 2);
    }
}
