//! The calls that connectors are asked about and told of: whom each has looked up, which moments have been, what is known
//! when it is over.

use super::{Job, Live, What, shown};
use crate::{
    present, utc,
    view::{LookedUpView, SourceView},
};
use hatif_connect::{Action, Found, Moment, Named, Record, Trouble};
use hatif_core::{
    call::{Call, CallState, Direction},
    ids::CallId,
    phone::Phone,
    text::Text,
    work::{TicketStatus, WrapUp},
};
use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime},
};

/// Digits that a number of the world has at least: shorter ones are colleagues, of whom no CRM is told.
const OUTSIDE: usize = 7;

#[derive(Default)]
pub struct Calls {
    calls: BTreeMap<CallId, Watched>,
    requests: u64,
}

struct Watched {
    /// What the other end is looked up by; none: a colleague.
    key: Option<String>,
    request: u64,
    sources: BTreeMap<u32, Source>,
    /// Our own name for it.
    external: String,
    moments: Vec<Moment>,
    /// Its entry of the call log.
    entry: i64,
    /// What the agent noted of it, once they are through with that.
    noted: Option<Named>,
}

/// Something to be told by a connector.
pub struct Telling {
    pub connector: u32,
    pub action: Action,
    pub values: Named,
    /// The entry of the call log whose wrap-up is to be done before.
    pub waits_for: Option<i64>,
}

enum Source {
    Looking,
    Found(Vec<Record>),
    Failed(Text),
}

/// What comes of a call's change.
#[derive(Default)]
pub struct News {
    pub jobs: Vec<Job>,
    pub found: Option<LookedUpView>,
    pub tell: Vec<Telling>,
}

