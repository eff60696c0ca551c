//! From an answer to records. Nothing in it is believed: texts are cut and cleaned, records without a name or an id are left
//! out, and so are those whose numbers are others than the one that was asked for.

use crate::description::{Lookup, Only};
use hatif_core::customer::{clean, same};
use serde_json::Value;

/// Records of an answer at most.
const MAX_RECORDS: usize = 20;
/// Characters of a text at most.
const MAX_TEXT: usize = 500;
/// Facts of a record at most, and values that one path may find.
const MAX_FACTS: usize = 20;

/// Who has a number, as a CRM says. Every text is a person's: to be shown as text only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its id there.
    pub id: String,
    /// The person's.
    pub name: String,
    /// Where they work.
    pub company: String,
    /// Their e-mail.
    pub email: String,
    /// How far they are on the way to being a customer, in the CRM's words.
    pub stage: String,
    /// Who looks after them.
    pub owner: String,
    /// What was noted.
    pub notes: String,
    /// What else the description maps: tickets, orders, articles.
    pub facts: Vec<Fact>,
}

/// A line of the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is, in the description's words.
    pub label: String,
    /// Its value.
    pub value: String,
}

impl Only {
    /// The first value that each path finds, with a space between; numbers as they are written.
    pub(crate) fn text(&self, value: &Value) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .filter_map(|path| plain(path.query(value).first()?))
            .filter(|text| !text.is_empty())
            .collect();
        parts.join(" ")
    }

    /// All values that the paths find, with a comma between.
    fn all(&self, value: &Value) -> String {
        let found = self.0.iter().flat_map(|path| path.query(value).all()).filter_map(plain);
        let texts: Vec<String> = found.filter(|text| !text.is_empty()).take(MAX_FACTS).collect();
        texts.join(", ")
    }
}

/// What a value is as a text. An object or a list is none.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(clean(&text, true).chars().take(MAX_TEXT).collect())
}

/// The records of an answer that are of this number. `numbers`: its forms.
pub(crate) fn records(lookup: &Lookup, answer: &Value, numbers: &[&str]) -> Vec<Record> {
    let each = lookup.each.query(answer).all();
    each.into_iter()
        .filter(|item| is_of(lookup, item, numbers))
        .filter_map(|item| record(lookup, item))
        .take(MAX_RECORDS)
        .collect()
}

fn is_of(lookup: &Lookup, item: &Value, numbers: &[&str]) -> bool {
    let Some(path) = &lookup.map.numbers else { return true };
    let held = path.query(item).all();
    held.into_iter().take(100).filter_map(plain).any(|held| {
        let held = normal(&held);
        numbers.iter().any(|number| same(&held, &normal(number)))
    })
}

/// Digits of any script, and the plus; `00` is a plus.
fn normal(number: &str) -> String {
    let digits: String = number.chars().map(hatif_core::dial::ascii_digit).filter(char::is_ascii_digit).collect();
    let international = number.trim_start().starts_with(['+', '＋']) || (digits.starts_with("00") && digits.len() > 8);
    if international { format!("+{}", digits.trim_start_matches('0')) } else { digits }
}

fn record(lookup: &Lookup, item: &Value) -> Option<Record> {
    let text = |name: &str| lookup.map.texts.get(name).map(|only| only.text(item)).unwrap_or_default();
    let facts = lookup.map.facts.iter().map(|(label, value)| Fact { label: label.clone(), value: value.all(item) });
    let record = Record {
        id: text("id"),
        name: line(&text("name")),
        company: line(&text("company")),
        email: line(&text("email")),
        stage: line(&text("stage")),
        owner: line(&text("owner")),
        notes: text("notes"),
        facts: facts.filter(|fact| !fact.value.is_empty()).take(MAX_FACTS).collect(),
    };
    let somebody = !record.name.is_empty() || !record.company.is_empty() || !record.id.is_empty();
    somebody.then_some(record)
}

fn line(text: &str) -> String {
    clean(text, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Description;
    use proptest::prelude::*;
    use serde_json::json;

    fn description() -> Description {
        let file = json!({
            "hatif_connector": 1, "name": "Test",
            "lookup": {
                "request": { "method": "GET", "url": "https://crm.example/p", "query": { "q": "{number}" } },
                "each": "$.people[*]",
                "map": { "id": "$.id", "name": ["$.first", "$.last"], "notes": "$.notes" },
                "numbers": "$.phones[*]",
                "facts": [{ "label": "Open tickets", "value": "$.tickets[?@.open == true].title" }],
            },
        });
        Description::parse(&file.to_string()).unwrap()
    }

    fn read(answer: &Value) -> Vec<Record> {
        records(description().lookup.as_ref().unwrap(), answer, &["+982188201140"])
    }

    #[test]
    fn an_answer_becomes_records() {
        let answer = json!({ "people": [{
            "id": 7, "first": "Sara", "last": "Ahmadi\u{202e}", "phones": ["+98 (21) 8820-1140"], "notes": "a\nb",
            "tickets": [{ "open": true, "title": "Late" }, { "open": false, "title": "Old" }, { "open": true, "title": "Lost" }],
        }]});
        let found = read(&answer);
        assert_eq!(
            (found[0].id.as_str(), found[0].name.as_str(), found[0].notes.as_str()),
            ("7", "Sara Ahmadi", "a\nb")
        );
        assert_eq!(found[0].facts, [Fact { label: "Open tickets".into(), value: "Late, Lost".into() }]);
    }

    #[test]
    fn a_crm_that_ignores_the_question_shows_nobody() {
        let person = |id: u32, phone: &str| json!({ "id": id, "first": "x", "phones": [phone] });
        let everybody: Vec<Value> = (0..50).map(|n| person(n, &format!("+4930{:07}", n))).collect();
        assert!(read(&json!({ "people": everybody })).is_empty());
        let found =
            read(&json!({ "people": [person(1, "+49301"), person(2, "021 8820 1140"), person(3, "٠٠٩٨٢١٨٨٢٠١١٤٠")] }));
        assert_eq!(found.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
    }

    #[test]
    fn other_peoples_types_are_no_records() {
        for answer in [
            json!(null),
            json!([]),
            json!({ "people": "x" }),
            json!({ "people": [1, null, "a", {}, []] }),
            json!({ "people": [{ "id": {}, "first": [1], "phones": "+982188201140" }] }),
        ] {
            assert!(read(&answer).is_empty(), "{answer}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            let key =
                prop_oneof![Just("people".to_owned()), Just("id".to_owned()), Just("phones".to_owned()), "[a-z]{1,6}"];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(key, inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answer_is_read(answer in any_json()) {
            for record in read(&answer) {
                prop_assert!(record.name.chars().all(|c| !c.is_control()) && record.name.chars().count() <= 2 * MAX_TEXT + 1);
            }
        }
    }
}
