//! A small XML tree: names without prefixes, attributes, text. No DTD, no entities but the five of XML, bounded.

use quick_xml::{Reader, XmlVersion, events::Event};

/// Largest document, in bytes; most elements of it, most attributes of one, and how deep they may lie.
const MAX_BYTES: usize = 64 * 1024;
const MAX_ELEMENTS: usize = 2_000;
const MAX_ATTRIBUTES: usize = 32;
const MAX_DEPTH: usize = 16;

#[derive(Default, Debug)]
pub struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// Every element below, in the document's order.
    pub fn below(&self) -> Vec<&Element> {
        let mut found = Vec::new();
        let mut next: Vec<&Element> = self.children.iter().rev().collect();
        while let Some(element) = next.pop() {
            found.push(element);
            next.extend(element.children.iter().rev());
        }
        found
    }
}

/// The root element; `None` if it is no well-formed XML, has a DTD, or is beyond the limits.
pub fn parse(body: &[u8]) -> Option<Element> {
    if body.len() > MAX_BYTES {
        return None;
    }
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut open = vec![Element::default()];
    let mut count = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                count += 1;
                if open.len() > MAX_DEPTH || count > MAX_ELEMENTS {
                    return None;
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                count += 1;
                if count > MAX_ELEMENTS {
                    return None;
                }
                let empty = element(&start)?;
                open.last_mut()?.children.push(empty);
            }
            Event::End(_) => {
                let closed = open.pop()?;
                open.last_mut()?.children.push(closed);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let known = match reference.resolve_char_ref().ok()? {
                    Some(c) => c,
                    None => predefined(&reference.xml_content(XmlVersion::Implicit1_0))?,
                };
                open.last_mut()?.text.push(known);
            }
            Event::DocType(_) => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty())?;
    if root.children.len() == 1 { root.children.pop() } else { None }
}

fn predefined(name: &str) -> Option<char> {
    let known = [("lt", '<'), ("gt", '>'), ("amp", '&'), ("apos", '\''), ("quot", '"')];
    known.into_iter().find(|(n, _)| *n == name).map(|(_, c)| c)
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Option<Element> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        if attributes.len() >= MAX_ATTRIBUTES {
            return None;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        attributes.push((attribute.key.local_name().as_ref().to_string(), value));
    }
    Some(Element { name: start.local_name().as_ref().to_string(), attributes, ..Element::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read() {
        let root = parse(b"<?xml version=\"1.0\"?><a:x p:k='1 &lt;' l=\"2\">t&amp;&#65;<y/><z><y>u</y></z></a:x>")
            .expect("tree");
        assert_eq!((root.name.as_str(), root.text.as_str()), ("x", "t&A"));
        assert_eq!((root.attribute("k"), root.attribute("l")), (Some("1 <"), Some("2")));
        assert_eq!(root.below().iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["y", "z", "y"]);
    }

    #[test]
    fn what_could_grow_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        for text in [bomb, "<a>&b;</a>", "<a b='&b;'/>", "<a>", "<a></b>", "</a>", "", "text", "<a/><b/>", "<a b=1/>"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(parse(format!("{}{}", "<a>".repeat(40), "</a>".repeat(40)).as_bytes()).is_none());
        assert!(parse(format!("<a>{}</a>", "<b/>".repeat(3_000)).as_bytes()).is_none());
        assert!(parse(format!("<a>{}</a>", "x".repeat(MAX_BYTES)).as_bytes()).is_none());
        assert!(parse(b"<a>\xff</a>").is_none());
    }
}
