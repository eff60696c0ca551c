//! The caller's card: who is on the line, by number or by what the PBX says, looked up when a call appears and again
//! when its other end changes (a transfer). A machine without I/O: calls and answers in, questions to the store and
//! events for the view out.
//!
//! ```text
//! Change::Call ──> [number -> key] ──> CustomerAsk::Lookup ──> store ──> CustomerAnswer::Looked ──> CardView
//! ```
//!
//! Nothing waits for it: a call rings and is answered without its card.

use crate::{
    command::CustomersCommand as Command,
    present,
    view::{self, CardView, CustomersEvent as Event, NameView},
};
use hatif_core::{
    call::Peer,
    customer::{Customer, CustomerAnswer, CustomerAsk, MAX_CUSTOMERS, same},
    ids::{AccountId, CallId},
    phone::Phone,
    store::Interaction,
    text::Text,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

/// Customers of a page when the asker names no number.
const PAGE: u32 = 50;
/// Names that are asked for at once.
const MAX_NAMES: usize = 500;
/// Earlier calls that a card shows.
const EARLIER: usize = 20;
/// From here on a request number is a call's, below it the view's.
const OF_CALL: u64 = 1 << 32;

/// What comes of a command, a call or an answer.
#[derive(Debug, PartialEq)]
pub enum Out {
    Ask(CustomerAsk),
    Tell(Event),
    /// A command that can't be done.
    Refuse(Text),
}

struct Card {
    peer: Peer,
    reference: Option<String>,
    key: Option<String>,
    view: CardView,
    started: SystemTime,
    country: Option<String>,
}

/// The cards of all calls.
#[derive(Default)]
pub struct Cards {
    cards: BTreeMap<CallId, Card>,
    out: VecDeque<Out>,
}

impl Cards {
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    pub fn view(&self) -> view::CustomersView {
        view::CustomersView { cards: self.cards.values().map(|card| card.view.clone()).collect() }
    }

    /// Who it is, where that is known.
    pub fn chosen(&self, id: CallId) -> Option<u32> {
        self.cards.get(&id)?.view.chosen
    }

    /// A call is new or has changed: looked up unless it was, for the same other end.
    pub fn call_changed(&mut self, phone: &Phone, id: CallId) {
        let Some(entry) = phone.call(id) else { return };
        let (peer, reference) = (&entry.call.peer, &entry.fields.customer);
        if self.cards.get(&id).is_some_and(|card| card.peer == *peer && card.reference == *reference) {
            return;
        }
        let country = country(phone, Some(entry.call.account));
        let key = hatif_crm::key(&peer.address, country.as_deref());
        let card = Card {
            peer: peer.clone(),
            reference: reference.clone(),
            view: CardView {
                call: id.0,
                number: key.as_deref().map_or_else(|| peer.address.clone(), hatif_crm::pretty),
                looking: true,
                customers: Vec::new(),
                chosen: None,
                earlier: Vec::new(),
            },
            key,
            started: entry.call.started,
            country,
        };
        self.out.push_back(Out::Tell(Event::CardChanged { card: card.view.clone() }));
        self.cards.insert(id, card);
        self.look_up(id);
    }

    pub fn call_gone(&mut self, id: CallId) {
        if self.cards.remove(&id).is_some() {
            self.out.push_back(Out::Tell(Event::CardGone { call: id.0 }));
        }
    }

    fn look_up(&mut self, id: CallId) {
        if let Some(card) = self.cards.get(&id) {
            let request = OF_CALL + u64::from(id.0);
            let (key, reference) = (card.key.clone(), card.reference.clone());
            self.out.push_back(Out::Ask(CustomerAsk::Lookup { request, key, reference }));
        }
    }

    pub fn command(&mut self, phone: &Phone, command: Command) {
        match command {
            Command::Find { request, text, offset, limit } => self.out.push_back(Out::Ask(CustomerAsk::Find {
                request: request.into(),
                text,
                offset,
                limit: limit.unwrap_or(PAGE).clamp(1, MAX_CUSTOMERS),
            })),
            Command::Names { addresses } => {
                let country = country(phone, None);
                let key = |address: String| {
                    let key = hatif_crm::key(&address, country.as_deref())?;
                    Some((address, key))
                };
                let keys = addresses.into_iter().take(MAX_NAMES).filter_map(key).collect();
                self.out.push_back(Out::Ask(CustomerAsk::Names { keys }));
            }
            Command::Save { request, customer } => match customer.tidied() {
                Ok(customer) => self.save(phone, request, customer),
                Err(text) => self.tell(Event::Failed { request, text: present::text(&text) }),
            },
            Command::Delete { customer } => self.out.push_back(Out::Ask(CustomerAsk::Delete { request: 0, customer })),
            Command::Choose { call, customer } => self.choose(CallId(call), customer),
            // `Erasure` does that.
            Command::Erase { .. } => {}
        }
    }

    fn save(&mut self, phone: &Phone, request: u32, mut customer: Customer) {
        let country = country(phone, None);
        let keys = hatif_crm::keys(&mut customer, country.as_deref());
        self.out.push_back(Out::Ask(CustomerAsk::Save { request: request.into(), customer: Box::new(customer), keys }));
    }

    fn choose(&mut self, call: CallId, customer: u32) {
        match self.cards.get_mut(&call) {
            Some(card) if card.view.customers.iter().any(|known| known.id == customer) => {
                card.view.chosen = Some(customer);
                let card = card.view.clone();
                self.tell(Event::CardChanged { card });
            }
            _ => self.out.push_back(Out::Refuse(Text::new("customer.gone"))),
        }
    }

    pub fn answer(&mut self, answer: CustomerAnswer) {
        match answer {
            CustomerAnswer::Looked { request, customers, earlier } => self.looked(request, customers, &earlier),
            CustomerAnswer::Found { request, customers, more, total } => {
                self.tell(Event::Found { request: of_view(request), customers, more, total });
            }
            CustomerAnswer::Names { names } => {
                let name = |(address, found): (String, Option<(u32, String)>)| {
                    let (customer, name) = found.unzip();
                    NameView { address, customer, name }
                };
                self.tell(Event::Names { names: names.into_iter().map(name).collect() });
            }
            CustomerAnswer::Saved { request, customer } => {
                self.tell(Event::Saved { request: of_view(request), customer: *customer });
                self.look_all_up();
            }
            CustomerAnswer::Deleted { customer, .. } => {
                self.tell(Event::Deleted { customer });
                self.look_all_up();
            }
            CustomerAnswer::Erased { .. } => self.look_all_up(),
            CustomerAnswer::Belongings { .. } => {}
            CustomerAnswer::Failed { request, text } => match request.checked_sub(OF_CALL) {
                // A card that can't be looked up shows what the call itself says.
                Some(_) => self.looked(request, Vec::new(), &[]),
                None => self.tell(Event::Failed { request: of_view(request), text: present::text(&text) }),
            },
        }
    }

    fn looked(&mut self, request: u64, customers: Vec<(Customer, Vec<String>)>, earlier: &[Interaction]) {
        let call = request.checked_sub(OF_CALL).and_then(|id| u32::try_from(id).ok()).map(CallId);
        let Some(card) = call.and_then(|id| self.cards.get_mut(&id)) else { return };
        let keys: Vec<&String> = card.key.iter().chain(customers.iter().flat_map(|(_, keys)| keys)).collect();
        let with_them = |row: &&Interaction| {
            let key = hatif_crm::key(&row.peer.address, card.country.as_deref());
            millis(row.started) < millis(card.started)
                && row.end.is_some()
                && key.is_some_and(|key| keys.iter().any(|known| same(known, &key)))
        };
        let before = earlier.iter().filter(with_them).take(EARLIER).map(present::history_entry).collect();
        let customers: Vec<Customer> = customers.into_iter().map(|(customer, _)| customer).collect();
        let only = if let [only] = customers.as_slice() { Some(only.id) } else { None };
        let still = card.view.chosen.filter(|chosen| customers.iter().any(|customer| customer.id == *chosen));
        card.view.chosen = only.or(still);
        card.view.customers = customers;
        card.view.earlier = before;
        card.view.looking = false;
        let card = card.view.clone();
        self.tell(Event::CardChanged { card });
    }

    /// Somebody's numbers may have changed.
    pub fn look_all_up(&mut self) {
        let calls: Vec<CallId> = self.cards.keys().copied().collect();
        calls.into_iter().for_each(|id| self.look_up(id));
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Out::Tell(event));
    }
}

/// The country by which national numbers are judged: the account's; else that of the first account that has one.
pub fn country(phone: &Phone, account: Option<AccountId>) -> Option<String> {
    let of = |id| phone.account(id).and_then(|entry| entry.account.options.country.clone());
    account
        .or(phone.settings().default_account)
        .and_then(of)
        .or_else(|| phone.accounts().find_map(|entry| entry.account.options.country.clone()))
}

fn of_view(request: u64) -> u32 {
    u32::try_from(request).unwrap_or(0)
}

fn millis(at: SystemTime) -> u128 {
    at.duration_since(UNIX_EPOCH).map(|since| since.as_millis()).unwrap_or(0)
}
