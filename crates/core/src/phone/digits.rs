//! Digits out (RFC 4733, SIP INFO or tones, by the account) and digits in.

use super::{Action, Change, Now, Phone};
use crate::{audio::AudioCommand, dial, ids::CallId, options::DtmfMode, sip::SipCommand, text::Text};
use std::time::Duration;

/// From one digit by INFO to the next: as long as a digit and its pause take in RTP.
const GAP: Duration = Duration::from_millis(160);
/// What `,` waits.
const PAUSE: Duration = Duration::from_secs(1);
/// Digits of the far side that are kept for the eye.
const KEPT: usize = 32;

impl Phone {
    pub(super) fn dtmf(&mut self, now: Now, id: CallId, typed: &str) -> Result<(), Text> {
        let digits = dial::dtmf(typed).ok_or_else(|| Text::new("command.bad_digits"))?;
        let entry = self.commanded(id, Action::Dtmf)?;
        let in_rtp = entry.media.as_ref().is_some_and(|m| m.dtmf_payload.is_some());
        let account = entry.call.account;
        let mode = match self.options(account).dtmf {
            DtmfMode::Auto if in_rtp => DtmfMode::Rtp,
            DtmfMode::Auto => DtmfMode::Info,
            DtmfMode::Rtp if !in_rtp => return Err(Text::new("command.no_dtmf")),
            mode => mode,
        };
        if let Some(digit) = digits.chars().find(|c| *c != ',') {
            self.tell_audio(AudioCommand::LocalDtmf { digit });
        }
        match mode {
            DtmfMode::InBand => self.tell_audio(AudioCommand::DtmfInBand { call: id, digits }),
            DtmfMode::Info => {
                if let Some(entry) = self.living(id) {
                    entry.info.extend(digits.chars());
                    entry.info_at.get_or_insert(now.mono);
                }
            }
            _ => self.tell_audio(AudioCommand::Dtmf { call: id, digits }),
        }
        Ok(())
    }

    /// Sends the digits by INFO whose turn has come.
    pub(super) fn send_info(&mut self, now: Now) {
        let mut due = Vec::new();
        for entry in self.calls.values_mut().filter(|c| c.info_at.is_some_and(|at| at <= now.mono)) {
            let digit = entry.info.pop_front();
            entry.info_at = digit.map(|digit| now.mono + if digit == ',' { PAUSE } else { GAP });
            due.extend(digit.filter(|digit| *digit != ',').map(|digit| (entry.call.id, digit)));
        }
        for (call, digit) in due {
            self.tell_sip(SipCommand::Info { call, digit });
        }
    }

    pub(super) fn digit(&mut self, now: Now, id: CallId, digit: char) {
        self.mobile_pressed(now, id, digit);
        let Some(entry) = self.living(id) else { return };
        if entry.digits.len() >= KEPT {
            entry.digits.remove(0);
        }
        // The port promises ASCII; were it otherwise, `remove(0)` above still takes a whole character.
        entry.digits.push(digit);
        self.change(Change::Digit(id, digit));
    }
}
