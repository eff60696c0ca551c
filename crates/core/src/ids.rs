//! Identities that cross the ports. Small integers: cheap to copy, meaningless outside this process run
//! (except `AccountId`, which the store keeps).

use serde::{Deserialize, Serialize};
use specta::Type;
use std::fmt;

/// One configured SIP account. Kept in the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, Type)]
#[serde(transparent)]
pub struct AccountId(pub u32);

/// One call, from the first INVITE to its end. Never reused while the process runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CallId(pub u32);

/// One subscription (a colleague's lamp, a mailbox).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SubscriptionId(pub u32);

/// One text message on its way out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MessageId(pub u32);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {}", self.0)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}", self.0)
    }
}
