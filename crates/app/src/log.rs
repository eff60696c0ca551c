//! Logs: to standard error, INFO by default, `HATIF_LOG` for more; and the last lines of INFO and above for the page of
//! diagnostics. Lines about calls and accounts carry ids, never numbers, names, addresses or secrets.

use crate::view::{LogLevel, LogLine};
use std::{
    collections::VecDeque,
    fmt::{Debug, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{SystemTime, UNIX_EPOCH},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{EnvFilter, Layer, layer::Context, prelude::*};

/// What is logged unless `HATIF_LOG` says otherwise: our own lines. Libraries' lines can hold addresses at any level (a
/// refused certificate is told with its host's name), and what goes wrong in them is told by us.
const DEFAULT: &str = "off,hatif=info,hatif_shell=info,hatif_app=info,hatif_cli=info,hatif_core=info,hatif_net=info,\
    hatif_sip=info,hatif_audio=info,hatif_media=info,hatif_store=info,hatif_practice=info,hatif_headset=info";

/// Lines that are kept, and that may wait to be: a shift makes a few a minute. Beyond it the newest are lost while they
/// wait, the oldest once they are kept.
const KEPT: usize = 500;

/// The last lines of the log, whatever `HATIF_LOG` says: [`DEFAULT`].
#[derive(Debug)]
pub struct LogTail {
    coming: Receiver<LogLine>,
    kept: VecDeque<LogLine>,
}

impl LogTail {
    /// The last lines, oldest first.
    pub fn read(&mut self) -> Vec<LogLine> {
        self.take();
        self.kept.iter().cloned().collect()
    }

    /// Takes what has come, so that there is room for more.
    pub(crate) fn take(&mut self) {
        self.kept.extend(self.coming.try_iter());
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
    }
}

/// Starts logging for this process. Called once; a second call changes nothing, and its tail stays empty.
pub fn start() -> LogTail {
    let wanted = std::env::var("HATIF_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    let wanted = EnvFilter::try_new(&wanted).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let (tail, keep) = tail();
    let printed = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(wanted);
    let kept = keep.with_filter(EnvFilter::new(DEFAULT));
    if tracing_subscriber::registry().with(printed).with(kept).try_init().is_err() {
        tracing::debug!("logging has already been started");
    }
    tail
}

fn tail() -> (LogTail, Keep) {
    let (lines, coming) = sync_channel(KEPT);
    (LogTail { coming, kept: VecDeque::new() }, Keep { lines })
}

/// Makes lines of events and passes them on without waiting.
struct Keep {
    lines: SyncSender<LogLine>,
}

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words(String::new());
        event.record(&mut words);
        let line = LogLine {
            at_ms: SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis() as f64).unwrap_or(0.0),
            level: match *event.metadata().level() {
                Level::ERROR => LogLevel::Error,
                Level::WARN => LogLevel::Warning,
                _ => LogLevel::Info,
            },
            part: event.metadata().target().to_owned(),
            text: words.0,
        };
        // A full queue loses the line: nobody has read the log for hundreds of them.
        drop(self.lines.try_send(line));
    }
}

/// An event's message and fields as one line.
struct Words(String);

impl Words {
    fn add(&mut self, field: &Field, value: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value}"),
            name => write!(self.0, "{name}={value}"),
        };
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        // Ids are numbers of our own.
        let ours = matches!(field.name(), "call" | "account");
        self.add(field, &if ours { text } else { without_private(&text) });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, &without_private(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value.to_string());
    }
}

/// No line should hold a telephone number, an address or a path. Should one all the same, it goes no further: whatever
/// looks like one becomes `…`.
fn without_private(text: &str) -> String {
    let text = without_numbers(text);
    let words = text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')' | ',' | ';' | '='));
    words.map(|word| if is_private(word) { hidden(word) } else { word.to_owned() }).collect()
}

/// Figures with what is written between those of a telephone number; seven are one.
fn without_numbers(text: &str) -> String {
    let belongs = |c: char| c.is_numeric() || matches!(c, ' ' | '+' | '-' | '.');
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = belongs(first);
        let end = rest.find(|c| belongs(c) != inside).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let number = inside && run.chars().filter(|c| c.is_numeric()).count() >= 7;
        out.push_str(if number { " … " } else { run });
        rest = after;
    }
    out
}

fn is_private(word: &str) -> bool {
    let digits = word.chars().filter(|c| c.is_numeric()).count();
    let separators = word.chars().filter(|c| matches!(c, '.' | ':')).count();
    digits >= 5 || word.contains(['@', '/', '\\']) || (digits > 0 && separators >= 2)
}

/// What ended the word is kept.
fn hidden(word: &str) -> String {
    let end = word.chars().next_back().filter(|c| c.is_whitespace() || "\"(),;=".contains(*c));
    end.into_iter().fold("…".to_owned(), |mut hidden, end| {
        hidden.push(end);
        hidden
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: impl FnOnce()) -> Vec<LogLine> {
        let (mut tail, keep) = tail();
        let subscriber = tracing_subscriber::registry().with(keep.with_filter(EnvFilter::new(DEFAULT)));
        tracing::subscriber::with_default(subscriber, log);
        tail.read()
    }

    #[test]
    fn our_lines_are_kept_with_their_fields_and_nobody_elses() {
        let kept = lines(|| {
            tracing::info!(call = 2_147_483_648_u64, account = %1, state = "active");
            tracing::warn!(code = "wire.no_network", "the way is down");
            tracing::debug!("too much");
            tracing::error!(target: "rustls::client", "somebody else");
        });
        let told: Vec<_> = kept.iter().map(|line| (line.level, line.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (LogLevel::Info, "call=2147483648 account=1 state=active"),
                (LogLevel::Warning, "the way is down code=wire.no_network"),
            ]
        );
        assert!(kept.iter().all(|line| line.part == "hatif_app::log::tests" && line.at_ms > 0.0));
    }

    #[test]
    fn what_looks_private_goes_no_further() {
        let private = [
            "+98 21 8820 1140",
            "09120004321",
            "٠٩١٢٠٠٠٤٣٢١",
            "sara@pbx.example",
            "sip:1001@10.0.0.7",
            "10.0.0.7",
            "fe80::1",
            "/home/layla/hatif.db",
            r"C:\Users\Layla",
        ];
        for text in private {
            let error = std::io::Error::other(format!("could not reach ({text}), gave up"));
            for line in lines(|| {
                tracing::warn!(%error, "it failed");
                tracing::warn!("it failed: {text}");
                tracing::warn!(what = text, ?text);
            }) {
                let longest = text.split(' ').max_by_key(|part| part.len()).unwrap_or(text);
                assert!(line.text.contains('…') && !line.text.contains(longest), "{text}: {}", line.text);
            }
        }
        assert_eq!(without_private("os error 111, 1200 ms, v0.1.0"), "os error 111, 1200 ms, …");
    }

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let (mut tail, keep) = tail();
        let subscriber = tracing_subscriber::registry().with(keep);
        tracing::subscriber::with_default(subscriber, || {
            for n in 0..KEPT + 7 {
                tracing::info!(n);
                tail.take();
            }
        });
        let kept = tail.read();
        assert_eq!((kept.len(), kept[0].text.as_str()), (KEPT, "n=7"));
    }
}
