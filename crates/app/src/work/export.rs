//! Calls and what was noted of them as a table, for other programs: times in UTC (ISO 8601), codes as docs/cli.md has them.

use crate::{present, view::Direction};
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

/// Unix milliseconds as `2026-11-22T09:00:00Z` (days to a date after Hinnant, "chrono-compatible low-level date algorithms").
fn utc(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
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
    fn times_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (-1000, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(ms), text);
        }
    }

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
