//! vCards: 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), of which a customer takes names, company, numbers, e-mail addresses,
//! categories and notes. Pictures and all else are passed over.

use super::FileItem;
use encoding_rs::{Encoding, UTF_8};
use hatif_core::{
    customer::{Customer, Stage},
    text::Text,
};
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of an unfolded line that are kept. The rest of it is a picture, or more notes than can be kept.
const LONGEST: usize = 128 << 10;
/// Entries of a list that are kept: more than a customer may have, so that too many are told.
const MOST: usize = 100;

pub struct Cards<R> {
    input: BufReader<R>,
    /// The line that was read to see whether it goes on with the one before.
    ahead: Option<Vec<u8>>,
    line: u64,
    card: Option<Card>,
}

#[derive(Default)]
struct Card {
    line: u64,
    customer: Customer,
    /// Of `N`, where there is no `FN`.
    parts: String,
    /// `FN` is not their name: the company's or a number stands there, since something has to.
    nameless: bool,
}

struct Property {
    name: String,
    value: String,
}

impl<R: Read> Cards<R> {
    pub fn new(input: R) -> Cards<R> {
        Cards { input: BufReader::new(input), ahead: None, line: 0, card: None }
    }

    pub fn read(&mut self) -> io::Result<Option<FileItem>> {
        while let Some((at, line)) = self.unfolded()? {
            let Some(property) = property(&line) else { continue };
            let is_card = property.value.trim().eq_ignore_ascii_case("VCARD");
            match property.name.as_str() {
                "BEGIN" if is_card => {
                    // The one before has no end.
                    if let Some(broken) = self.card.replace(Card { line: at, ..Card::default() }) {
                        return Ok(Some(broken.broken()));
                    }
                }
                "END" if is_card => {
                    if let Some(card) = self.card.take() {
                        return Ok(Some(card.item()));
                    }
                }
                _ => self.card.iter_mut().for_each(|card| card.take(&property)),
            }
        }
        Ok(self.card.take().map(Card::broken))
    }

    /// A line with those that go on with it, and where it begins.
    fn unfolded(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let Some(mut line) = self.next_line()? else { return Ok(None) };
        let at = self.line;
        loop {
            let quoted = line.ends_with(b"=") && is_quoted_printable(&line);
            let Some(next) = self.next_line()? else { break };
            if quoted {
                line.pop();
                add(&mut line, &next);
            } else if let Some(rest @ [_, ..]) = next.strip_prefix(b" ").or(next.strip_prefix(b"\t")) {
                add(&mut line, rest);
            } else if next != b" " && next != b"\t" {
                self.ahead = Some(next);
                break;
            }
        }
        Ok(Some((at, line)))
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let mut any = false;
        loop {
            let read = self.input.fill_buf()?;
            if read.is_empty() {
                break;
            }
            any = true;
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            add(&mut line, part);
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        self.line += 1;
        Ok(Some(line))
    }
}

fn add(line: &mut Vec<u8>, more: &[u8]) {
    line.extend_from_slice(&more[..more.len().min(LONGEST.saturating_sub(line.len()))]);
}

fn is_quoted_printable(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(head).to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

/// `group.NAME;PARAM=value;PARAM:value`, the value decoded but not split.
fn property(line: &[u8]) -> Option<Property> {
    let mut quoted = false;
    let colon = line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    })?;
    let head = String::from_utf8_lossy(&line[..colon]).into_owned();
    let mut parts = head.split(';');
    let name = parts.next()?.rsplit('.').next()?.trim().to_ascii_uppercase();
    // Of 2.1: `TEL;CELL;VOICE`.
    let params: Vec<(String, String)> = parts
        .map(|part| part.split_once('=').unwrap_or(("TYPE", part)))
        .map(|(name, value)| (name.trim().to_ascii_uppercase(), value.trim().trim_matches('"').to_owned()))
        .collect();
    let value = &line[colon + 1..];
    let is = |wanted: &str| params.iter().any(|(_, value)| value.eq_ignore_ascii_case(wanted));
    let value = if is("QUOTED-PRINTABLE") {
        let charset = params.iter().find(|(name, _)| name == "CHARSET");
        let encoding = charset.and_then(|(_, label)| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
        encoding.decode_without_bom_handling(&unquoted(value)).0.into_owned()
    } else {
        String::from_utf8_lossy(value).into_owned()
    };
    Some(Property { name, value })
}

/// Quoted-printable (RFC 2045, 6.7), its soft breaks already gone.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        let code = value.get(at + 1..at + 3).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) if *byte == b'=' => {
                out.push(code);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// The parts of a value, split where a sign stands without a backslash, their escapes undone.
fn split(value: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut().expect("there is one from the start");
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => part.push('\n'),
                Some(sign @ ('\\' | ',' | ';' | ':')) => part.push(sign),
                Some(other) => part.extend(['\\', other]),
                None => part.push('\\'),
            },
            _ if letter == at => parts.push(String::new()),
            _ => part.push(letter),
        }
    }
    parts
}

/// The value as one text.
fn text(value: &str) -> String {
    split(value, '\0').concat()
}

impl Card {
    fn take(&mut self, property: &Property) {
        let customer = &mut self.customer;
        let value = &property.value;
        match property.name.as_str() {
            "FN" if customer.name.is_empty() => customer.name = text(value),
            "N" if self.parts.is_empty() => {
                // Family; given; additional; prefixes; suffixes.
                let parts = split(value, ';');
                let named = [3, 1, 2, 0, 4].into_iter().filter_map(|part| parts.get(part)).map(|part| part.trim());
                self.parts = named.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            }
            "ORG" if customer.company.is_empty() => {
                customer.company = split(value, ';').into_iter().next().unwrap_or_default();
            }
            "TEL" => {
                let number = text(value);
                let number = number.trim();
                let is_uri = number.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
                push(&mut customer.numbers, number[if is_uri { 4 } else { 0 }..].to_owned());
            }
            "EMAIL" => push(&mut customer.emails, text(value)),
            "CATEGORIES" => split(value, ',').into_iter().for_each(|tag| push(&mut customer.tags, tag)),
            "NOTE" => {
                let more = if customer.notes.is_empty() { "" } else { "\n" };
                if customer.notes.len() < LONGEST {
                    customer.notes.push_str(more);
                    customer.notes.push_str(&text(value));
                }
            }
            "KIND" => self.nameless |= value.trim().eq_ignore_ascii_case("org"),
            "X-HATIF-NAMELESS" => self.nameless = true,
            "X-HATIF-REFERENCE" => customer.reference = text(value),
            "X-HATIF-OWNER" => customer.owner = text(value),
            "X-HATIF-STAGE" => customer.stage = Stage::named(&text(value)),
            _ => {}
        }
    }

    fn item(mut self) -> FileItem {
        let is_name = |title: &String| *title == self.customer.name;
        if self.nameless && (is_name(&self.customer.company) || self.customer.numbers.iter().any(is_name)) {
            self.customer.name.clear();
        } else if self.customer.name.trim().is_empty() {
            self.customer.name = std::mem::take(&mut self.parts);
        }
        FileItem { line: self.line, customer: Ok(self.customer) }
    }

    fn broken(self) -> FileItem {
        FileItem { line: self.line, customer: Err(Text::new("import.broken_card")) }
    }
}

fn push(list: &mut Vec<String>, entry: String) {
    if list.len() < MOST && !entry.trim().is_empty() {
        list.push(entry);
    }
}
