//! The agent's work as it is shown: calls to wrap up, tickets, tasks.

use super::*;
pub use hatif_core::work::{FormerNotes, Priority, Task, Ticket, TicketStatus, WrapUp};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A call that the agent is not through with: it runs, or it has ended and waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct WrapUpView {
    pub wrap_up: WrapUp,
    /// The ticket that it belongs to; where it belongs to none, the open ones of the customer that it may belong to.
    pub tickets: Vec<Ticket>,
    /// While it is on the screen.
    pub call: Option<u32>,
    pub ended: bool,
    pub direction: Direction,
    pub peer: PeerView,
    /// Unix time in milliseconds.
    #[specta(type = u32)]
    pub started_ms: f64,
    pub talked_s: u32,
}

/// The work's part of a snapshot.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, Type)]
pub struct WorkView {
    /// Oldest first.
    pub wrap_ups: Vec<WrapUpView>,
    /// What is not done, the most overdue first, at most 200.
    pub tasks: Vec<Task>,
}

/// What is told of the agent's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum WorkEvent {
    WrapUpChanged {
        wrap_up: WrapUpView,
    },
    /// Done, or its call was deleted.
    WrapUpGone {
        entry: String,
    },
    WrapUps {
        wrap_ups: Vec<WrapUp>,
    },
    /// The table was written.
    Exported {
        file: String,
        calls: u32,
    },
    /// Newest first.
    Former {
        entry: String,
        former: Vec<FormerNotes>,
    },
    /// All of the customer's, the open ones first; again when one has changed.
    Tickets {
        customer: u32,
        tickets: Vec<Ticket>,
    },
    TasksChanged {
        tasks: Vec<Task>,
    },
    /// It is time.
    Remind {
        task: Task,
    },
}
