//! hatif-practice: the built-in practice line. A SIP peer inside the app, on 127.0.0.1 only, that a new user can call in
//! the first minute and that a trainee can practise with. It is built of the product's own parts (`hatif-net`,
//! `hatif-audio`) and reached through an ordinary account, so a practice call takes the same path as a real one.
//!
//! - `echo@practice` says a word of welcome and then says back what it hears.
//! - `sara@practice` and `omid@practice` are customers: they answer, and ring when asked to.

mod line;
mod prompts;

use hatif_core::{
    account::{Account, Password},
    audio::AudioEvent,
    sip::SipEvent,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Requests and events that may wait; all at human pace.
const QUEUE: usize = 512;
/// Between two attempts to bring the line up, should a port be taken in between.
const RETRY: Duration = Duration::from_millis(500);

/// A customer of the practice line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Customer {
    /// Asks where her order is. Speaks Arabic, or English to an English phone.
    Sara,
    /// Asks about an invoice. Speaks Persian, or English to an English phone.
    Omid,
}

/// What the line tells.
#[derive(Clone, PartialEq, Debug)]
pub enum PracticeEvent {
    /// It stands; this account reaches it.
    Up { account: Box<Account>, password: Password },
}

enum Fed {
    Ring(Customer, String),
    Speak(String),
    Sip(SipEvent),
    Audio(AudioEvent),
}

/// The running practice line. Dropping it ends it.
pub struct Practice {
    queue: mpsc::Sender<Fed>,
    up: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Practice {
    /// Starts the line on the current tokio runtime. `on_event` must not block.
    pub fn start(mut on_event: impl FnMut(PracticeEvent) + Send + 'static) -> Practice {
        let (queue, mut fed) = mpsc::channel(QUEUE);
        let up = Arc::new(AtomicBool::new(false));
        let (own_queue, own_up) = (queue.clone(), up.clone());
        let task = tokio::spawn(async move {
            loop {
                match line::Line::start(own_queue.clone()) {
                    Ok(mut line) => line.run(&mut fed, &own_up, &mut on_event).await,
                    Err(error) => tracing::warn!(%error, "the practice line could not start"),
                }
                own_up.store(false, Ordering::Relaxed);
                tokio::time::sleep(RETRY).await;
            }
        });
        Practice { queue, up, task }
    }

    /// Lets a customer ring the phone. False when the phone is not registered with the line (yet).
    pub fn ring(&self, customer: Customer, language: &str) -> bool {
        self.up.load(Ordering::Relaxed) && self.queue.try_send(Fed::Ring(customer, language.to_owned())).is_ok()
    }

    /// The language that the customers should speak from now on: `en`, or their own.
    pub fn speak(&self, language: &str) {
        // A full queue means that nothing works any more; the language is then the least of it.
        let _ = self.queue.try_send(Fed::Speak(language.to_owned()));
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        self.task.abort();
    }
}
