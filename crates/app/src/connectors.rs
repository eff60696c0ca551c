//! Connectors: whom they are asked about while it rings, what is sent by them afterwards. A machine without I/O: commands,
//! calls and answers in; questions to the store, jobs for the network and events for the view out.
//!
//! ```text
//! Change::Call ──> LookUp job ──> thread (`work`) ──> Outcome::LookedUp ──> SourceView
//!        └─ over ─> Outgoing [held: wrap-up] ──> store (Written) ──> Send job ──> Outcome::Sent ──> removed, waits, or failed
//! ```
//!
//! Nothing waits for it: a call rings, and its card shows what this laptop knows, whatever becomes of a look-up.

mod calls;
mod outbox;
mod shown;

use crate::{
    command::{ConnectorForm, ConnectorsCommand as Command},
    present,
    view::{ConnectorsEvent as Event, ConnectorsView, TriedView},
};
use calls::Calls;
use hatif_connect::{Access, Action, Client, Description, FieldKind, Found, Kind, Named, Sent, Tried, Trouble};
use hatif_core::{
    account::Password,
    connector::{Connector, ConnectorsAnswer, ConnectorsAsk},
    ids::CallId,
    phone::Phone,
    text::Text,
    work::WrapUp,
};
use outbox::Outbox;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Connectors at most.
const MOST: usize = 20;
/// Characters of a field at most.
const MAX_FIELD: usize = 2_000;

/// What comes of a command, a call or an answer.
pub enum Out {
    Ask(ConnectorsAsk),
    Tell(Event),
    /// To be done on a thread of its own, by [`work`]; answered by its outcome.
    Do(Box<Job>),
    /// A page for the user's browser.
    Open(String),
    /// A command that can't be done.
    Refuse(Text),
}

/// Something that takes the network, and its time.
pub struct Job {
    connector: u32,
    /// The connector's state that it was made from: the answer to an older one changes nothing of the token.
    generation: u32,
    access: Access,
    what: What,
}

enum What {
    LookUp { call: CallId, request: u64, told: Named },
    Send { item: i64, action: Action, told: Named, again: bool },
    Try { request: u32, told: Named },
}

/// What came of a job.
pub struct Done {
    connector: u32,
    generation: u32,
    outcome: Outcome,
}

enum Outcome {
    LookedUp { call: CallId, request: u64, result: Result<Found, Trouble> },
    Sent { item: i64, result: Result<Sent, Trouble> },
    Tried { request: u32, tried: Tried },
}

/// Blocks until it is done.
pub fn work(job: Job) -> Done {
    let Job { connector, generation, mut access, what } = job;
    let outcome = match what {
        What::LookUp { call, request, told } => {
            Outcome::LookedUp { call, request, result: hatif_connect::look_up(&mut access, &told) }
        }
        What::Send { item, action, told, again } => {
            Outcome::Sent { item, result: hatif_connect::send(&mut access, action, &told, again) }
        }
        What::Try { request, told } => Outcome::Tried { request, tried: hatif_connect::try_out(&mut access, &told) },
    };
    Done { connector, generation, outcome }
}

/// A connector that is in use.
struct Live {
    row: Connector,
    ready: Result<(Arc<Description>, Client), Text>,
    secrets: Named,
    /// The keyring has answered: before, nothing is sent.
    known: bool,
    generation: u32,
    token: Option<String>,
    /// Why it does nothing now: the user has to sign in anew.
    stopped: Option<Text>,
    /// The CRM asked for rest, or can't be reached; look-ups go on in the latter case.
    quiet_until: Option<Instant>,
    busy_until: Option<Instant>,
}

impl Live {
    fn new(row: Connector, secrets: Named, known: bool, generation: u32) -> Live {
        let ready = prepare(&row.description, &row.ca_file);
        Live { row, ready, secrets, known, generation, token: None, stopped: None, quiet_until: None, busy_until: None }
    }

    fn description(&self) -> Option<&Description> {
        self.ready.as_ref().ok().map(|(description, _)| &**description)
    }

    fn access(&self) -> Option<Access> {
        let (description, client) = self.ready.as_ref().ok()?;
        let fields = all_fields(description, &self.row.fields, &self.secrets);
        Some(Access { description: description.clone(), fields, client: client.clone(), token: self.token.clone() })
    }
}

fn prepare(description: &str, ca_file: &str) -> Result<(Arc<Description>, Client), Text> {
    let description = Description::parse(description)?;
    let client = Client::new(description.network, description.timeout, Some(ca_file))?;
    Ok((Arc::new(description), client))
}

