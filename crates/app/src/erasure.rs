//! A customer erased on request. A machine without I/O: the command and answers in; questions, and what others have to do,
//! out.
//!
//! ```text
//! begin ──> Belongings ──> [whose numbers are the same] ──> recordings deleted ──> Forget, Erase ──> Erased
//! ```
//!
//! The customer's row goes last: cut off before that, the customer is still there to be erased again.

use crate::{
    card, present,
    view::{CustomersEvent as Event, Text as TextView},
};
use hatif_core::{
    customer::{CustomerAnswer, CustomerAsk, RecordingOfCall, same},
    ids::AccountId,
    phone::Phone,
    text::Text,
};
use std::collections::{BTreeSet, VecDeque};

/// What comes of it.
#[derive(Debug, PartialEq)]
pub enum Out {
    Ask(CustomerAsk),
    DeleteRecording(String),
    /// Whatever else is held of these numbers and these calls of the log.
    Forget {
        keys: Vec<String>,
        calls: Vec<i64>,
    },
    Tell(Event),
}

struct Erasing {
    request: u64,
    customer: u32,
    keys: Vec<String>,
    calls: Vec<i64>,
    tasks: Vec<u32>,
    /// Recordings that are not deleted yet.
    waits: BTreeSet<String>,
}

#[derive(Default)]
pub struct Erasure {
    /// What was asked for last.
    asked: Option<u64>,
    erasing: Option<Erasing>,
    out: VecDeque<Out>,
}

impl Erasure {
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    pub fn begin(&mut self, request: u32, customer: u32) {
        self.asked = Some(request.into());
        self.erasing = None;
        self.out.push_back(Out::Ask(CustomerAsk::Belongings { request: request.into(), customer }));
    }

    pub fn answer(&mut self, phone: &Phone, answer: &CustomerAnswer) {
        match answer {
            CustomerAnswer::Belongings { request, customer, keys, calls, recordings, tasks }
                if self.asked == Some(*request) =>
            {
                let is_theirs = |account: AccountId, address: &str| {
                    let country = card::country(phone, Some(account));
                    let key = hatif_crm::key(address, country.as_deref());
                    key.is_some_and(|key| keys.iter().any(|known| same(known, &key)))
                };
                let theirs = |(id, number): &(i64, Option<(AccountId, String)>)| {
                    let theirs = number.as_ref().is_none_or(|(account, address)| is_theirs(*account, address));
                    theirs.then_some(*id)
                };
                let calls: BTreeSet<i64> = calls.iter().filter_map(theirs).collect();
                let country = card::country(phone, None);
                let task = |(id, address): &(u32, String)| {
                    let key = hatif_crm::key(address, country.as_deref())?;
                    keys.iter().any(|known| same(known, &key)).then_some(*id)
                };
                let erasing = Erasing {
                    request: *request,
                    customer: *customer,
                    keys: keys.clone(),
                    tasks: tasks.iter().filter_map(task).collect(),
                    waits: BTreeSet::new(),
                    calls: calls.into_iter().collect(),
                };
                let running = phone.calls().any(|entry| erasing.calls.contains(&entry.interaction()));
                self.with_recordings(erasing, running, recordings);
            }
            CustomerAnswer::Erased { request, customer, .. } if self.asked == Some(*request) => {
                self.asked = None;
                let request = u32::try_from(*request).unwrap_or(0);
                self.out.push_back(Out::Tell(Event::Erased { request, customer: *customer }));
            }
            _ => {}
        }
    }

    fn with_recordings(&mut self, mut erasing: Erasing, running: bool, recordings: &[RecordingOfCall]) {
        let theirs = |recording: &&RecordingOfCall| erasing.calls.contains(&recording.call);
        let recordings: Vec<&RecordingOfCall> = recordings.iter().filter(theirs).collect();
        if running || recordings.iter().any(|recording| recording.running) {
            return self.fail(erasing.request, "customer.erase_in_call");
        }
        if recordings.iter().any(|recording| recording.held) {
            return self.fail(erasing.request, "customer.erase_held");
        }
        erasing.waits = recordings.iter().map(|recording| recording.name.clone()).collect();
        self.out.extend(erasing.waits.iter().cloned().map(Out::DeleteRecording));
        self.erasing = Some(erasing);
        self.go_on();
    }

