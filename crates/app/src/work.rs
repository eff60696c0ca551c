//! The agent's work around calls: a wrap-up begins when a call is answered and waits until the agent is through with it;
//! tasks are reminded of in time. A machine without I/O: calls, commands, answers and the time in, questions to the store
//! and events for the view out.
//!
//! ```text
//! Change::Call (active) ──> Begin ──> store ──> Begun ──> WrapUpView{ticket} ──> Keep … Keep{done} ──> gone
//! ```
//!
//! Nothing waits for it: the next call rings over it, and what was noted is on the disk.

mod export;

use crate::{
    command::WorkCommand as Command,
    present,
    understand::interaction_query,
    view::{WorkEvent as Event, WorkView, WrapUpView},
};
use hatif_core::{
    call::CallState,
    ids::CallId,
    phone::{CallEntry, PRACTICE, Phone},
    store::Interaction,
    text::Text,
    work::{MAX_WAITING, Reminders, Task, Waiting, WorkAnswer, WorkAsk, WrapUp},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// Calls whose notes are asked for at once, at most.
const MAX_ENTRIES: usize = 500;
/// The longest sleep while a reminder waits: the wall clock may have been set meanwhile, or the computer slept.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What comes of a call, a command, an answer or the time.
#[derive(Debug, PartialEq)]
pub enum Out {
    Ask(WorkAsk),
    Tell(Event),
    /// The agent is through with it, or has changed it since.
    Done(Box<WrapUp>),
    /// A table to be put where the user finds it.
    Write {
        table: String,
        calls: u32,
    },
    /// A command that can't be done.
    Refuse(Text),
}

/// What is to be wrapped up and what is to be done.
#[derive(Default)]
pub struct Work {
    /// By entry.
    drafts: BTreeMap<i64, WrapUpView>,
    /// Calls on the screen that were begun, done or not, with their entries.
    begun: BTreeMap<CallId, i64>,
    tasks: Vec<Task>,
    reminders: Reminders,
    out: VecDeque<Out>,
}

impl Work {
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    pub fn view(&self) -> WorkView {
        WorkView { wrap_ups: self.drafts.values().cloned().collect(), tasks: self.tasks.clone() }
    }

    /// The store is there, or calls were deleted from the log: what waits is asked for.
    pub fn load(&mut self) {
        self.out.push_back(Out::Ask(WorkAsk::Load));
    }

    /// `customer`: who it is, where that is known already.
    pub fn call_changed(&mut self, phone: &Phone, id: CallId, customer: Option<u32>, now_ms: i64) {
        let Some(entry) = phone.call(id) else { return };
        if self.begun.contains_key(&id) {
            return self.follow(entry);
        }
        if !is_wrapped_up(phone, entry) {
            return;
        }
        let row = entry.interaction();
        self.begun.insert(id, row);
        let draft = WrapUpView {
            wrap_up: WrapUp { entry: row.to_string(), ..WrapUp::default() },
            tickets: Vec::new(),
            call: Some(id.0),
            ended: false,
            direction: present::direction(entry.call.direction),
            peer: present::peer(&entry.call.peer),
            started_ms: present::millis(entry.call.started),
            talked_s: 0,
        };
        self.drafts.insert(row, draft);
        self.changed(row);
        self.ask(WorkAsk::Begin { entry: row, customer, now_ms });
    }

    /// The call's other end and its end are the draft's.
    fn follow(&mut self, entry: &CallEntry) {
        let Some(draft) = self.drafts.get_mut(&entry.interaction()) else { return };
        let before = draft.clone();
        draft.peer = present::peer(&entry.call.peer);
        if let CallState::Ended { talked, .. } = &entry.call.state {
            draft.ended = true;
            draft.talked_s = present::seconds(*talked);
        }
        if *draft != before {
            self.changed(entry.interaction());
        }
    }

    pub fn call_gone(&mut self, id: CallId) {
        if let Some(entry) = self.begun.remove(&id)
            && let Some(draft) = self.drafts.get_mut(&entry)
        {
            draft.call = None;
            self.changed(entry);
        }
        // The oldest that nobody comes back to stay on the disk, where a start with fewer finds them.
        while self.drafts.len() > MAX_WAITING as usize
            && let Some((entry, _)) = self.drafts.pop_first()
        {
            self.tell(Event::WrapUpGone { entry: entry.to_string() });
        }
    }

    /// Nothing of these calls waits to be wrapped up any more.
    pub fn erase(&mut self, calls: &[i64]) {
        for entry in calls.iter().filter(|entry| self.drafts.remove(entry).is_some()).collect::<Vec<_>>() {
            self.out.push_back(Out::Tell(Event::WrapUpGone { entry: entry.to_string() }));
        }
    }

    /// What was noted of these calls is gone: who shows it is told.
    pub fn erased(&mut self, calls: &[i64]) {
        let entry = |entry: &i64| WrapUp { entry: entry.to_string(), done: true, ..WrapUp::default() };
        self.tell(Event::WrapUps { wrap_ups: calls.iter().map(entry).collect() });
    }

    /// Whether the agent still has to say what came of a call.
    pub fn is_open(&self, id: CallId) -> bool {
        self.begun.get(&id).is_some_and(|entry| self.drafts.contains_key(entry))
    }

    /// Who is on the line has become known.
    pub fn known(&mut self, call: u32, customer: Option<u32>, now_ms: i64) {
        let Some(entry) = self.begun.get(&CallId(call)) else { return };
        let is_new = self.drafts.get(entry).is_some_and(|draft| draft.wrap_up.customer != customer);
        if customer.is_some() && is_new {
            self.ask(WorkAsk::Begin { entry: *entry, customer, now_ms });
        }
    }

    pub fn command(&mut self, command: Command, now_ms: i64) {
        match self.obey(command, now_ms) {
            Ok(ask) => self.ask(ask),
            Err(why) => self.out.push_back(Out::Refuse(why)),
        }
    }

    fn obey(&mut self, command: Command, now_ms: i64) -> Result<WorkAsk, Text> {
        let id = |entry: &str| entry.parse().map_err(|_| Text::new("work.gone"));
        Ok(match command {
            Command::Keep { wrap_up } => {
                let wrap_up = wrap_up.tidied()?;
                if let Some(draft) = wrap_up.id().and_then(|id| self.drafts.get_mut(&id)) {
                    let (customer, ticket) = (draft.wrap_up.customer, draft.wrap_up.ticket);
                    draft.wrap_up = WrapUp { customer, ticket, done: false, ..wrap_up.clone() };
                }
                WorkAsk::Keep { wrap_up: Box::new(wrap_up), now_ms }
            }
            Command::Join { entry, ticket } => WorkAsk::Join { entry: id(&entry)?, ticket, now_ms },
            Command::Of { entries } => WorkAsk::Of {
                entries: entries.iter().take(MAX_ENTRIES).filter_map(|entry| entry.parse().ok()).collect(),
            },
            Command::Export { query, filter } => {
                WorkAsk::Export { query: Box::new(interaction_query(query, &filter, None, None)) }
            }
            Command::Former { entry } => WorkAsk::Former { entry: id(&entry)? },
            Command::Tickets { customer } => WorkAsk::Tickets { customer },
            Command::KeepTicket { ticket } => WorkAsk::KeepTicket { ticket: Box::new(ticket.tidied()?), now_ms },
            Command::KeepTask { task } => WorkAsk::KeepTask(Box::new(task.tidied()?)),
        })
    }

    pub fn answer(&mut self, answer: WorkAnswer, now_ms: i64) {
        match answer {
            WorkAnswer::Loaded { waiting, tasks } => {
                self.loaded(waiting, now_ms);
                self.tasks_changed(tasks, now_ms);
            }
            WorkAnswer::Begun { wrap_up, tickets } => {
                let Some((id, draft)) = wrap_up.id().and_then(|id| Some((id, self.drafts.get_mut(&id)?))) else {
                    return;
                };
                // The agent may have gone on writing since.
                draft.wrap_up.customer = wrap_up.customer;
                draft.wrap_up.ticket = wrap_up.ticket;
                draft.tickets = tickets;
                self.changed(id);
                self.tickets_of(wrap_up.customer);
            }
            WorkAnswer::Kept { wrap_up } => self.kept(*wrap_up),
            WorkAnswer::WrapUps { wrap_ups } => self.tell(Event::WrapUps { wrap_ups }),
            WorkAnswer::Exported { rows } => {
                let calls = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                self.out.push_back(Out::Write { table: export::table(&rows), calls });
            }
            WorkAnswer::Former { entry, former } => self.tell(Event::Former { entry: entry.to_string(), former }),
            WorkAnswer::Tickets { customer, tickets } => {
                let theirs: Vec<i64> =
                    self.drafts.iter().filter(|(_, draft)| refresh(draft, &tickets)).map(|(id, _)| *id).collect();
                for id in theirs {
                    if let Some(draft) = self.drafts.get_mut(&id) {
                        draft.tickets.iter_mut().for_each(|known| renew(known, &tickets));
                    }
                    self.changed(id);
                }
                self.tell(Event::Tickets { customer, tickets });
            }
            WorkAnswer::Tasks { tasks } => self.tasks_changed(tasks, now_ms),
            WorkAnswer::Failed { text } => self.out.push_back(Out::Refuse(text)),
        }
    }

    /// What waits on the disk; what is written at this moment is newer here.
    fn loaded(&mut self, waiting: Vec<Waiting>, now_ms: i64) {
        let there: BTreeSet<i64> = waiting.iter().map(|waiting| waiting.call.id).collect();
        let running: BTreeSet<i64> = self.begun.values().copied().collect();
        let lost: Vec<i64> = self.drafts.keys().copied().filter(|id| !there.contains(id)).collect();
        for id in lost {
            let Some(draft) = self.drafts.get(&id) else { continue };
            if running.contains(&id) && !draft.ended {
                // The log was cleared during the call: its row stays, what is noted of it is written again.
                let (customer, wrap_up) = (draft.wrap_up.customer, Box::new(draft.wrap_up.clone()));
                self.ask(WorkAsk::Begin { entry: id, customer, now_ms });
                self.ask(WorkAsk::Keep { wrap_up, now_ms });
            } else {
                self.drafts.remove(&id);
                self.tell(Event::WrapUpGone { entry: id.to_string() });
            }
        }
        for Waiting { wrap_up, call } in waiting {
            let id = call.id;
            if !self.drafts.contains_key(&id) && !running.contains(&id) {
                self.drafts.insert(id, view(wrap_up, &call));
                self.changed(id);
            }
        }
    }

    fn kept(&mut self, wrap_up: WrapUp) {
        let Some(id) = wrap_up.id() else { return };
        if wrap_up.done {
            self.out.push_back(Out::Done(Box::new(wrap_up.clone())));
            if self.drafts.remove(&id).is_some() {
                self.tell(Event::WrapUpGone { entry: wrap_up.entry.clone() });
            }
            self.tickets_of(wrap_up.customer);
            self.tell(Event::WrapUps { wrap_ups: vec![wrap_up] });
        } else {
            self.changed(id);
        }
    }

    fn tickets_of(&mut self, customer: Option<u32>) {
        if let Some(customer) = customer {
            self.ask(WorkAsk::Tickets { customer });
        }
    }

    fn tasks_changed(&mut self, tasks: Vec<Task>, now_ms: i64) {
        if self.tasks != tasks {
            self.tasks = tasks;
            let tasks = self.tasks.clone();
            self.tell(Event::TasksChanged { tasks });
        }
        self.pass_time(now_ms);
    }

    /// Reminds of what is due.
    pub fn pass_time(&mut self, now_ms: i64) {
        for task in self.reminders.take(&self.tasks, now_ms) {
            self.tell(Event::Remind { task });
        }
    }

    /// How long until [`Work::pass_time`] is wanted.
    pub fn sleep(&self, now_ms: i64) -> Option<Duration> {
        let next = self.reminders.next_ms(&self.tasks)?;
        let wait = u64::try_from(next.saturating_sub(now_ms)).unwrap_or(0);
        Some(Duration::from_millis(wait).min(LOOK_AGAIN))
    }

    fn changed(&mut self, id: i64) {
        if let Some(draft) = self.drafts.get(&id) {
            self.out.push_back(Out::Tell(Event::WrapUpChanged { wrap_up: draft.clone() }));
        }
    }

    fn ask(&mut self, ask: WorkAsk) {
        self.out.push_back(Out::Ask(ask));
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Out::Tell(event));
    }
}

