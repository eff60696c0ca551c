//! The agent's work around a call: what is noted of it (wrap-up), the ticket that it belongs to, and what is to be done
//! later (callbacks, other tasks). Pure: what time it is, is told.
//!
//! ```text
//! answered ──> Begin ──> wrap-up (draft) + ticket found or made ──> Keep, Keep, … ──> Keep{done} ──> ticket's status
//!                                                      └──> Task{due} ──> reminder ──> dialled, put off, done
//! ```

use crate::{
    customer::clean,
    store::{Interaction, InteractionQuery},
    text::Text,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use std::collections::BTreeMap;

/// Characters of a line (disposition, next action, subject, name, address, tag) at most; longer ones are refused.
pub const MAX_LINE: usize = 300;
/// Characters of the notes at most.
pub const MAX_NOTES: usize = 20_000;
pub const MAX_TAGS: usize = 20;
/// Wrap-ups, tickets or tasks that are told at once, at most.
pub const MAX_WAITING: u32 = 200;
/// Calls that are exported at once, about.
pub const MAX_EXPORT: usize = 100_000;
/// Minutes before its time that a task can be reminded of, at most: a week.
pub const MAX_REMIND: u32 = 7 * 24 * 60;

const MINUTE_MS: i64 = 60_000;

/// How the customer's matter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    #[default]
    Open,
    Closed,
    Resolved,
    FollowUp,
}

impl TicketStatus {
    pub const ALL: [TicketStatus; 4] =
        [TicketStatus::Open, TicketStatus::Closed, TicketStatus::Resolved, TicketStatus::FollowUp];

    /// Its name in the database and in files.
    pub fn name(self) -> &'static str {
        match self {
            TicketStatus::Open => "open",
            TicketStatus::Closed => "closed",
            TicketStatus::Resolved => "resolved",
            TicketStatus::FollowUp => "follow_up",
        }
    }

    pub fn named(name: &str) -> Option<TicketStatus> {
        TicketStatus::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Something is still to be done.
    pub fn is_open(self) -> bool {
        matches!(self, TicketStatus::Open | TicketStatus::FollowUp)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

impl Priority {
    pub const ALL: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];

    /// Its name in the database and in files.
    pub fn name(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        }
    }

    pub fn named(name: &str) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| priority.name() == name)
    }
}

/// What was noted of one call.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct WrapUp {
    /// The call's entry of the log.
    pub entry: String,
    #[serde(default)]
    pub customer: Option<u32>,
    #[serde(default)]
    pub ticket: Option<u32>,
    /// What came of the call: a code of the window's list, or words.
    #[serde(default)]
    pub disposition: String,
    #[serde(default)]
    pub status: Option<TicketStatus>,
    #[serde(default)]
    pub notes: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub next_action: String,
    /// The agent is through with it.
    #[serde(default)]
    pub done: bool,
}

impl WrapUp {
    /// The entry's row id. An entry that is no number names no call.
    pub fn id(&self) -> Option<i64> {
        self.entry.parse().ok()
    }

    /// Nothing was noted.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.disposition, &self.notes, &self.next_action];
        texts.iter().all(|text| text.is_empty()) && self.status.is_none() && self.tags.is_empty()
    }

    /// As it is kept: control and bidi characters, empty and doubled tags gone.
    ///
    /// # Errors
    /// `work.gone` when it names no call; `customer.too_long`, `customer.too_many` (`field`).
    pub fn tidied(self) -> Result<WrapUp, Text> {
        if self.id().is_none() {
            return Err(Text::new("work.gone"));
        }
        let mut tags: Vec<String> = Vec::new();
        for tag in &self.tags {
            let tag = line("tags", tag)?;
            if !tag.is_empty() && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if tags.len() > MAX_TAGS {
            return Err(Text::new("customer.too_many").with("field", "tags"));
        }
        Ok(WrapUp {
            disposition: line("disposition", &self.disposition)?,
            notes: notes(&self.notes)?,
            next_action: line("next_action", &self.next_action)?,
            tags,
            ..self
        })
    }
}

/// A matter of a customer, over any number of calls.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct Ticket {
    /// Its number.
    pub id: u32,
    #[serde(default)]
    pub customer: Option<u32>,
    #[serde(default)]
    pub subject: String,
    #[serde(default)]
    pub status: TicketStatus,
    #[serde(default)]
    pub priority: Priority,
    /// Unix time in milliseconds.
    #[serde(default)]
    #[specta(type = u32)]
    pub opened_ms: i64,
    /// Unix time in milliseconds.
    #[serde(default)]
    #[specta(type = u32)]
    pub changed_ms: i64,
}

impl Ticket {
    /// As it is kept. Fails with `customer.too_long` (`field`).
    pub fn tidied(self) -> Result<Ticket, Text> {
        Ok(Ticket { subject: line("subject", &self.subject)?, ..self })
    }
}