/// The forms of a number in which it may be asked for.
pub fn forms(key: &str) -> Named {
    let digits: String = key.chars().filter(char::is_ascii_digit).collect();
    let forms = [("number", key.to_owned()), ("digits", digits), ("national", hatif_crm::at_home(key))];
    forms.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What was noted of a call, by the names of the placeholders.
pub fn noted(wrap_up: &WrapUp) -> Named {
    let status = wrap_up.status.map(TicketStatus::name).unwrap_or_default();
    let noted = [
        ("disposition", wrap_up.disposition.clone()),
        ("notes", wrap_up.notes.clone()),
        ("status", status.to_owned()),
        ("tags", wrap_up.tags.join(", ")),
        ("next_action", wrap_up.next_action.clone()),
    ];
    noted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Calls {
    /// `wrap_up`: whether the agent still has to say what came of it.
    pub fn changed(
        &mut self,
        phone: &Phone,
        id: CallId,
        country: Option<&str>,
        wrap_up: bool,
        live: &BTreeMap<u32, Live>,
        now: Instant,
    ) -> News {
        let mut news = News::default();
        let Some(entry) = phone.call(id) else { return news };
        let key = hatif_crm::key(&entry.call.peer.address, country).filter(|key| {
            key.trim_start_matches('+').len() >= OUTSIDE
                && key.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit())
        });
        let fresh = |key| Watched {
            key,
            request: 0,
            sources: BTreeMap::new(),
            external: format!("hatif-{}", hatif_connect::fresh_id()),
            moments: Vec::new(),
            entry: entry.interaction(),
            noted: None,
        };
        let first = !self.calls.contains_key(&id);
        let watched = self.calls.entry(id).or_insert_with(|| fresh(key.clone()));
        let over = matches!(entry.call.state, CallState::Ended { .. });
        if !over && (first || watched.key != key) {
            watched.key = key;
            self.requests += 1;
            watched.request = self.requests;
            news.jobs = look_up(watched, id, live, now);
            news.found = Some(watched.shown(id, live));
        }
        let moment = match &entry.call.state {
            CallState::Dialing | CallState::Ringing { .. } | CallState::Incoming | CallState::Answering => Moment::Ring,
            CallState::Active { .. } => Moment::Answer,
            CallState::Ending { .. } => return news,
            CallState::Ended { .. } => Moment::End,
        };
        let wanted = !watched.moments.contains(&moment) && watched.key.is_some();
        if wanted {
            watched.moments.push(moment);
            let label = phone.account(entry.call.account).map(|entry| entry.account.label.clone()).unwrap_or_default();
            let queue = entry.fields.queue.clone().unwrap_or_default();
            let told = watched.told(&entry.call, label, queue);
            news.tell = tell(watched, moment, &told, wrap_up, live);
        }
        news
    }

    /// The agent is through with a call's wrap-up, perhaps while it goes on.
    pub fn noted(&mut self, entry: i64, noted: &Named) {
        for watched in self.calls.values_mut().filter(|watched| watched.entry == entry) {
            watched.noted = Some(noted.clone());
        }
    }

    pub fn gone(&mut self, id: CallId) {
        self.calls.remove(&id);
    }

    /// What a look-up brought. An answer about somebody who was on the line before changes nothing.
    pub fn looked_up(
        &mut self,
        call: CallId,
        connector: u32,
        request: u64,
        result: Result<Found, Trouble>,
        live: &BTreeMap<u32, Live>,
    ) -> Option<LookedUpView> {
        let watched = self.calls.get_mut(&call).filter(|watched| watched.request == request)?;
        let source = watched.sources.get_mut(&connector)?;
        *source = match result {
            Ok(found) => Source::Found(found.records),
            Err(trouble) => Source::Failed(trouble.text),
        };
        Some(watched.shown(call, live))
    }

    pub fn shown(&self, live: &BTreeMap<u32, Live>) -> Vec<LookedUpView> {
        self.calls.iter().map(|(call, watched)| watched.shown(*call, live)).collect()
    }

    /// The page of a record that is on a card.
    pub fn page(&self, live: &BTreeMap<u32, Live>, call: CallId, connector: u32, record: &str) -> Option<String> {
        let Source::Found(records) = self.calls.get(&call)?.sources.get(&connector)? else { return None };
        let record = records.iter().find(|known| known.id == record)?;
        let access = live.get(&connector)?.access()?;
        hatif_connect::opened(&access.description, &access.fields, record)
    }
}

fn look_up(watched: &mut Watched, id: CallId, live: &BTreeMap<u32, Live>, now: Instant) -> Vec<Job> {
    watched.sources.clear();
    let Some(key) = &watched.key else { return Vec::new() };
    let mut jobs = Vec::new();
    for (connector, live) in live.iter().filter(|(_, live)| live.row.looks_up && live.known) {
        let stopped = live.ready.as_ref().err().or(live.stopped.as_ref()).cloned();
        let busy =
            live.busy_until.is_some_and(|until| until > now).then(|| Text::new("connector.busy").with("status", "429"));
        match (stopped.or(busy), live.access()) {
            (None, Some(access)) => {
                watched.sources.insert(*connector, Source::Looking);
                let what = What::LookUp { call: id, request: watched.request, told: forms(key) };
                jobs.push(Job { connector: *connector, generation: live.generation, access, what });
            }
            (Some(problem), _) => drop(watched.sources.insert(*connector, Source::Failed(problem))),
            (None, None) => {}
        }
    }
    jobs
}

/// A moment by those who want to be told of it; the end of a call by those who log calls, too, with what was noted of it:
/// then it waits until the agent is through.
fn tell(watched: &Watched, moment: Moment, told: &Named, wrap_up: bool, live: &BTreeMap<u32, Live>) -> Vec<Telling> {
    let waits_for = (wrap_up && watched.noted.is_none()).then_some(watched.entry);
    let over = moment == Moment::End;
    let mut tell = Vec::new();
    for (connector, live) in live {
        let Some(description) = live.description() else { continue };
        let with = |action: Action| {
            let mut told = told.clone();
            told.insert("key".into(), hatif_connect::fresh_id());
            if let Some(Source::Found(records)) = watched.sources.get(connector)
                && let [only] = records.as_slice()
            {
                told.insert("contact".into(), only.id.clone());
                told.insert("company".into(), only.company.clone());
                told.insert("email".into(), only.email.clone());
                told.entry("name".into())
                    .and_modify(|name| name.clone_from(&only.name))
                    .or_insert_with(|| only.name.clone());
            }
            Telling { connector: *connector, action, values: told, waits_for: None }
        };
        let happened = |moment: Moment| {
            let mut telling = with(Action::Webhook);
            telling.values.insert("event".into(), moment.name().to_owned());
            telling.values.insert("at".into(), utc::written(SystemTime::now()));
            telling
        };
        let with_notes = |mut telling: Telling| {
            telling.values.extend(watched.noted.clone().unwrap_or_default());
            Telling { waits_for, ..telling }
        };
        if live.row.tells_moments && description.wants(moment) {
            tell.push(happened(moment));
        }
        if live.row.logs_calls && over {
            tell.push(with_notes(with(Action::LogCall)));
        }
        if live.row.tells_moments && over && description.wants(Moment::WrapUp) && (wrap_up || watched.noted.is_some()) {
            tell.push(with_notes(happened(Moment::WrapUp)));
        }
    }
    tell
}

impl Watched {
    fn shown(&self, call: CallId, live: &BTreeMap<u32, Live>) -> LookedUpView {
        let source = |(connector, source): (&u32, &Source)| {
            let live = live.get(connector)?;
            let records: &[Record] = if let Source::Found(records) = source { records } else { &[] };
            let page = |record: &Record| {
                live.access()
                    .is_some_and(|access| hatif_connect::opened(&access.description, &access.fields, record).is_some())
            };
            Some(SourceView {
                connector: *connector,
                name: live.row.name.clone(),
                looking: matches!(source, Source::Looking),
                records: records.iter().map(|record| shown::record(record, page(record))).collect(),
                problem: if let Source::Failed(text) = source { Some(present::text(text)) } else { None },
            })
        };
        LookedUpView { call: call.0, sources: self.sources.iter().filter_map(source).collect() }
    }

    /// What is known of the call now, by the names of the placeholders.
    fn told(&self, call: &Call, account: String, queue: String) -> Named {
        let mut told = forms(self.key.as_deref().unwrap_or_default());
        let direction = if call.direction == Direction::Incoming { "incoming" } else { "outgoing" };
        let mut put = |name: &str, value: String| drop(told.insert(name.to_owned(), value));
        put("name", call.peer.name.clone().unwrap_or_default());
        put("direction", direction.to_owned());
        put("started", utc::written(call.started));
        put("account", account);
        put("queue", queue);
        put("external", self.external.clone());
        if let CallState::Ended { reason, talked } = &call.state {
            put("ended", utc::written(SystemTime::now()));
            put("duration_s", talked.as_secs().to_string());
            let outcome = serde_json::to_value(present::end(reason).0).ok();
            put("outcome", outcome.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default());
        }
        told
    }
}
