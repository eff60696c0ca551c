//! Transfer and consultation. Whatever happens on the way, the customer ends with somebody: with the target, or back here.
//!
//! ```text
//! blind:    Hold(customer) Transfer(customer, target) -> Accepted -> Ringing -> Done: we hang up
//! attended: consult (customer held), then TransferTo(customer, consult) -> the same
//! ringing:  HangUp(consult), and when it has ended Transfer(customer, its target)
//! failed, or nothing heard for two minutes: resumed, if it was held for this
//! ```

use super::{
    Action, Change, Now, Phone,
    entry::{Transfer, TransferState},
};
use crate::{
    call::{CallState, EndReason},
    ids::{AccountId, CallId},
    sip::{SipCommand, TransferProgress},
    text::Text,
};
use std::time::Duration;

/// A transfer of which nothing is heard for so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A hang-up so soon after a transfer has failed is no goodbye of the customer's.
const GIVEN_BACK: Duration = Duration::from_secs(3);

impl Phone {
    pub(super) fn transfer(&mut self, now: Now, id: CallId, to: &str, confirmed: bool) -> Result<(), Text> {
        let account = self.commanded(id, Action::Transfer)?.call.account;
        let target = self.permitted(account, to, confirmed)?.target;
        self.hold_for(id, id);
        self.ask_transfer(now, id, target.clone(), None, SipCommand::Transfer { call: id, target });
        Ok(())
    }

    /// Holds a call for the sake of another (or of its own transfer), unless it is held already.
    fn hold_for(&mut self, id: CallId, sake: CallId) {
        let Some(entry) = self.living(id) else { return };
        if entry.active() && !entry.hold_wanted {
            entry.hold_wanted = true;
            entry.held_for = Some(sake);
            self.tell_sip(SipCommand::Hold { call: id, on: true });
        }
    }

    pub(super) fn ask_transfer(&mut self, now: Now, id: CallId, to: String, with: Option<CallId>, command: SipCommand) {
        if let Some(entry) = self.living(id) {
            let until = now.mono + PATIENCE;
            entry.transfer = Some(Transfer { to, state: TransferState::Asked, with, until });
            self.tell_sip(command);
            self.change(Change::Call(id));
        }
    }

    pub(super) fn consult(
        &mut self,
        now: Now,
        id: CallId,
        to: &str,
        account: Option<AccountId>,
        confirmed: bool,
    ) -> Result<(), Text> {
        let entry = self.commanded(id, Action::Consult)?;
        let own = entry.call.account;
        let was_held = entry.hold_wanted;
        let account = self.outgoing_account(Some(account.unwrap_or(own)), to)?;
        let judged = self.permitted(account, to, confirmed)?;
        let consult = self.place(now, account, judged)?;
        if let Some(entry) = self.living(consult) {
            entry.consult_for = Some(id);
        }
        if let Some(customer) = self.living(id) {
            customer.held_for = (!was_held).then_some(consult);
            customer.transfer = None;
        }
        self.change(Change::Call(id));
        Ok(())
    }

    /// The customer and the consultation about it, whichever of the two is named.
    pub(super) fn pair(&self, id: CallId) -> Option<(CallId, CallId)> {
        let lives = |id: &CallId| {
            self.calls.get(id).is_some_and(|c| c.gone_at.is_none() && !matches!(c.call.state, CallState::Ending { .. }))
        };
        let entry = self.calls.get(&id)?;
        let pair = match entry.consult_for {
            Some(customer) => (customer, id),
            None => (id, self.calls.values().find(|c| c.consult_for == Some(id) && lives(&c.call.id))?.call.id),
        };
        (lives(&pair.0) && lives(&pair.1)).then_some(pair)
    }

    pub(super) fn complete_transfer(&mut self, now: Now, id: CallId) -> Result<(), Text> {
        self.commanded(id, Action::CompleteTransfer)?;
        let (customer, consult) = self.pair(id).ok_or_else(|| Text::new("command.not_now"))?;
        let entry = self.calls.get(&consult).ok_or_else(|| Text::new("command.unknown_call"))?;
        let to = entry.call.peer.address.clone();
        let target = entry.target.clone();
        if entry.active() {
            let command = SipCommand::TransferTo { call: customer, with: consult };
            self.ask_transfer(now, customer, to, Some(consult), command);
            return Ok(());
        }
        if let Some(entry) = self.living(customer) {
            let state = TransferState::Cancelling { target };
            entry.transfer = Some(Transfer { to, state, with: Some(consult), until: now.mono + PATIENCE });
        }
        self.change(Change::Call(customer));
        self.let_go(now, consult);
        Ok(())
    }

    pub(super) fn abandon_consult(&mut self, now: Now, id: CallId) -> Result<(), Text> {
        self.commanded(id, Action::AbandonConsult)?;
        let (customer, consult) = self.pair(id).ok_or_else(|| Text::new("command.not_now"))?;
        self.let_go(now, consult);
        if self.calls.get(&customer).is_some_and(|c| c.held_here()) {
            self.resume(customer);
        }
        Ok(())
    }

    /// With whom a call changes places: the other of a consultation, else the only other active call.
    pub(super) fn swap_partner(&self, id: CallId) -> Option<CallId> {
        let entry = self.calls.get(&id).filter(|c| c.active() && !c.conference && !c.aside())?;
        let others = || {
            self.calls
                .values()
                .filter(|c| c.call.id != id && c.active() && !c.conference && c.gone_at.is_none() && !c.aside())
        };
        let paired = self.pair(id).map(|(customer, consult)| if customer == id { consult } else { customer });
        let other = match others().find(|c| Some(c.call.id) == paired) {
            Some(other) => other,
            None if others().count() == 1 => others().next()?,
            None => return None,
        };
        (entry.hold_wanted != other.hold_wanted).then_some(other.call.id)
    }