/// Something to be done at a time: a callback where there is an address.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct Task {
    /// 0: not kept yet.
    #[serde(default)]
    pub id: u32,
    #[serde(default)]
    pub customer: Option<u32>,
    #[serde(default)]
    pub ticket: Option<u32>,
    /// Whom it is about.
    #[serde(default)]
    pub name: String,
    /// What is dialled; empty: nobody is called.
    #[serde(default)]
    pub address: String,
    /// What is to be done.
    #[serde(default)]
    pub text: String,
    /// Unix time in milliseconds.
    #[specta(type = u32)]
    pub due_ms: i64,
    /// Minutes before it that it is reminded of.
    #[serde(default)]
    pub remind_min: u32,
    #[serde(default)]
    pub done: bool,
}

impl Task {
    /// As it is kept.
    ///
    /// # Errors
    /// `work.nothing_to_do` when it says neither whom to call nor what to do; `customer.too_long` (`field`).
    pub fn tidied(self) -> Result<Task, Text> {
        let task = Task {
            name: line("name", &self.name)?,
            address: line("numbers", &self.address)?,
            text: line("text", &self.text)?,
            remind_min: self.remind_min.min(MAX_REMIND),
            ..self
        };
        if task.address.is_empty() && task.text.is_empty() {
            return Err(Text::new("work.nothing_to_do"));
        }
        Ok(task)
    }

    /// When it is reminded of.
    pub fn remind_at_ms(&self) -> i64 {
        self.due_ms.saturating_sub(i64::from(self.remind_min) * MINUTE_MS)
    }
}

/// Which reminders have been given: each once for each time that a task is put to.
#[derive(Debug, Default)]
pub struct Reminders {
    given: BTreeMap<u32, i64>,
}

impl Reminders {
    /// The tasks whose reminder is due now and was not given yet; from here on it was.
    pub fn take(&mut self, tasks: &[Task], now_ms: i64) -> Vec<Task> {
        self.given.retain(|id, _| tasks.iter().any(|task| task.id == *id));
        let due = tasks.iter().filter(|task| self.waits(task) && task.remind_at_ms() <= now_ms).cloned();
        let due: Vec<Task> = due.collect();
        self.given.extend(due.iter().map(|task| (task.id, task.due_ms)));
        due
    }

    /// When the next one is due, Unix time in milliseconds.
    pub fn next_ms(&self, tasks: &[Task]) -> Option<i64> {
        tasks.iter().filter(|task| self.waits(task)).map(Task::remind_at_ms).min()
    }

    fn waits(&self, task: &Task) -> bool {
        !task.done && self.given.get(&task.id) != Some(&task.due_ms)
    }
}

fn line(field: &'static str, text: &str) -> Result<String, Text> {
    let text = clean(text, false);
    if text.chars().count() > MAX_LINE {
        return Err(Text::new("customer.too_long").with("field", field));
    }
    Ok(text)
}

fn notes(text: &str) -> Result<String, Text> {
    let text = clean(text, true);
    if text.chars().count() > MAX_NOTES {
        return Err(Text::new("customer.too_long").with("field", "notes"));
    }
    Ok(text)
}

/// A wrap-up that the agent is not through with, and its call.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub wrap_up: WrapUp,
    pub call: Interaction,
}

/// What notes were before they were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct FormerNotes {
    /// When they were replaced, Unix time in milliseconds.
    #[specta(type = u32)]
    pub until_ms: i64,
    pub notes: String,
}

