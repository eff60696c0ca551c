//! What a press asks of the calls, and what the calls show on a headset. Calls are named by the application's ids.

use crate::headset::Press;

/// The lamps that are ours to light.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lamps {
    pub off_hook: bool,
    pub mute: bool,
    pub ring: bool,
    pub hold: bool,
}

/// The calls as far as a headset goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Calls {
    /// The newest that can be answered.
    pub ringing: Option<u32>,
    /// The one that is talked in, and whether it is muted.
    pub talking: Option<(u32, bool)>,
    /// The newest that is on its way to be talked in: dialling, ringing there, being answered.
    pub starting: Option<u32>,
    /// The newest that we hold.
    pub held: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// The call that is talked in goes on hold.
    Answer(u32),
    Reject(u32),
    HangUp(u32),
    Hold(u32),
    Resume(u32),
    /// The held call takes this one's place.
    Swap(u32),
    Mute(u32, bool),
}

impl Calls {
    pub fn lamps(&self) -> Lamps {
        Lamps {
            // Lit while a call is held, too: put out, some headsets hang up (gonicus/gonnect#52).
            off_hook: self.talking.is_some() || self.starting.is_some() || self.held.is_some(),
            mute: self.talking.is_some_and(|(_, muted)| muted),
            ring: self.ringing.is_some(),
            hold: self.held.is_some(),
        }
    }

    /// What is to be done. Nothing is ever dialled, and a held call is not ended: it is taken up again.
    pub fn deed(&self, press: Press) -> Option<Deed> {
        let live = self.talking.map(|(call, _)| call).or(self.starting);
        match press {
            Press::OffHook | Press::OnHook | Press::Call => self
                .ringing
                .map(Deed::Answer)
                .or(live.filter(|_| press != Press::OffHook).map(Deed::HangUp))
                .or(self.held.filter(|_| live.is_none()).map(Deed::Resume)),
            Press::Mute => self.talking.map(|(call, muted)| Deed::Mute(call, !muted)),
            Press::Flash => match (self.ringing, self.talking, self.held) {
                (Some(ringing), _, _) => Some(Deed::Answer(ringing)),
                (None, Some((call, _)), Some(_)) => Some(Deed::Swap(call)),
                (None, Some((call, _)), None) => Some(Deed::Hold(call)),
                (None, None, held) => held.map(Deed::Resume),
            },
            Press::Reject => self.ringing.map(Deed::Reject),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Calls = Calls { ringing: None, talking: None, starting: None, held: None };

    #[test]
    fn one_call() {
        let ringing = Calls { ringing: Some(1), ..IDLE };
        let talking = Calls { talking: Some((1, false)), ..IDLE };
        let held = Calls { held: Some(1), ..IDLE };
        let cases = [
            (ringing, Press::OffHook, Some(Deed::Answer(1))),
            (ringing, Press::Call, Some(Deed::Answer(1))),
            (ringing, Press::Reject, Some(Deed::Reject(1))),
            (ringing, Press::Mute, None),
            (talking, Press::OnHook, Some(Deed::HangUp(1))),
            (talking, Press::OffHook, None),
            (talking, Press::Call, Some(Deed::HangUp(1))),
            (talking, Press::Mute, Some(Deed::Mute(1, true))),
            (talking, Press::Flash, Some(Deed::Hold(1))),
            (talking, Press::Reject, None),
            (held, Press::Flash, Some(Deed::Resume(1))),
            (held, Press::OnHook, Some(Deed::Resume(1))),
            (Calls { starting: Some(1), ..IDLE }, Press::OnHook, Some(Deed::HangUp(1))),
        ];
        for (calls, press, deed) in cases {
            assert_eq!(calls.deed(press), deed, "{calls:?} {press:?}");
        }
        for press in [Press::OffHook, Press::OnHook, Press::Call, Press::Mute, Press::Flash, Press::Reject] {
            assert_eq!(IDLE.deed(press), None, "nothing dials by itself: {press:?}");
        }
    }

    #[test]
    fn a_second_call() {
        let second = Calls { ringing: Some(2), talking: Some((1, false)), ..IDLE };
        for press in [Press::OnHook, Press::OffHook, Press::Call, Press::Flash] {
            assert_eq!(second.deed(press), Some(Deed::Answer(2)), "the first is not ended: {press:?}");
        }
        assert_eq!(second.deed(Press::Reject), Some(Deed::Reject(2)));
        let two = Calls { talking: Some((2, true)), held: Some(1), ..IDLE };
        assert_eq!(two.deed(Press::Flash), Some(Deed::Swap(2)));
        assert_eq!(two.deed(Press::OnHook), Some(Deed::HangUp(2)));
        assert_eq!(two.lamps(), Lamps { off_hook: true, mute: true, ring: false, hold: true });
    }
}
