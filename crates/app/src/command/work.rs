//! What can be asked about the agent's work: what is noted of calls, tickets, tasks.

use super::HistoryFilter;
use hatif_core::work::{Task, Ticket, WrapUp};
use serde::{Deserialize, Serialize};
use specta::Type;

/// `{"command":"work","ask":{"do":"of","entries":["1700000000000"]}}`. Answered by a `work` event; what can't be done, by
/// `command_failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum WorkCommand {
    /// Keeps what is noted of a call, at any time of it; with `done` the agent is through. Customer and ticket stay as they
    /// are. Answered by `wrap_up_changed`; by `wrap_up_gone` and `wrap_ups` when it is done.
    Keep { wrap_up: WrapUp },
    /// The call belongs to this ticket; absent: to a new one. Answered by `wrap_up_changed`.
    Join {
        entry: String,
        #[serde(default)]
        ticket: Option<u32>,
    },
    /// What was noted of these calls of the log, at most 500. Answered by `wrap_ups`.
    Of { entries: Vec<String> },
    /// The calls that `find_history` would find with these, all of them (100,000 at most), as a table (CSV) in the folder of
    /// downloads. Answered by `exported`.
    Export {
        #[serde(default)]
        query: String,
        #[serde(default)]
        filter: HistoryFilter,
    },
    /// What the notes of a call were before they were changed. Answered by `former`.
    Former { entry: String },
    /// The tickets of a customer, the open ones first. Answered by `tickets`.
    Tickets { customer: u32 },
    /// Replaces a ticket's subject, status and priority. Answered by `tickets`.
    KeepTicket { ticket: Ticket },
    /// Keeps a task; one with `id` 0 is a new one. Answered by `tasks_changed`.
    KeepTask { task: Task },
}
