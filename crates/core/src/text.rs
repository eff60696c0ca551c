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