/// What the application asks of the store about the agent's work. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkAsk {
    /// What waits. Answered by `Loaded`.
    Load,
    /// A call was answered, or who it is has become known: its wrap-up is kept, its ticket found among the customer's open
    /// ones or made. Answered by `Begun`.
    Begin { entry: i64, customer: Option<u32>, now_ms: i64 },
    /// The call belongs to this ticket; none: to a new one. Answered by `Begun`.
    Join { entry: i64, ticket: Option<u32>, now_ms: i64 },
    /// Replaces what is noted, but for customer and ticket. With `done`, the ticket gets the status. What was done and is
    /// changed keeps its former notes. Answered by `Kept`.
    Keep { wrap_up: Box<WrapUp>, now_ms: i64 },
    /// What was noted of these calls. Answered by `WrapUps`.
    Of { entries: Vec<i64> },
    /// All calls that the query finds, with what was noted. Answered by `Exported`.
    Export { query: Box<InteractionQuery> },
    /// Answered by `Former`.
    Former { entry: i64 },
    /// The customer's tickets, the open ones first. Answered by `Tickets`.
    Tickets { customer: u32 },
    /// Replaces a ticket's subject, status and priority. Answered by `Tickets` of its customer.
    KeepTicket { ticket: Box<Ticket>, now_ms: i64 },
    /// Inserts (`id` 0) or replaces. Answered by `Tasks`.
    KeepTask(Box<Task>),
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkAnswer {
    /// Oldest call first; tasks as in `Tasks`.
    Loaded {
        waiting: Vec<Waiting>,
        tasks: Vec<Task>,
    },
    /// `tickets`: the one that it belongs to; where it belongs to none, the open ones that it may belong to.
    Begun {
        wrap_up: Box<WrapUp>,
        tickets: Vec<Ticket>,
    },
    Kept {
        wrap_up: Box<WrapUp>,
    },
    WrapUps {
        wrap_ups: Vec<WrapUp>,
    },
    /// Newest first.
    Exported {
        rows: Vec<(Interaction, Option<WrapUp>)>,
    },
    /// Newest first.
    Former {
        entry: i64,
        former: Vec<FormerNotes>,
    },
    Tickets {
        customer: u32,
        tickets: Vec<Ticket>,
    },
    /// All that are not done, the most overdue first, at most [`MAX_WAITING`].
    Tasks {
        tasks: Vec<Task>,
    },
    /// It could not be done; nothing has changed.
    Failed {
        text: Text,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_noted_is_bounded_and_clean() {
        let noted = WrapUp {
            entry: "1".into(),
            notes: "a\u{202e}b\nc\u{0} ".into(),
            tags: vec![" late ".into(), " ".into(), "late".into()],
            ..WrapUp::default()
        };
        let kept = noted.tidied().unwrap();
        assert_eq!((kept.notes.as_str(), kept.tags.as_slice()), ("ab\nc", &["late".to_owned()][..]));
        let long = WrapUp { entry: "1".into(), next_action: "x".repeat(MAX_LINE + 1), ..WrapUp::default() };
        assert_eq!(long.tidied().unwrap_err().params["field"], "next_action");
        assert_eq!(WrapUp::default().tidied().unwrap_err().code, "work.gone");
        assert_eq!(Task::default().tidied().unwrap_err().code, "work.nothing_to_do");
        for status in TicketStatus::ALL {
            assert_eq!(TicketStatus::named(status.name()), Some(status));
        }
        for priority in Priority::ALL {
            assert_eq!(Priority::named(priority.name()), Some(priority));
        }
    }

    fn task(id: u32, due_ms: i64, remind_min: u32) -> Task {
        Task { id, due_ms, remind_min, address: "600".into(), ..Task::default() }
    }

    #[test]
    fn a_task_is_reminded_of_once_before_its_time_and_again_when_it_is_put_off() {
        let mut reminders = Reminders::default();
        let mut tasks = vec![task(1, 600_000, 5), task(2, 900_000, 0)];
        assert_eq!(reminders.next_ms(&tasks), Some(300_000));
        assert!(reminders.take(&tasks, 299_999).is_empty());
        assert_eq!(reminders.take(&tasks, 300_000), [tasks[0].clone()]);
        assert!(reminders.take(&tasks, 300_001).is_empty(), "once");
        assert_eq!(reminders.next_ms(&tasks), Some(900_000));
        tasks[0].due_ms = 1_000_000;
        assert_eq!(reminders.next_ms(&tasks), Some(700_000), "put off");
        // Asleep meanwhile: both at once.
        assert_eq!(reminders.take(&tasks, 5_000_000).len(), 2);
        tasks[1].done = true;
        assert_eq!(reminders.next_ms(&tasks), None);
    }

    proptest! {
        #[test]
        fn every_task_is_reminded_of_exactly_once(dues in proptest::collection::vec((0i64..1000, 0u32..20), 0..20), steps in proptest::collection::vec(0i64..200, 1..40)) {
            let tasks: Vec<Task> = dues.iter().enumerate().map(|(n, (due, before))| task(n as u32 + 1, due * MINUTE_MS, *before)).collect();
            let mut reminders = Reminders::default();
            let (mut now, mut given) = (0, Vec::new());
            for step in steps {
                now += step * MINUTE_MS;
                let told = reminders.take(&tasks, now);
                prop_assert!(told.iter().all(|task| task.remind_at_ms() <= now));
                given.extend(told.into_iter().map(|task| task.id));
                prop_assert!(reminders.next_ms(&tasks).is_none_or(|next| next > now));
            }
            let all = given.len();
            given.sort_unstable();
            given.dedup();
            prop_assert_eq!(given.len(), all);
            prop_assert_eq!(all, tasks.iter().filter(|task| task.remind_at_ms() <= now).count());
        }

        #[test]
        fn whatever_is_noted_is_kept_tidy_or_refused(notes in "(?s).{0,60}", tag in "\\PC{0,30}") {
            let noted = WrapUp { entry: "7".into(), notes, tags: vec![tag], ..WrapUp::default() };
            if let Ok(kept) = noted.tidied() {
                prop_assert_eq!(kept.clone().tidied(), Ok(kept));
            }
        }
    }
}