/// The description's defaults where the user gave nothing.
fn all_fields(description: &Description, fields: &Named, secrets: &Named) -> Named {
    let value = |field: &hatif_connect::Field| {
        let kept = if field.kind == FieldKind::Secret { secrets } else { fields };
        let given = kept.get(&field.name).filter(|given| !given.is_empty()).unwrap_or(&field.default);
        (field.name.clone(), given.trim().to_owned())
    };
    description.fields.iter().map(value).collect()
}

/// All connectors.
#[derive(Default)]
pub struct Connectors {
    live: BTreeMap<u32, Live>,
    outbox: Outbox,
    calls: Calls,
    /// Grows with every change of a connector.
    generation: u32,
    out: VecDeque<Out>,
}

impl Connectors {
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// When there is something to do again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let held = self.outbox.sleep(SystemTime::now()).map(|left| Instant::now() + left);
        self.outbox.next(&self.live).into_iter().chain(held).min()
    }

    pub fn pass_time(&mut self, now: Instant) {
        let asks = self.outbox.pass_time(SystemTime::now());
        self.let_go(asks, now);
    }

    pub fn loaded(&mut self) {
        self.out.push_back(Out::Ask(ConnectorsAsk::Load));
    }

    pub fn view(&self) -> ConnectorsView {
        ConnectorsView {
            connectors: shown::connectors(&self.live),
            outbox: self.outbox.shown(),
            waiting: self.outbox.len(),
            found: self.calls.shown(&self.live),
        }
    }

    pub fn command(&mut self, command: Command, country: Option<&str>, now: Instant) {
        match command {
            Command::Examples => self.tell(Event::Examples { examples: shown::examples() }),
            Command::Read { request, description } => match Description::parse(&description) {
                Ok(description) => self.tell(Event::Read { request, description: shown::description(&description) }),
                Err(text) => self.fail(request, &text),
            },
            Command::Save { request, connector } => match self.checked(connector) {
                Ok((row, secrets)) => self.save(request, row, secrets, now),
                Err(text) => self.fail(request, &text),
            },
            Command::Delete { connector } => self.delete(connector),
            Command::Try { request, connector, number } => {
                if let Err(text) = self.try_out(request, connector, &number, country) {
                    self.fail(request, &text);
                }
            }
            Command::Open { call, connector, record } => {
                let out = self.calls.page(&self.live, CallId(call), connector, &record);
                self.out.push_back(out.map_or_else(|| Out::Refuse(Text::new("connector.no_page")), Out::Open));
            }
            Command::Retry { item } => {
                let asks = item.parse().ok().and_then(|item| self.outbox.retry(item));
                self.ask_or_refuse(asks);
                self.pump(now);
                self.changed();
            }
            Command::Discard { item } => {
                let asks = item.parse().ok().and_then(|item| self.outbox.discard(item));
                self.ask_or_refuse(asks);
                self.pump(now);
                self.changed();
            }
        }
    }

    fn ask_or_refuse(&mut self, ask: Option<ConnectorsAsk>) {
        self.out.push_back(ask.map_or_else(|| Out::Refuse(Text::new("connector.no_item")), Out::Ask));
    }

    /// The row and all its secrets, kept and new.
    fn checked(&self, form: ConnectorForm) -> Result<(Connector, Named), Text> {
        let description = Description::parse(&form.description)?;
        Client::new(description.network, description.timeout, Some(&form.ca_file))?;
        let known = self.live.get(&form.id);
        if form.id != 0 && known.is_none() {
            return Err(Text::new("connector.gone"));
        }
        if form.id == 0 && self.live.len() >= MOST {
            return Err(Text::new("connector.too_many"));
        }
        // A secret goes where it was given for: another address or another file wants it anew.
        let same = known.filter(|live| {
            live.row.description == form.description
                && addresses(&description, &live.row.fields) == addresses(&description, &form.fields)
        });
        let mut secrets = same.map(|live| live.secrets.clone()).unwrap_or_default();
        secrets.extend(
            form.secrets.into_iter().filter(|(_, given)| !given.0.is_empty()).map(|(name, given)| (name, given.0)),
        );
        let is = |name: &str, secret: bool| {
            description.fields.iter().any(|field| field.name == name && (field.kind == FieldKind::Secret) == secret)
        };
        secrets.retain(|name, _| is(name, true));
        let mut fields = form.fields;
        fields.retain(|name, _| is(name, false));
        if fields.values().chain(secrets.values()).any(|value| value.chars().count() > MAX_FIELD) {
            return Err(Text::new("connector.too_long"));
        }
        let all = all_fields(&description, &fields, &secrets);
        if let Some(field) = description.fields.iter().find(|field| all.get(&field.name).is_none_or(String::is_empty)) {
            return Err(Text::new("connector.field_missing").with("field", field.label.as_ref().unwrap_or(&field.name)));
        }
        let name = hatif_core::customer::clean(&form.name, false);
        let row = Connector {
            id: form.id,
            name: if name.is_empty() { description.name.clone() } else { name.chars().take(200).collect() },
            description: form.description,
            fields,
            ca_file: form.ca_file.trim().to_owned(),
            looks_up: form.looks_up && description.looks_up(),
            logs_calls: form.logs_calls && description.does(Action::LogCall),
            tells_moments: form.tells_moments && description.does(Action::Webhook),
        };
        Ok((row, secrets))
    }

    fn save(&mut self, request: u32, mut row: Connector, secrets: Named, now: Instant) {
        if row.id == 0 {
            row.id = self.live.keys().next_back().copied().unwrap_or(0).max(self.outbox.highest_connector()) + 1;
        }
        let id = row.id;
        self.generation += 1;
        let kept = serde_json::to_string(&secrets).unwrap_or_default();
        self.out.push_back(Out::Ask(ConnectorsAsk::Save {
            connector: Box::new(row.clone()),
            secrets: Some(Password(kept)),
        }));
        self.live.insert(id, Live::new(row, secrets, true, self.generation));
        self.tell(Event::Saved { request, connector: id });
        self.pump(now);
        self.changed();
    }

    fn delete(&mut self, connector: u32) {
        if self.live.remove(&connector).is_some() {
            self.outbox.forget(connector);
            self.out.push_back(Out::Ask(ConnectorsAsk::Delete(connector)));
            self.changed();
        }
    }

    fn try_out(&mut self, request: u32, form: ConnectorForm, number: &str, country: Option<&str>) -> Result<(), Text> {
        let (row, secrets) = self.checked(form)?;
        let key = hatif_crm::key(number, country).ok_or_else(|| Text::new("connector.no_number"))?;
        let live = Live::new(row, secrets, true, 0);
        if !live.description().is_some_and(Description::looks_up) {
            return Err(Text::new("connector.cannot"));
        }
        if let Some(access) = live.access() {
            let job = Job {
                connector: live.row.id,
                generation: 0,
                access,
                what: What::Try { request, told: calls::forms(&key) },
            };
            self.out.push_back(Out::Do(Box::new(job)));
        }
        Ok(())
    }

    pub fn answer(&mut self, answer: ConnectorsAnswer, now: Instant) {
        match answer {
            ConnectorsAnswer::Loaded { connectors, outbox } => {
                self.generation += 1;
                let live = |row: Connector| (row.id, Live::new(row, Named::new(), false, self.generation));
                self.live = connectors.into_iter().map(live).collect();
                self.outbox.load(outbox);
                self.changed();
            }
            ConnectorsAnswer::Secrets { connector, secrets } => {
                if let Some(live) = self.live.get_mut(&connector).filter(|live| !live.known) {
                    let text = secrets.map(|secrets| secrets.0).unwrap_or_default();
                    live.secrets = serde_json::from_str(&text).unwrap_or_default();
                    live.known = true;
                    let lacks = live.description().is_some_and(|description| {
                        let secret = |field: &&hatif_connect::Field| field.kind == FieldKind::Secret;
                        description.fields.iter().filter(secret).any(|field| !live.secrets.contains_key(&field.name))
                    });
                    if lacks {
                        live.stopped = Some(Text::new("connector.no_secret"));
                    }
                    self.pump(now);
                    self.changed();
                }
            }
            ConnectorsAnswer::Written(item) => {
                if let Some(job) = self.outbox.written(item, &self.live) {
                    self.out.push_back(Out::Do(Box::new(job)));
                }
                self.pump(now);
            }
        }
    }

    pub fn done(&mut self, done: Done, now: Instant) {
        let Done { connector, generation, outcome } = done;
        match outcome {
            Outcome::LookedUp { call, request, result } => {
                self.learn(
                    connector,
                    generation,
                    &result.as_ref().map(|found| found.token.clone()).map_err(Clone::clone),
                    now,
                );
                if let Some(found) = self.calls.looked_up(call, connector, request, result, &self.live) {
                    self.tell(Event::LookedUp { found });
                }
            }
            Outcome::Sent { item, result } => {
                self.learn(
                    connector,
                    generation,
                    &result.as_ref().map(|sent| sent.token.clone()).map_err(Clone::clone),
                    now,
                );
                let asks = self.outbox.sent(item, result.map(|_| ()));
                self.out.extend(asks.into_iter().map(Out::Ask));
                self.pump(now);
                self.changed();
            }
            Outcome::Tried { request, tried } => {
                let (records, problem) = match tried.result {
                    Ok(records) => (records, None),
                    Err(trouble) => (Vec::new(), Some(present::text(&trouble.text))),
                };
                let records = records.iter().map(|record| shown::record(record, false)).collect();
                let request_text = tried.request.as_ref().map(shown::request).unwrap_or_default();
                let tried = TriedView { request: request_text, answer: tried.answer, records, problem };
                self.tell(Event::Tried { request, tried });
            }
        }
    }

    /// What an answer says of the connector itself.
    fn learn(&mut self, connector: u32, generation: u32, result: &Result<Option<String>, Trouble>, now: Instant) {
        let Some(live) = self.live.get_mut(&connector).filter(|live| live.generation == generation) else { return };
        let before = live.stopped.is_some();
        match result {
            Ok(token) => {
                live.token.clone_from(token);
                live.quiet_until = None;
                live.busy_until = None;
                self.outbox.rested(connector);
            }
            Err(trouble) => match trouble.kind {
                // Asked once; then nothing more is sent until the user has signed in.
                Kind::SignIn => {
                    live.token = None;
                    live.stopped = Some(trouble.text.clone());
                }
                Kind::Wait(wait) => live.busy_until = Some(now + wait.max(Duration::from_secs(1))),
                Kind::Later | Kind::Unsure => live.quiet_until = Some(now + self.outbox.rest(connector)),
                Kind::Refused => {}
            },
        }
        if before != live.stopped.is_some() {
            self.changed();
        }
    }

    /// A call is new or has changed.
    ///
    /// `wrap_up`: whether the agent still has to say what came of it.
    pub fn call_changed(&mut self, phone: &Phone, id: CallId, country: Option<&str>, wrap_up: bool, now: Instant) {
        let news = self.calls.changed(phone, id, country, wrap_up, &self.live, now);
        for job in news.jobs {
            self.out.push_back(Out::Do(Box::new(job)));
        }
        if let Some(found) = news.found {
            self.tell(Event::LookedUp { found });
        }
        if !news.tell.is_empty() {
            for calls::Telling { connector, action, values, waits_for } in news.tell {
                let ask = self.outbox.put(connector, action, values, waits_for);
                self.out.push_back(Out::Ask(ask));
            }
            self.changed();
        }
    }

    pub fn call_gone(&mut self, id: CallId) {
        self.calls.gone(id);
    }

    /// What the agent notes of a call, from the first key on.
    pub fn noted(&mut self, wrap_up: &WrapUp, now: Instant) {
        let noted = calls::noted(wrap_up);
        if let (Some(entry), true) = (wrap_up.id(), wrap_up.done) {
            self.calls.noted(entry, &noted);
        }
        let asks = self.outbox.noted(&wrap_up.entry, &noted, wrap_up.done, &crate::utc::written(SystemTime::now()));
        self.let_go(asks, now);
    }

    /// A wrap-up is off the screen, done or not.
    pub fn wrap_up_gone(&mut self, entry: &str, now: Instant) {
        let asks = self.outbox.wrap_up_gone(entry);
        self.let_go(asks, now);
    }

    /// What waits to be sent of these numbers or calls never is.
    pub fn erase(&mut self, keys: &[String], calls: &[i64]) {
        let asks = self.outbox.erase(keys, calls);
        let any = !asks.is_empty();
        self.out.extend(asks.into_iter().map(Out::Ask));
        if any {
            self.changed();
        }
    }

    fn let_go(&mut self, asks: Vec<ConnectorsAsk>, now: Instant) {
        let any = !asks.is_empty();
        self.out.extend(asks.into_iter().map(Out::Ask));
        self.pump(now);
        if any {
            self.changed();
        }
    }

    fn pump(&mut self, now: Instant) {
        let asks = self.outbox.begin(&self.live, now);
        self.out.extend(asks.into_iter().map(Out::Ask));
    }

    fn changed(&mut self) {
        let view = self.view();
        self.tell(Event::Changed { connectors: view.connectors, outbox: view.outbox, waiting: view.waiting });
    }

    fn fail(&mut self, request: u32, text: &Text) {
        self.tell(Event::Failed { request, text: present::text(text) });
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Out::Tell(event));
    }
}

/// Where the secrets would go.
fn addresses<'a>(description: &Description, fields: &'a Named) -> Vec<Option<&'a String>> {
    let address = |field: &&hatif_connect::Field| field.kind == FieldKind::Address;
    description.fields.iter().filter(address).map(|field| fields.get(&field.name)).collect()
}
