//! Several servers behind one name (RFC 3263 4.3): when one is left for another, and how one comes back.
//!
//! An account has one server at a time, where it is registered and where its calls go. Which addresses there are, and in
//! which order they are tried, is the adapter's: `Output::Avoid` tells it what to put last.

use crate::{account::Wire, config::AccountId, core::Core, credentials::Rounds, io::Output};
use std::time::{Duration, Instant};

/// For how long a server that failed comes last.
pub(crate) const AVOIDED: Duration = Duration::from_secs(60);

impl Core {
    /// Whether the account's name has more than one server.
    pub fn has_alternatives(&self, id: AccountId) -> bool {
        self.account(id).is_some_and(|a| matches!(&a.wire, Wire::Up { remote, .. } if remote.len() > 1))
    }

    /// Leaves the server that the account's wire leads to. False where there is no other, or each has had its turn since
    /// one of them last took us: then there is nothing but to wait.
    pub fn fail_over(&mut self, id: AccountId, pause: Duration) -> bool {
        let Some(account) = self.accounts.get_mut(&id) else { return false };
        let Wire::Up { remote, .. } = &account.wire else { return false };
        if account.turns + 1 >= remote.len() {
            return false;
        }
        account.turns += 1;
        self.output(Output::Avoid { account: id, pause });
        self.renew_wire(id);
        true
    }

    /// `Input::Return`, where nothing is under way: says good-bye here, without waiting for the answer, and begins anew.
    pub fn go_back(&mut self, now: Instant, id: AccountId) {
        let goodbye = self.send_register(now, id, &Rounds::default(), true);
        if let Some(tx) = goodbye {
            self.tx.abandon(tx);
        }
        self.forget_attempt(id);
        self.renew_wire(id);
    }
}
