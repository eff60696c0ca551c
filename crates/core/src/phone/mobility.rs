//! The computer is in another network, in the middle of calls: their voice moves with it.
//!
//! ```text
//! SipEvent::Moved -> LocateMedia -> OpenPort (bound anew) -> Move: a re-INVITE with the new port
//! ```
//!
//! A step that fails leaves the call as it was: the network may come back.

use super::{Phone, entry::Port};
use crate::{
    audio::AudioCommand,
    ice::{MediaPlace, MediaPort},
    ids::{AccountId, CallId},
    sip::SipCommand,
};

impl Phone {
    /// `SipEvent::Moved`.
    pub(super) fn moved(&mut self, account: AccountId) {
        let speaking = self.calls.iter().filter(|(_, entry)| {
            entry.call.account == account
                && entry.gone_at.is_none()
                && entry.signalled
                && matches!(entry.port, Port::Open(_))
        });
        let calls: Vec<CallId> = speaking.map(|(id, _)| *id).collect();
        for call in calls {
            self.tell_sip(SipCommand::LocateMedia { account, call });
        }
    }

    /// Where the voice of a call that has its port belongs now.
    pub(super) fn media_located(&mut self, call: CallId, place: MediaPlace) {
        if let Some(Port::Open(local)) = self.living(call).map(|entry| entry.port.clone())
            && local.addr.ip() != place.bind
        {
            self.tell_audio(AudioCommand::OpenPort { call, place });
        }
    }

    /// The port of a call that had one. False if there is no such call (any more).
    pub(super) fn port_moved(&mut self, call: CallId, local: MediaPort) -> bool {
        let Some(entry) = self.living(call) else { return false };
        let Port::Open(before) = &entry.port else { return false };
        let moved = before.addr != local.addr;
        entry.port = Port::Open(local.clone());
        if moved {
            self.tell_sip(SipCommand::Move { call, media: local });
        }
        true
    }
}