/// An answered call with a customer: none to a colleague, to oneself, about another call, of the practice line.
fn is_wrapped_up(phone: &Phone, entry: &CallEntry) -> bool {
    let call = &entry.call;
    let colleague =
        phone.colleagues().iter().any(|known| known.account == call.account && known.number == call.peer.address);
    matches!(call.state, CallState::Active { .. })
        && phone.settings().wrap_up
        && call.account != PRACTICE
        && entry.consult_for.is_none()
        && entry.mobile_for().is_none()
        && !entry.emergency
        && !colleague
}

fn view(wrap_up: WrapUp, call: &Interaction) -> WrapUpView {
    let entry = present::history_entry(call);
    WrapUpView {
        wrap_up,
        tickets: Vec::new(),
        call: None,
        ended: true,
        direction: entry.direction,
        peer: entry.peer,
        started_ms: entry.started_ms,
        talked_s: entry.talked_s,
    }
}

/// Whether one of its tickets is told anew.
fn refresh(draft: &WrapUpView, tickets: &[hatif_core::work::Ticket]) -> bool {
    draft.tickets.iter().any(|known| tickets.iter().any(|ticket| ticket.id == known.id && ticket != known))
}

fn renew(known: &mut hatif_core::work::Ticket, tickets: &[hatif_core::work::Ticket]) {
    if let Some(ticket) = tickets.iter().find(|ticket| ticket.id == known.id) {
        known.clone_from(ticket);
    }
}
