//! Connectors, what they found, and what waits to be sent by them.

use super::*;
use serde::{Deserialize, Serialize};
use specta::Type;

/// The connectors' part of a snapshot.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, Type)]
pub struct ConnectorsView {
    pub connectors: Vec<ConnectorView>,
    /// What waits or has failed, oldest first, at most 200.
    pub outbox: Vec<OutgoingView>,
    /// How many there are of them in all.
    pub waiting: u32,
    /// One for each call that was looked up.
    pub found: Vec<LookedUpView>,
}

/// What a description says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DescriptionView {
    pub name: String,
    /// Where the interface is documented.
    pub documents: Option<String>,
    /// What it was tried with; `null`: unverified.
    pub tested: Option<String>,
    pub looks_up: bool,
    pub logs_calls: bool,
    pub tells_moments: bool,
    pub fields: Vec<FieldView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct FieldView {
    pub name: String,
    /// In the description's words.
    pub label: Option<String>,
    pub kind: FieldKind,
    /// What stands there at first.
    pub default: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Address,
    Secret,
    Text,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ConnectorView {
    pub id: u32,
    pub name: String,
    /// The description's text.
    pub description: String,
    /// `null`: this version can't read it.
    pub about: Option<DescriptionView>,
    pub fields: BTreeMap<String, String>,
    /// The names of the secrets that are there.
    pub secrets: Vec<String>,
    pub ca_file: String,
    pub looks_up: bool,
    pub logs_calls: bool,
    pub tells_moments: bool,
    /// Why it does nothing now.
    pub trouble: Option<Text>,
}

/// A description that comes with Hatif.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ExampleView {
    pub file: String,
    pub description: String,
    pub about: DescriptionView,
}

/// Something that is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct OutgoingView {
    pub id: String,
    pub connector: u32,
    /// `log_call`, `create_contact`, `create_ticket`, `update_ticket`, `webhook`
    pub action: String,
    /// Whom it is about: a name or a number.
    pub about: String,
    #[specta(type = u32)]
    pub created_ms: f64,
    pub attempts: u32,
    /// It waits until the agent is through with the call's wrap-up.
    pub held: bool,
    /// It will not be sent again by itself.
    pub failed: bool,
    pub problem: Option<Text>,
}

/// What the connectors know of who is on the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct LookedUpView {
    pub call: u32,
    pub sources: Vec<SourceView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct SourceView {
    pub connector: u32,
    pub name: String,
    /// It has not answered yet.
    pub looking: bool,
    pub records: Vec<RecordView>,
    /// Why nothing is known.
    pub problem: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct RecordView {
    pub id: String,
    pub name: String,
    pub company: String,
    pub email: String,
    pub stage: String,
    pub owner: String,
    pub notes: String,
    pub facts: Vec<FactView>,
    /// It has a page of its own (`open`).
    pub opens: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct FactView {
    pub label: String,
    pub value: String,
}

/// What a trial showed. No secret is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct TriedView {
    /// What was sent last: method and URL, headers, body.
    pub request: String,
    /// The answer's beginning.
    pub answer: String,
    pub records: Vec<RecordView>,
    pub problem: Option<Text>,
}

/// What is told of connectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum ConnectorsEvent {
    /// All of them, and what waits.
    Changed {
        connectors: Vec<ConnectorView>,
        outbox: Vec<OutgoingView>,
        waiting: u32,
    },
    LookedUp {
        found: LookedUpView,
    },
    Examples {
        examples: Vec<ExampleView>,
    },
    Read {
        request: u32,
        description: DescriptionView,
    },
    Saved {
        request: u32,
        connector: u32,
    },
    Tried {
        request: u32,
        tried: TriedView,
    },
    Failed {
        request: u32,
        text: Text,
    },
}
