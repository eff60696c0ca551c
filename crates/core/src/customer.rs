//! Customers as this laptop knows them, and the part of the store's port that keeps them: the address book behind the
//! caller's card.
//!
//! A number is compared by its *key* (`hatif_crm::key`): E.164 with its plus where it can be told, else its digits as they
//! are; an address in lower case. Here are only the rules on keys, which store and application share.

use crate::{dial, ids::AccountId, store::Interaction, text::Text};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Characters of a name, a company, an owner, a tag, a number or an e-mail at most; longer ones are refused.
pub const MAX_LINE: usize = 200;
/// Characters of the notes at most.
pub const MAX_NOTES: usize = 20_000;
/// Numbers, e-mails or tags of a customer at most.
pub const MAX_ENTRIES: usize = 20;
/// Customers of a page, or who share a number, at most.
pub const MAX_CUSTOMERS: u32 = 200;
/// Earlier calls on a card at most.
pub const MAX_EARLIER: u32 = 50;

/// How far somebody is on the way to being a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Lead,
    Contacted,
    Qualified,
    Customer,
    Lost,
}

impl Stage {
    pub const ALL: [Stage; 5] = [Stage::Lead, Stage::Contacted, Stage::Qualified, Stage::Customer, Stage::Lost];

    /// Its name in the database and in files.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Lead => "lead",
            Stage::Contacted => "contacted",
            Stage::Qualified => "qualified",
            Stage::Customer => "customer",
            Stage::Lost => "lost",
        }
    }

    pub fn named(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// A customer. Every text is a person's: to be shown as text only.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct Customer {
    /// 0: not kept yet.
    #[serde(default)]
    pub id: u32,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub company: String,
    /// As they were written.
    #[serde(default)]
    pub numbers: Vec<String>,
    #[serde(default)]
    pub emails: Vec<String>,
    /// The customer's number in the company's books: what the PBX may send along with a call.
    #[serde(default)]
    pub reference: String,
    #[serde(default)]
    pub stage: Option<Stage>,
    /// The colleague who looks after them.
    #[serde(default)]
    pub owner: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub notes: String,
}

impl Customer {
    /// The customer as it is kept: spaces at the ends, control and bidi characters, empty and doubled entries gone.
    ///
    /// # Errors
    /// `customer.nameless` when there is neither a name, a company nor a number; `customer.too_long` (`field`);
    /// `customer.too_many` (`field`).
    pub fn tidied(self) -> Result<Customer, Text> {
        let line = |field: &'static str, text: String| {
            let text = clean(&text, false);
            if text.chars().count() > MAX_LINE {
                return Err(Text::new("customer.too_long").with("field", field));
            }
            Ok(text)
        };
        let lines = |field: &'static str, texts: Vec<String>| {
            let mut kept: Vec<String> = Vec::new();
            for text in texts {
                let text = line(field, text)?;
                if !text.is_empty() && !kept.contains(&text) {
                    kept.push(text);
                }
            }
            if kept.len() > MAX_ENTRIES {
                return Err(Text::new("customer.too_many").with("field", field));
            }
            Ok(kept)
        };
        let notes = clean(&self.notes, true);
        if notes.chars().count() > MAX_NOTES {
            return Err(Text::new("customer.too_long").with("field", "notes"));
        }
        let customer = Customer {
            id: self.id,
            name: line("name", self.name)?,
            company: line("company", self.company)?,
            numbers: lines("numbers", self.numbers)?,
            emails: lines("emails", self.emails)?,
            reference: line("reference", self.reference)?,
            stage: self.stage,
            owner: line("owner", self.owner)?,
            tags: lines("tags", self.tags)?,
            notes,
        };
        if customer.name.is_empty() && customer.company.is_empty() && customer.numbers.is_empty() {
            return Err(Text::new("customer.nameless"));
        }
        Ok(customer)
    }

    /// What stands for the customer in one line.
    pub fn title(&self) -> &str {
        match (self.name.as_str(), self.company.as_str()) {
            ("", "") => self.numbers.first().map_or("", String::as_str),
            ("", company) => company,
            (name, _) => name,
        }
    }
}