    pub(super) fn swap(&mut self, id: CallId) -> Result<(), Text> {
        let held = self.commanded(id, Action::Swap)?.hold_wanted;
        let other = self.swap_partner(id).ok_or_else(|| Text::new("command.not_now"))?;
        let customer = self.pair(id).map(|(customer, _)| customer);
        let sake = self.pair(id).map(|(_, consult)| consult);
        self.resume(if held { id } else { other });
        // A customer who waits for a consultation again comes back when that ends.
        if let Some(customer) = customer.and_then(|id| self.living(id))
            && customer.held_here()
        {
            customer.held_for = sake;
        }
        Ok(())
    }

    pub(super) fn transfer_progress(&mut self, now: Now, id: CallId, progress: TransferProgress) {
        let Some(entry) = self.living(id) else { return };
        let Some(transfer) = entry.transfer.as_mut().filter(|t| t.runs()) else { return };
        transfer.until = now.mono + PATIENCE;
        match progress {
            TransferProgress::Accepted if transfer.state == TransferState::Asked => {
                transfer.state = TransferState::Accepted;
            }
            TransferProgress::Accepted => {}
            TransferProgress::Ringing => transfer.state = TransferState::Ringing,
            TransferProgress::Failed(text) => return self.transfer_failed(id, text),
            TransferProgress::Done => {
                transfer.state = TransferState::Done;
                let with = transfer.with;
                for call in [Some(id), with].into_iter().flatten() {
                    if let Some(entry) = self.living(call) {
                        entry.end_as = Some(EndReason::Transferred);
                    }
                    self.let_go(now, call);
                }
            }
        }
        self.change(Change::Call(id));
    }

    /// The customer is back: told, and resumed if it was held for this.
    pub(super) fn transfer_failed(&mut self, id: CallId, text: Text) {
        let Some(entry) = self.living(id) else { return };
        if let Some(transfer) = &mut entry.transfer {
            transfer.state = TransferState::Failed(text);
        }
        self.change(Change::Call(id));
        self.give_back(id);
    }

    /// Resumes a call that was held for something that came to nothing, unless the agent is with somebody else by now.
    fn give_back(&mut self, id: CallId) {
        let Some(entry) = self.living(id) else { return };
        if !entry.held_here() || entry.held_for.take().is_none() {
            return;
        }
        let elsewhere = self.calls.values().any(|c| {
            let own = c.call.id == id || c.consult_for == Some(id) || c.gone_at.is_some();
            let talks = match c.call.state {
                CallState::Active { .. } => !c.hold_wanted,
                CallState::Dialing | CallState::Ringing { .. } | CallState::Answering => true,
                _ => false,
            };
            !own && talks
        });
        if !elsewhere {
            self.resume(id);
        }
    }

    /// What an end means: after a transfer was taken up, a hang-up is its success; right after one that failed, it is the
    /// PBX that had let go of the customer already, whom nobody but the agent can call again.
    pub(super) fn meaning(&self, now: Now, id: CallId, reason: EndReason) -> EndReason {
        let Some(entry) = self.calls.get(&id) else { return reason };
        let by_hand = matches!(reason, EndReason::RemoteHangUp | EndReason::LocalHangUp);
        if by_hand && self.calls.values().any(|c| c.replaces == Some(id) && c.gone_at.is_none()) {
            return EndReason::Replaced;
        }
        if by_hand && let Some(end_as) = &entry.end_as {
            return end_as.clone();
        }
        let lost =
            |t: &Transfer| matches!(t.state, TransferState::Failed(_)) && t.until >= now.mono + PATIENCE - GIVEN_BACK;
        if reason == EndReason::RemoteHangUp && entry.transfer.as_ref().is_some_and(lost) {
            return EndReason::Failed { text: Text::new("call.lost_in_transfer"), status: None };
        }
        let taken_up = |t: &Transfer| matches!(t.state, TransferState::Accepted | TransferState::Ringing);
        let own = entry.transfer.as_ref().is_some_and(taken_up);
        let partner = self
            .calls
            .values()
            .any(|c| c.transfer.as_ref().is_some_and(|t| t.with == Some(id) && taken_up(t)) && c.call.id != id);
        if reason == EndReason::RemoteHangUp && (own || partner) { EndReason::Transferred } else { reason }
    }

    /// What follows from an end for the other calls.
    pub(super) fn after_end(&mut self, now: Now, id: CallId) {
        let waiting: Vec<CallId> = self
            .calls
            .values()
            .filter(|c| c.gone_at.is_none() && c.active())
            .filter(|c| c.held_for == Some(id) || c.transfer.as_ref().is_some_and(|t| t.with == Some(id)))
            .map(|c| c.call.id)
            .collect();
        for call in waiting {
            let Some(transfer) = self.calls.get(&call).map(|c| c.transfer.clone()) else { continue };
            match transfer {
                Some(Transfer { to, state: TransferState::Cancelling { target }, .. }) => {
                    self.ask_transfer(now, call, to, None, SipCommand::Transfer { call, target });
                }
                Some(transfer) if transfer.runs() => {}
                _ => self.give_back(call),
            }
        }
    }

    /// Transfers that nothing was heard of, asks that nobody answered.
    pub(super) fn transfers_out_of_time(&mut self, now: Now) {
        let late: Vec<CallId> = self
            .calls
            .values()
            .filter(|c| c.gone_at.is_none() && c.transfer.as_ref().is_some_and(|t| t.runs() && t.until <= now.mono))
            .map(|c| c.call.id)
            .collect();
        for call in late {
            self.transfer_failed(call, Text::new("transfer.no_word"));
        }
    }
}
