//! What a person is told: a code of the catalogue and its parameters. The words live in `ui/src/i18n/*.json`
//! under `msg.<code>`; the core never holds a sentence.

use std::collections::BTreeMap;

/// A message for a person, in no language yet. `code` names an entry `msg.<code>` of every catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    pub code: &'static str,
    pub params: BTreeMap<&'static str, String>,
}

impl Text {
    pub fn new(code: &'static str) -> Self {
        Text { code, params: BTreeMap::new() }
    }

    /// The same message with one parameter more.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.insert(name, value.into());
        self
    }
}

/// Every code that can be the end of a call (`EndReason::Failed`), and so is written to the call log. A code that is
/// not here comes back from the store as `call.failed_other`: add to this list whatever ends a call.
pub const CALL_END_CODES: &[&str] = &[
    "audio.bind_failed",
    "audio.no_port",
    "call.bad_target",
    "call.failed",
    "call.failed_other",
    "call.forbidden",
    "call.gone",
    "call.incomplete",
    "call.interrupted",
    "call.lost_in_transfer",
    "call.missed_busy",
    "call.missed_do_not_disturb",
    "call.no_common_codec",
    "call.not_encrypted",
    "call.not_found",
    "call.protocol",
    "call.redirect_loop",
    "call.redirect_refused",
    "call.server_error",
    "call.timed_out",
    "call.unauthorized",
    "call.unavailable",
    "call.unreachable",
    "tls.expired",
    "tls.failed",
    "tls.other",
    "tls.unknown_ca",
    "tls.wrong_name",
    "wire.closed",
    "wire.host_unknown",
    "wire.no_network",
    "wire.not_permitted",
    "wire.other",
    "wire.port_in_use",
    "wire.refused",
    "wire.timed_out",
    "wire.too_large",
];

/// Every parameter name that such a text may carry.
pub const CALL_END_PARAMS: &[&str] = &["detail", "host", "status"];

/// The code itself, out of [`CALL_END_CODES`]; `None` for one that this version does not know.
pub fn known(code: &str) -> Option<&'static str> {
    CALL_END_CODES.iter().copied().find(|known| *known == code)
}

/// The parameter name itself, out of [`CALL_END_PARAMS`].
pub fn known_param(name: &str) -> Option<&'static str> {
    CALL_END_PARAMS.iter().copied().find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn known_codes_are_unique_and_are_catalogue_keys() {
        let all: BTreeSet<_> = CALL_END_CODES.iter().collect();
        assert_eq!(all.len(), CALL_END_CODES.len());
        for code in CALL_END_CODES {
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_' || b.is_ascii_digit()));
            assert_eq!(known(code), Some(*code));
        }
        assert_eq!(known("call.invented"), None);
        assert_eq!(known_param("status"), Some("status"));
        assert_eq!(known_param("invented"), None);
    }
}
