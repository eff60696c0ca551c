//! Customers as a file: a table that a spreadsheet opens as text, or vCards 4.0 (RFC 6350). Read again they are the same.

use crate::table;
use hatif_core::{
    customer::{Customer, Stage},
    customer_file::FileFormat,
};

const HEADING: [&str; 9] =
    ["name", "company", "numbers", "emails", "customer number", "stage", "owner", "tags", "notes"];

/// Octets of a vCard's line at most (RFC 6350, 3.2).
const FOLDED: usize = 75;

/// A part of the file: the beginning first, then customers as they come.
pub fn write(format: FileFormat, first: bool, customers: &[Customer]) -> String {
    match format {
        FileFormat::Csv => {
            let mut text = if first { table::begin(&HEADING) } else { String::new() };
            customers.iter().for_each(|customer| table::line(&mut text, row(customer).into_iter()));
            text
        }
        FileFormat::Vcard => customers.iter().map(card).collect(),
    }
}

fn row(customer: &Customer) -> [String; 9] {
    [
        customer.name.clone(),
        customer.company.clone(),
        lines(&customer.numbers),
        lines(&customer.emails),
        customer.reference.clone(),
        customer.stage.map(Stage::name).unwrap_or_default().to_owned(),
        customer.owner.clone(),
        lines(&customer.tags),
        customer.notes.clone(),
    ]
}

/// A list in one cell: one a line. A single one with a sign in it that could part two has its line's end.
fn lines(list: &[String]) -> String {
    let end = matches!(list, [one] if one.contains([',', ';', '،', ' ', ':']));
    list.join("\n") + if end { "\n" } else { "" }
}

fn card(customer: &Customer) -> String {
    let mut text = String::from("BEGIN:VCARD\r\nVERSION:4.0\r\n");
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            fold(&mut text, &format!("{name}:{}", escaped(value)));
        }
    };
    add("FN", customer.title());
    if customer.name.is_empty() {
        add("X-HATIF-NAMELESS", "1");
    }
    add("ORG", &customer.company);
    customer.numbers.iter().for_each(|number| add("TEL", number));
    customer.emails.iter().for_each(|email| add("EMAIL", email));
    customer.tags.iter().for_each(|tag| add("CATEGORIES", tag));
    add("NOTE", &customer.notes);
    add("X-HATIF-REFERENCE", &customer.reference);
    add("X-HATIF-STAGE", customer.stage.map(Stage::name).unwrap_or_default());
    add("X-HATIF-OWNER", &customer.owner);
    text.push_str("END:VCARD\r\n");
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n").replace(',', "\\,").replace(';', "\\;")
}

/// Folded between letters, never within one.
fn fold(text: &mut String, line: &str) {
    let mut width = 0;
    for letter in line.chars() {
        if width + letter.len_utf8() > FOLDED {
            text.push_str("\r\n ");
            width = 1;
        }
        width += letter.len_utf8();
        text.push(letter);
    }
    text.push_str("\r\n");
}
