//! The dial policy: what an account makes of a number, and which numbers want asking, are refused or skip every rule.

use crate::{
    dial,
    options::{AccountOptions, NumberRule},
    text::Text,
};

/// Emergency numbers, unless the account lists its own. A PBX whose extensions have these numbers lists its own.
const EMERGENCY: &[&str] = &["112", "911", "999", "997", "998", "000", "110", "115", "118", "119", "122", "123", "125"];

/// Beginnings (E.164, without `+`) that cost the caller more than a call: international premium rate (979) and the
/// national ranges of the countries that we know of. Not complete; the account's `blocked` adds to it.
const PREMIUM: &[&str] = &[
    "979", "1900", "1976", "20900", "31900", "31906", "31909", "3389", "34803", "34806", "34807", "39892", "39899",
    "4190", "43900", "43930", "449", "49900", "90900", "966700", "971900", "98909",
];

/// What is thought of a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Free,
    Emergency,
    /// Costs more than a call: only after asking, and never because a far side says so.
    Premium,
    /// Begins with one of the account's blocked numbers.
    Blocked,
}

/// A number that was typed, as it goes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    pub target: String,
    pub verdict: Verdict,
}

/// Rewrites and judges what was typed. Fails with `call.bad_target` when it cannot be dialled at all.
pub fn judge(options: &AccountOptions, typed: &str) -> Result<Judged, Text> {
    let target = dial::target(typed)?;
    let before = verdict(options, &target);
    if matches!(before, Verdict::Emergency | Verdict::Blocked) || is_address(&target) {
        return Ok(Judged { target, verdict: before });
    }
    let target = rewrite(&options.rewriting, &target);
    // A rule may make something of it that is judged otherwise; it never makes a premium number a free one.
    let after = verdict(options, &target);
    let verdict = if after == Verdict::Free { before } else { after };
    Ok(Judged { target: dial::target(&target)?, verdict })
}

/// What is thought of a target as it stands: a number, `user@host` or a SIP URI.
pub fn verdict(options: &AccountOptions, target: &str) -> Verdict {
    let number = number_of(target);
    let listed = |list: &[String]| list.contains(&number);
    let emergency = match &options.emergency {
        Some(own) => listed(own),
        None => EMERGENCY.contains(&number.as_str()),
    };
    if emergency {
        return Verdict::Emergency;
    }
    let global = e164(options.country.as_deref(), &number);
    let begins = |prefix: &str| {
        let bare = prefix.trim_start_matches('+');
        number.starts_with(prefix)
            || global.as_deref().is_some_and(|global| bare.len() < prefix.len() && global.starts_with(bare))
    };
    if options.blocked.iter().any(|prefix| !prefix.is_empty() && begins(prefix)) {
        return Verdict::Blocked;
    }
    let premium = global.is_some_and(|global| PREMIUM.iter().any(|prefix| global.starts_with(prefix)));
    if premium { Verdict::Premium } else { Verdict::Free }
}

fn is_address(target: &str) -> bool {
    let lower = target.to_ascii_lowercase();
    target.contains('@') || lower.starts_with("sip:") || lower.starts_with("sips:")
}

/// The user part, with the visual separators that RFC 3966 allows taken out where it is a number.
fn number_of(target: &str) -> String {
    let scheme = target.get(..target.find(':').map_or(0, |at| at + 1)).unwrap_or_default().to_ascii_lowercase();
    let bare = if matches!(scheme.as_str(), "sip:" | "sips:" | "tel:") { &target[scheme.len()..] } else { target };
    let user = bare.split(['@', ';', '?']).next().unwrap_or_default();
    let user = user.replace("%2B", "+").replace("%2b", "+").replace("%2A", "*").replace("%23", "#");
    let number: String = user.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
    if number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#')) { number } else { user }
}

