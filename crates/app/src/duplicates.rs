//! Customers who are there twice: found, made one, and two again. A machine without I/O.

use crate::{command::DuplicatesCommand as Command, view::DuplicatesEvent as Event};
use hatif_core::{
    duplicate::{DuplicateAnswer, DuplicateAsk},
    text::Text,
};
use std::collections::VecDeque;

pub enum Out {
    Ask(DuplicateAsk),
    Tell(Event),
    Refuse(Text),
    /// Customers came or went.
    Changed,
}

#[derive(Default)]
pub struct Duplicates {
    out: VecDeque<Out>,
}

impl Duplicates {
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    pub fn command(&mut self, command: Command, country: Option<&str>) {
        match command {
            Command::Find => self.out.push_back(Out::Ask(DuplicateAsk::Find)),
            Command::Undo => self.out.push_back(Out::Ask(DuplicateAsk::Undo)),
            Command::Merge { customer, others } => match customer.tidied() {
                Ok(mut customer) => {
                    let keys = hatif_crm::keys(&mut customer, country);
                    self.out.push_back(Out::Ask(DuplicateAsk::Merge { customer: Box::new(customer), keys, others }));
                }
                Err(why) => self.out.push_back(Out::Refuse(why)),
            },
        }
    }

    pub fn answer(&mut self, answer: DuplicateAnswer) {
        match answer {
            DuplicateAnswer::Found(groups) => self.out.push_back(Out::Tell(Event::Found { groups })),
            DuplicateAnswer::Merged(customer) => self.changed(Event::Merged { customer }),
            DuplicateAnswer::Undone(customers) => self.changed(Event::Undone { customers }),
            DuplicateAnswer::Failed(why) => self.out.push_back(Out::Refuse(why)),
        }
    }

    fn changed(&mut self, event: Event) {
        self.out.extend([Out::Tell(event), Out::Changed, Out::Ask(DuplicateAsk::Find)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_core::customer::Customer;

    #[test]
    fn a_merge_of_too_much_is_refused_and_nothing_is_asked() {
        let mut duplicates = Duplicates::default();
        let numbers = (0..30).map(|n| format!("+98218820{n:04}")).collect();
        let customer = Box::new(Customer { id: 1, name: "Sara".into(), numbers, ..Customer::default() });
        duplicates.command(Command::Merge { customer, others: vec![2] }, None);
        assert!(matches!(duplicates.poll(), Some(Out::Refuse(why)) if why.code == "customer.too_many"));
        assert!(duplicates.poll().is_none());
    }
}