/// Text of a person without what changes its direction or can't be seen; line breaks only where they are meant.
pub fn clean(text: &str, lines: bool) -> String {
    let kept =
        |c: &char| !dial::is_bidi_control(*c) && *c != '\u{feff}' && (!c.is_control() || *c == '\n' || *c == '\t');
    let text: String = text.chars().filter(kept).map(|c| if !lines && c.is_whitespace() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

/// From so many digits on a number may be dialled without its country or area.
const WHOLE: usize = 7;

/// What a number is looked up by: its last seven digits; a shorter one and an address as they are. Different numbers may
/// share it: [`same`] decides.
pub fn tail(key: &str) -> String {
    let digits: String = key.chars().map(dial::ascii_digit).filter(char::is_ascii_digit).collect();
    if key.contains(|c: char| c.is_alphabetic() || c == '@') || digits.len() < WHOLE {
        return key.trim().to_lowercase();
    }
    digits[digits.len() - WHOLE..].to_owned()
}

/// Whether two keys are the same number: equal; or, where the country of one is not known, the longer one ends with the
/// shorter one but for its leading zeros.
pub fn same(a: &str, b: &str) -> bool {
    if a == b {
        return !a.is_empty();
    }
    let international = |key: &str| key.starts_with('+');
    if international(a) && international(b) {
        return false;
    }
    let digits = |key: &str| key.trim_start_matches('+').trim_start_matches('0').to_owned();
    let all = |key: &str| key.trim_start_matches('+').chars().all(|c| c.is_ascii_digit());
    if !all(a) || !all(b) {
        return false;
    }
    let (a, b) = (digits(a), digits(b));
    a.len().min(b.len()) >= WHOLE && (a.ends_with(&b) || b.ends_with(&a))
}

/// What the application asks of the store about customers. Each is answered by one [`CustomerAnswer`], in order.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomerAsk {
    /// Who has this number or reference, and the earlier calls with them.
    Lookup {
        request: u64,
        key: Option<String>,
        reference: Option<String>,
    },
    /// A page of those whose texts hold every word (letters folded); all when there is none.
    Find {
        request: u64,
        text: String,
        offset: u32,
        limit: u32,
    },
    /// The names of who has these numbers: what was asked about, with its key.
    Names {
        keys: Vec<(String, String)>,
    },
    /// Inserts (`id` 0) or replaces; `keys` are those of the numbers, in their order.
    Save {
        request: u64,
        customer: Box<Customer>,
        keys: Vec<String>,
    },
    Delete {
        request: u64,
        customer: u32,
    },
    /// What may belong to a customer who is to be erased. Answered by `Belongings`.
    Belongings {
        request: u64,
        customer: u32,
    },
    /// The customer with these calls and tasks, so that nothing names them any more. Answered by `Erased`.
    Erase {
        request: u64,
        customer: u32,
        calls: Vec<i64>,
        tasks: Vec<u32>,
    },
}

/// A recording of a call that may be with a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingOfCall {
    pub name: String,
    /// The call's row of the log.
    pub call: i64,
    /// Not to be destroyed.
    pub held: bool,
    pub running: bool,
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomerAnswer {
    /// `customers`: with their keys, at most [`MAX_CUSTOMERS`]. `earlier`: calls that may be with them, newest first; who
    /// asked compares the numbers ([`same`]).
    Looked {
        request: u64,
        customers: Vec<(Customer, Vec<String>)>,
        earlier: Vec<Interaction>,
    },
    Found {
        request: u64,
        customers: Vec<Customer>,
        more: bool,
        total: u32,
    },
    /// What was asked about and the customer's id and title, where there is exactly one.
    Names {
        names: Vec<(String, Option<(u32, String)>)>,
    },
    Saved {
        request: u64,
        customer: Box<Customer>,
    },
    Deleted {
        request: u64,
        customer: u32,
    },
    /// `calls`, `tasks`: who asked compares the numbers ([`same`]); a call without one is surely theirs.
    Belongings {
        request: u64,
        customer: u32,
        keys: Vec<String>,
        calls: Vec<(i64, Option<(AccountId, String)>)>,
        recordings: Vec<RecordingOfCall>,
        tasks: Vec<(u32, String)>,
    },
    /// The rows of the log that have nobody's name any more.
    Erased {
        request: u64,
        customer: u32,
        calls: Vec<i64>,
    },
    /// It could not be done; nothing has changed.
    Failed {
        request: u64,
        text: Text,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_customer_is_kept_without_what_cannot_be_seen() {
        let customer = Customer {
            name: " \u{202e}Sara\u{0}\nAhmadi ".into(),
            numbers: vec!["+98 21 1".into(), " ".into(), "+98 21 1".into()],
            notes: "one\ntwo\u{7}".into(),
            ..Customer::default()
        };
        let tidied = customer.tidied().unwrap();
        assert_eq!((tidied.name.as_str(), tidied.notes.as_str()), ("Sara Ahmadi", "one\ntwo"));
        assert_eq!(tidied.numbers, ["+98 21 1"]);
        assert_eq!(tidied.clone().tidied(), Ok(tidied));
    }

    #[test]
    fn a_customer_out_of_bounds_is_refused() {
        assert_eq!(Customer::default().tidied().unwrap_err().code, "customer.nameless");
        let long = Customer { name: "ب".repeat(MAX_LINE + 1), ..Customer::default() };
        assert_eq!(long.tidied().unwrap_err().params["field"], "name");
        let fits = Customer { name: "ب".repeat(MAX_LINE), ..Customer::default() };
        assert!(fits.tidied().is_ok());
        let many = Customer { numbers: (0..=MAX_ENTRIES).map(|n| n.to_string()).collect(), ..Customer::default() };
        assert_eq!(many.tidied().unwrap_err().code, "customer.too_many");
    }

    #[test]
    fn a_number_without_its_country_is_the_same_number() {
        assert!(same("+989123456789", "+989123456789"));
        assert!(same("+989123456789", "09123456789"));
        assert!(same("9123456789", "09123456789"));
        assert!(!same("+989123456789", "+19123456789"), "two countries");
        assert!(!same("600", "+98600"), "a colleague");
        assert!(!same("", ""));
        assert!(!same("sara@pbx", "omid@pbx"));
    }

    proptest! {
        #[test]
        fn the_same_number_has_the_same_tail(a in "\\+?[0-9]{0,12}", b in "\\+?[0-9]{0,12}", text in "\\PC{0,30}") {
            prop_assert!(!same(&a, &b) || tail(&a) == tail(&b));
            prop_assert_eq!(same(&a, &b), same(&b, &a));
            let _ = (tail(&text), same(&a, &text));
        }

        #[test]
        fn whatever_comes_is_kept_tidy_or_refused(name in "\\PC{0,50}", notes in "(?s).{0,60}") {
            if let Ok(kept) = (Customer { name, notes, ..Customer::default() }).tidied() {
                prop_assert!(!kept.name.chars().any(char::is_control));
                prop_assert_eq!(kept.clone().tidied(), Ok(kept));
            }
        }
    }
}
