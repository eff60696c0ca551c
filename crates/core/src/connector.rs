//! Connectors as they are kept, and what waits to be sent by them: the part of the store's port that `hatif-connect`
//! (descriptions, HTTP) knows nothing of.

use crate::account::Password;
use std::{collections::BTreeMap, time::SystemTime};

/// A connector that the user added.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Connector {
    /// Chosen by the application; never used again.
    pub id: u32,
    /// The user's name for it.
    pub name: String,
    /// The description's text.
    pub description: String,
    /// What the user gave, without the secrets.
    pub fields: BTreeMap<String, String>,
    /// Certificates (PEM) of the company's own authority.
    pub ca_file: String,
    /// Callers are looked up.
    pub looks_up: bool,
    /// Calls are told when they are over.
    pub logs_calls: bool,
    /// Moments of calls are told.
    pub tells_moments: bool,
}

/// Where something that is to be sent stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutgoingState {
    /// To be sent once the agent is through with the call's wrap-up.
    Held,
    /// To be sent.
    Waiting,
    /// Has been tried, or was being sent when the application ended: it may have arrived.
    Begun,
    /// Will be refused again, or nobody knows whether it arrived: the user decides.
    Failed,
}

/// Something that is to be sent once, in order, by a connector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Milliseconds since the epoch, made unique: the order.
    pub id: i64,
    pub connector: u32,
    /// `log_call` and so on, as the description calls it.
    pub action: String,
    /// The placeholders' values; `entry`: the call's entry of the log, whose wrap-up this waits for.
    pub values: BTreeMap<String, String>,
    pub state: OutgoingState,
    pub attempts: u32,
    /// Why it has not been sent: a code of the catalogue and its parameters.
    pub problem: Option<(String, BTreeMap<String, String>)>,
    pub created: SystemTime,
}

/// What the application asks of the store about connectors.
#[derive(Clone, PartialEq, Debug)]
pub enum ConnectorsAsk {
    /// Answered by `Loaded`, and by `Secrets` for each connector as the keyring gives them.
    Load,
    /// Inserts or replaces; `secrets` (JSON) go to the keyring, `None` leaves what is there.
    Save {
        connector: Box<Connector>,
        secrets: Option<Password>,
    },
    /// With its secrets and all that waits.
    Delete(u32),
    /// Inserts or replaces by id; answered by `Written` once it is on the disk.
    Put(Box<Outgoing>),
    Remove(i64),
}

/// What the store answers.
#[derive(Clone, PartialEq, Debug)]
pub enum ConnectorsAnswer {
    Loaded {
        connectors: Vec<Connector>,
        outbox: Vec<Outgoing>,
    },
    /// `None`: there are none, or the keyring does not give them.
    Secrets {
        connector: u32,
        secrets: Option<Password>,
    },
    Written(i64),
}