    /// A recording is deleted, or can't be.
    pub fn recording(&mut self, name: &str, deleted: bool) {
        let Some(erasing) = self.erasing.as_mut().filter(|erasing| erasing.waits.contains(name)) else { return };
        if deleted {
            erasing.waits.remove(name);
            self.go_on();
        } else if let Some(erasing) = self.erasing.take() {
            self.fail(erasing.request, "customer.erase_recording");
        }
    }

    fn go_on(&mut self) {
        if let Some(Erasing { request, customer, keys, calls, tasks, .. }) =
            self.erasing.take_if(|erasing| erasing.waits.is_empty())
        {
            self.out.push_back(Out::Forget { keys, calls: calls.clone() });
            self.out.push_back(Out::Ask(CustomerAsk::Erase { request, customer, calls, tasks }));
        }
    }

    fn fail(&mut self, request: u64, code: &'static str) {
        self.asked = None;
        let text: TextView = present::text(&Text::new(code));
        self.out.push_back(Out::Tell(Event::Failed { request: u32::try_from(request).unwrap_or(0), text }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_core::phone::PhoneConfig;

    const KEY: &str = "+982188201140";

    fn belongings(recordings: Vec<RecordingOfCall>) -> CustomerAnswer {
        let with = |address: &str| Some((AccountId(1), address.to_owned()));
        CustomerAnswer::Belongings {
            request: 7,
            customer: 3,
            keys: vec![KEY.into()],
            // The same last digits, in another city.
            calls: vec![(1, with("+982188201140")), (2, with("+982688201140")), (3, None), (1, None)],
            recordings,
            tasks: vec![(5, "+98 21 8820 1140".into()), (6, "+98 26 8820 1140".into())],
        }
    }

    fn recording(name: &str, call: i64) -> RecordingOfCall {
        RecordingOfCall { name: name.into(), call, held: false, running: false }
    }

    fn begun() -> (Erasure, Phone) {
        let mut erasure = Erasure::default();
        erasure.begin(7, 3);
        assert_eq!(erasure.poll(), Some(Out::Ask(CustomerAsk::Belongings { request: 7, customer: 3 })));
        (erasure, Phone::new(PhoneConfig::default()))
    }

    #[test]
    fn recordings_go_first_and_others_with_the_same_digits_stay() {
        let (mut erasure, phone) = begun();
        erasure.answer(&phone, &belongings(vec![recording("a", 1), recording("b", 2), recording("c", 3)]));
        assert_eq!(erasure.poll(), Some(Out::DeleteRecording("a".into())));
        assert_eq!(erasure.poll(), Some(Out::DeleteRecording("c".into())));
        erasure.recording("a", true);
        erasure.recording("b", true);
        assert_eq!(erasure.poll(), None, "one is not deleted yet");
        erasure.recording("c", true);
        assert_eq!(erasure.poll(), Some(Out::Forget { keys: vec![KEY.into()], calls: vec![1, 3] }));
        let erase = CustomerAsk::Erase { request: 7, customer: 3, calls: vec![1, 3], tasks: vec![5] };
        assert_eq!(erasure.poll(), Some(Out::Ask(erase)));
        erasure.answer(&phone, &CustomerAnswer::Erased { request: 7, customer: 3, calls: vec![1, 3] });
        assert_eq!(erasure.poll(), Some(Out::Tell(Event::Erased { request: 7, customer: 3 })));
    }

    #[test]
    fn one_that_must_be_kept_or_cannot_be_deleted_leaves_the_customer() {
        let held = RecordingOfCall { held: true, ..recording("a", 1) };
        let running = RecordingOfCall { running: true, ..recording("a", 1) };
        for (first, code) in [(held, "customer.erase_held"), (running, "customer.erase_in_call")] {
            let (mut erasure, phone) = begun();
            erasure.answer(&phone, &belongings(vec![recording("b", 3), first]));
            let text = present::text(&Text::new(code));
            assert_eq!(erasure.poll(), Some(Out::Tell(Event::Failed { request: 7, text })));
            assert_eq!(erasure.poll(), None, "nothing is deleted");
        }
        let (mut erasure, phone) = begun();
        erasure.answer(&phone, &belongings(vec![recording("a", 1)]));
        assert_eq!(erasure.poll(), Some(Out::DeleteRecording("a".into())));
        erasure.recording("a", false);
        let text = present::text(&Text::new("customer.erase_recording"));
        assert_eq!(erasure.poll(), Some(Out::Tell(Event::Failed { request: 7, text })));
        assert_eq!(erasure.poll(), None);
    }
}
