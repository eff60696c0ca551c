//! A table's row as a customer.

use hatif_core::{
    customer::{Customer, Stage},
    customer_file::Column,
    text::Text,
};

/// Entries of a list that are kept: more than a customer may have, so that too many are told.
const MOST: usize = 100;

pub fn customer(cells: &[String], columns: &[Column]) -> Result<Customer, Text> {
    let mut customer = Customer::default();
    let (mut given, mut family) = (String::new(), String::new());
    for (cell, column) in cells.iter().zip(columns) {
        let whole = without_guard(cell);
        let cell = whole.trim();
        if cell.is_empty() {
            continue;
        }
        match column {
            Column::Nothing => {}
            Column::Name => join(&mut customer.name, cell, " "),
            Column::Given => join(&mut given, cell, " "),
            Column::Family => join(&mut family, cell, " "),
            Column::Company => join(&mut customer.company, cell, ", "),
            Column::Reference => join(&mut customer.reference, cell, ", "),
            Column::Owner => join(&mut customer.owner, cell, ", "),
            Column::Notes => join(&mut customer.notes, cell, "\n"),
            Column::Number => list(&mut customer.numbers, whole, is_between_numbers),
            Column::Email => list(&mut customer.emails, whole, |c, _| matches!(c, ',' | ';' | '،' | ' ')),
            Column::Tags => list(&mut customer.tags, whole, |c, _| matches!(c, ',' | ';' | '،')),
            Column::Stage => match Stage::named(cell) {
                Some(stage) => customer.stage = Some(stage),
                // A stage of somebody else's is not lost.
                None => customer.tags.push(cell.to_owned()),
            },
        }
    }
    join(&mut customer.name, &given, " ");
    join(&mut customer.name, &family, " ");
    Ok(customer)
}

fn join(text: &mut String, more: &str, between: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str(between);
    }
    text.push_str(more);
}

/// `021 8820;ext=12` is one number.
fn is_between_numbers(c: char, rest: &str) -> bool {
    c == '،' || (c == ';' && !rest.trim_start().to_lowercase().starts_with("ext"))
}

/// The entries of a cell: one a line where there are lines; else as Google writes them (`:::`), or between signs.
fn list(entries: &mut Vec<String>, cell: &str, is_between: impl Fn(char, &str) -> bool) {
    let mut add = |entry: &str| {
        let entry = entry.trim();
        if !entry.is_empty() && entries.len() < MOST {
            entries.push(entry.to_owned());
        }
    };
    if cell.contains('\n') {
        return cell.split('\n').for_each(add);
    }
    for part in cell.split(":::") {
        let mut from = 0;
        for (at, c) in part.char_indices() {
            let next = at + c.len_utf8();
            if is_between(c, &part[next..]) {
                add(&part[from..at]);
                from = next;
            }
        }
        add(&part[from..]);
    }
}

/// Without the apostrophe that keeps a spreadsheet from reckoning with a cell.
pub fn without_guard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if crate::table::is_reckoned(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}
