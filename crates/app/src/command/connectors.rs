//! What can be asked about connectors: adding and trying them, what waits to be sent by them, a record's page.

use super::Password;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::collections::BTreeMap;

/// `{"command":"connectors","ask":{"do":"examples"}}`. Answered by a `connectors` event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum ConnectorsCommand {
    /// The descriptions that come with Hatif. Answered by `examples`.
    Examples,
    /// What a description says. Answered by `read`, or `failed`.
    Read {
        request: u32,
        description: String,
    },
    /// Keeps a connector; one with `id` 0 is a new one. Answered by `saved`, or `failed`.
    Save {
        request: u32,
        connector: ConnectorForm,
    },
    Delete {
        connector: u32,
    },
    /// Looks a number up as this form says, without keeping it. Answered by `tried`, or `failed`.
    Try {
        request: u32,
        connector: ConnectorForm,
        number: String,
    },
    /// The page of a record that a look-up found, in the browser.
    Open {
        call: u32,
        connector: u32,
        record: String,
    },
    /// Sends again what has failed.
    Retry {
        item: String,
    },
    /// Gives up what waits or has failed.
    Discard {
        item: String,
    },
}

/// A connector as the user gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ConnectorForm {
    #[serde(default)]
    pub id: u32,
    /// The description's when empty.
    #[serde(default)]
    pub name: String,
    /// The description's text.
    pub description: String,
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Write-only: one that is not here stays as it is kept.
    #[serde(default)]
    pub secrets: BTreeMap<String, Password>,
    /// A file with certificates (PEM) of the company's own authority.
    #[serde(default)]
    pub ca_file: String,
    #[serde(default)]
    pub looks_up: bool,
    #[serde(default)]
    pub logs_calls: bool,
    #[serde(default)]
    pub tells_moments: bool,
}
