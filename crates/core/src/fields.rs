//! What an account's rules read out of a call's headers and the caller's name: queue, menu choice, customer.

use crate::{
    call::Peer,
    options::{AccountOptions, Field},
    sip::CallHeaders,
};
use regex::{Regex, RegexBuilder};

/// Longest pattern that is taken.
pub const MAX_PATTERN: usize = 200;

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields {
    pub queue: Option<String>,
    pub ivr: Option<String>,
    pub customer: Option<String>,
}

/// The name pattern made ready; `None` for one that cannot be used.
pub fn pattern(text: &str) -> Option<Regex> {
    if text.len() > MAX_PATTERN {
        return None;
    }
    // 64 KiB: a pattern that grows beyond that is a mistake or a trap.
    RegexBuilder::new(text).size_limit(1 << 16).build().ok()
}

/// Reads the fields; the peer's name is replaced where a rule says so.
pub fn read(options: &AccountOptions, headers: &CallHeaders, peer: &mut Peer) -> Fields {
    let mut fields = Fields::default();
    for rule in &options.headers {
        let value = headers.extra.iter().find(|(name, _)| name.eq_ignore_ascii_case(&rule.header));
        if let Some((_, value)) = value {
            fill(&mut fields, peer, rule.field, value);
        }
    }
    let name = peer.name.clone();
    if let Some(name) = name
        && let Some(pattern) = options.name_pattern.as_deref().and_then(pattern)
        && let Some(found) = pattern.captures(&name)
    {
        for (group, field) in
            [("queue", Field::Queue), ("ivr", Field::Ivr), ("customer", Field::Customer), ("name", Field::Name)]
        {
            if let Some(value) = found.name(group) {
                fill(&mut fields, peer, field, value.as_str());
            }
        }
    }
    fields.queue = fields.queue.or_else(|| headers.queue.clone());
    fields
}

fn fill(fields: &mut Fields, peer: &mut Peer, field: Field, value: &str) {
    let value = value.trim();
    if value.is_empty() {
        return;
    }
    let place = match field {
        Field::Queue => &mut fields.queue,
        Field::Ivr => &mut fields.ivr,
        Field::Customer => &mut fields.customer,
        Field::Name => {
            peer.name = Some(value.to_owned());
            return;
        }
    };
    place.get_or_insert_with(|| value.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::HeaderRule;

    fn peer(name: &str) -> Peer {
        Peer { name: Some(name.into()), address: "123".into(), uri: "sip:123@pbx".into() }
    }

    #[test]
    fn headers_come_first_then_the_name_then_what_sip_knows() {
        let rule = |header: &str, field| HeaderRule { header: header.into(), field };
        let options = AccountOptions {
            headers: vec![
                rule("x-customer-id", Field::Customer),
                rule("X-Menu", Field::Ivr),
                rule("X-Missing", Field::Queue),
            ],
            name_pattern: Some("^(?<queue>[^:]+): *(?<name>.*)$".into()),
            ..AccountOptions::default()
        };
        let headers = CallHeaders {
            queue: Some("from SIP".into()),
            extra: vec![("X-Customer-Id".into(), " 4711 ".into()), ("X-Menu".into(), "2".into())],
            ..CallHeaders::default()
        };
        let mut caller = peer("پشتیبانی: Sara");
        let fields = read(&options, &headers, &mut caller);
        assert_eq!(caller.name.as_deref(), Some("Sara"));
        assert_eq!(fields.queue.as_deref(), Some("پشتیبانی"));
        assert_eq!((fields.customer.as_deref(), fields.ivr.as_deref()), (Some("4711"), Some("2")));
        let mut caller = peer("Omid");
        assert_eq!(read(&options, &headers, &mut caller).queue.as_deref(), Some("from SIP"));
        assert_eq!(caller.name.as_deref(), Some("Omid"));
    }

    #[test]
    fn patterns_that_cannot_be_used_are_refused() {
        for bad in ["(", "(?<queue>", &"a".repeat(201), "(((a{100}){100}){100}){100}"] {
            assert!(pattern(bad).is_none(), "{bad}");
        }
        assert!(pattern("^(?<queue>[^:]+)").is_some());
    }
}
