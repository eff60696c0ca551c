//! Calls and what was noted of them as a table, for other programs: times in UTC (ISO 8601), codes as docs/cli.md has them.

use crate::{present, utc::utc, view::Direction};
use hatif_core::{
    store::Interaction,
    work::{TicketStatus, WrapUp},
};

const HEADING: [&str; 14] = [
    "entry",
    "started",
    "direction",
    "name",
    "number",
    "account",
    "outcome",
    "talked_s",
    "ticket",
    "disposition",
    "status",
    "tags",
    "next_action",
    "notes",
];

pub fn table(rows: &[(Interaction, Option<WrapUp>)]) -> String {
    hatif_crm::csv(&HEADING, rows.iter().map(|(call, wrap_up)| row(call, wrap_up.as_ref())))
}

fn row(call: &Interaction, wrap_up: Option<&WrapUp>) -> Vec<String> {
    let entry = present::history_entry(call);
    let none = WrapUp::default();
    let noted = wrap_up.unwrap_or(&none);
    let outcome = serde_json::to_value(entry.outcome).ok().and_then(|name| name.as_str().map(str::to_owned));
    vec![
        entry.id,
        utc(entry.started_ms as i64),
        if entry.direction == Direction::Incoming { "incoming" } else { "outgoing" }.to_owned(),
        entry.peer.name.unwrap_or_default(),
        entry.peer.address,
        entry.account_label,
        outcome.unwrap_or_default(),
        entry.talked_s.to_string(),
        noted.ticket.map(|ticket| ticket.to_string()).unwrap_or_default(),
        noted.disposition.clone(),
        noted.status.map(TicketStatus::name).unwrap_or_default().to_owned(),
        noted.tags.join(", "),
        noted.next_action.clone(),
        noted.notes.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_core::{
        call::{Direction, Peer},
        ids::AccountId,
    };
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_callers_name_is_no_formula() {
        let call = Interaction {
            id: 7,
            account: AccountId(1),
            account_label: "Office".into(),
            direction: Direction::Incoming,
            peer: Peer { name: Some("=cmd|' /C calc'!A0".into()), address: "+982188201140".into(), uri: String::new() },
            started: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            end: None,
        };
        let noted = WrapUp {
            entry: "7".into(),
            notes: "one, two".into(),
            tags: vec!["a".into(), "b".into()],
            ..WrapUp::default()
        };
        let table = table(&[(call, Some(noted))]);
        let line = table.lines().nth(1).unwrap();
        assert_eq!(
            line,
            "7,2023-11-14T22:13:20Z,incoming,'=cmd|' /C calc'!A0,'+982188201140,Office,running,0,,,,\"a, b\",,\"one, two\""
        );
    }
}