/// The number with its country code and without `+`; `None` for an extension, or where the country is not known.
fn e164(country: Option<&str>, number: &str) -> Option<String> {
    if let Some(global) = number.strip_prefix('+').or_else(|| number.strip_prefix("00")) {
        return Some(global.to_owned());
    }
    let country = country.map(|c| c.trim_start_matches('+')).filter(|c| !c.is_empty())?;
    // North America has no trunk prefix that is not the country code itself.
    if country == "1" {
        return match number.len() {
            10 => Some(format!("1{number}")),
            11 if number.starts_with('1') => Some(number.to_owned()),
            _ => None,
        };
    }
    number.strip_prefix('0').map(|national| format!("{country}{national}"))
}

/// The first rule that fits, applied once.
fn rewrite(rules: &[NumberRule], number: &str) -> String {
    let fits = |rule: &&NumberRule| {
        number.starts_with(&rule.starts_with) && rule.length.is_none_or(|length| number.len() == usize::from(length))
    };
    match rules.iter().find(fits) {
        Some(rule) => format!("{}{}", rule.becomes, &number[rule.starts_with.len()..]),
        None => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> AccountOptions {
        let rule = |starts_with: &str, becomes: &str, length| NumberRule {
            starts_with: starts_with.into(),
            becomes: becomes.into(),
            length,
        };
        AccountOptions {
            rewriting: vec![rule("00", "+", None), rule("0", "+98", Some(11)), rule("9", "", None)],
            blocked: vec!["+882".into(), "*72".into()],
            country: Some("98".into()),
            ..AccountOptions::default()
        }
    }

    #[test]
    fn the_first_rule_that_fits_is_applied_once() {
        for (typed, out) in [
            ("0049 30 1", "+49301"),
            ("۰۹۱۲ ۰۰۰ ۴۳۲۱", "+989120004321"),
            ("021", "021"),
            ("9123", "123"),
            ("600", "600"),
            ("0912@pbx", "0912@pbx"),
        ] {
            let judged = judge(&options(), typed).unwrap();
            assert_eq!(
                (judged.target.as_str(), judged.verdict),
                (out, if out == "123" { Verdict::Emergency } else { Verdict::Free })
            );
        }
    }

    /// A premium number, once allowed, goes out as the account writes numbers.
    #[test]
    fn a_premium_number_is_rewritten_and_stays_premium() {
        let judged = judge(&options(), "0098909123").unwrap();
        assert_eq!((judged.target.as_str(), judged.verdict), ("+98909123", Verdict::Premium));
        let hide = NumberRule { starts_with: "+98909".into(), becomes: "7".into(), length: None };
        let options = AccountOptions { rewriting: vec![hide], country: Some("98".into()), ..options() };
        assert_eq!(judge(&options, "+98909123").unwrap().verdict, Verdict::Premium);
    }

    #[test]
    fn numbers_are_judged_however_they_are_written() {
        for (target, expected) in [
            ("112", Verdict::Emergency),
            ("sip:112@pbx.example", Verdict::Emergency),
            ("+98909123", Verdict::Premium),
            ("0098909123", Verdict::Premium),
            ("0909123", Verdict::Premium),
            ("sip:%2B1900555@pbx;user=phone", Verdict::Premium),
            ("tel:+1-900-555", Verdict::Premium),
            ("+8821", Verdict::Blocked),
            ("008821", Verdict::Blocked),
            ("*72123", Verdict::Blocked),
            ("sip:+882-1@elsewhere", Verdict::Blocked),
            ("909123", Verdict::Free),
            ("alice", Verdict::Free),
            ("", Verdict::Free),
        ] {
            assert_eq!(verdict(&options(), target), expected, "{target}");
        }
    }

    #[test]
    fn an_account_may_list_its_own_emergency_numbers_and_no_rule_touches_them() {
        let own = AccountOptions { emergency: Some(vec!["0110".into()]), ..options() };
        assert_eq!(judge(&own, "0110").unwrap(), Judged { target: "0110".into(), verdict: Verdict::Emergency });
        assert_eq!(verdict(&own, "112"), Verdict::Free);
        let blocked = AccountOptions { blocked: vec!["1".into()], ..AccountOptions::default() };
        assert_eq!(verdict(&blocked, "112"), Verdict::Emergency);
        assert_eq!(verdict(&blocked, "113"), Verdict::Blocked);
    }
}
