//! What NOTIFYs say: dialog-info (RFC 4235), PIDF with activities (RFC 3863, RFC 4480), message-summary (RFC 3842).

mod xml;

use crate::{
    control::{Lamp, Mailbox},
    identity,
    text::{NameAddr, decode, number},
};
use std::collections::BTreeMap;
use xml::Element;

pub(crate) const DIALOG_INFO: &str = "application/dialog-info+xml";
pub(crate) const PIDF: &str = "application/pidf+xml";
pub(crate) const SUMMARY: &str = "application/simple-message-summary";

/// Most dialogs of one line that are kept.
const MAX_DIALOGS: usize = 64;

/// The dialogs of a watched line, as full and partial documents tell them.
#[derive(Default, Debug)]
pub(crate) struct Dialogs {
    version: Option<u32>,
    states: BTreeMap<String, Lamp>,
}

/// What became of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    Lamp(Lamp),
    /// A part that does not follow the one before: the whole must be asked for (RFC 4235 4.3).
    Gap,
    Nothing,
}

impl Dialogs {
    pub fn take(&mut self, body: &[u8]) -> Taken {
        let Some(info) = xml::parse(body).filter(|root| root.name == "dialog-info") else { return Taken::Nothing };
        let version = info.attribute("version").and_then(number::<u32>);
        let full = info.attribute("state") != Some("partial");
        if full {
            self.states.clear();
        } else {
            match (self.version, version) {
                (Some(last), Some(new)) if new <= last => return Taken::Nothing,
                (Some(last), Some(new)) if new == last + 1 => {}
                _ => {
                    self.version = None;
                    return Taken::Gap;
                }
            }
        }
        self.version = version;
        for dialog in info.all("dialog") {
            let id = dialog.attribute("id").unwrap_or_default();
            if self.states.len() < MAX_DIALOGS || self.states.contains_key(id) {
                self.states.insert(id.to_string(), lamp_of(dialog));
            }
        }
        self.states.retain(|_, lamp| *lamp != Lamp::Free);
        let ringing = self.states.values().find(|lamp| matches!(lamp, Lamp::Ringing { .. }));
        Taken::Lamp(ringing.or(self.states.values().next()).cloned().unwrap_or(Lamp::Free))
    }
}

/// One dialog: who is called and has not answered rings; whoever calls, or talks, is busy.
fn lamp_of(dialog: &Element) -> Lamp {
    let state = dialog.child("state").map(|s| s.text.trim().to_ascii_lowercase()).unwrap_or_default();
    match state.as_str() {
        "early" | "proceeding" if dialog.attribute("direction") != Some("initiator") => {
            let caller = dialog.child("remote").and_then(|remote| {
                let identity = remote.child("identity")?;
                let mut address = NameAddr::parse(identity.text.trim())?;
                address.display = identity.attribute("display").map(str::to_string).or(address.display);
                Some(identity::peer_of(&address))
            });
            Lamp::Ringing { caller }
        }
        "terminated" | "" => Lamp::Free,
        _ => Lamp::Busy,
    }
}

/// A whole PIDF document.
pub(crate) fn presence(body: &[u8]) -> Option<Lamp> {
    let root = xml::parse(body).filter(|root| root.name == "presence")?;
    let below = root.below();
    let has = |names: &[&str]| below.iter().any(|e| names.contains(&e.name.as_str()));
    let basic: Vec<String> =
        below.iter().filter(|e| e.name == "basic").map(|e| e.text.trim().to_ascii_lowercase()).collect();
    Some(match basic.iter().any(|b| b == "open") {
        true if has(&["on-the-phone", "busy", "meeting", "in-transit"]) => Lamp::Busy,
        true if has(&["away", "permanent-absence", "vacation"]) => Lamp::Away,
        true => Lamp::Free,
        false if basic.is_empty() => Lamp::Unknown,
        false => Lamp::Away,
    })
}

/// `Messages-Waiting: yes`, `Voice-Message: 2/8 (0/2)`: new and old, the urgent among them in brackets.
pub(crate) fn mailbox(body: &[u8]) -> Option<Mailbox> {
    let text = decode(body.get(..body.len().min(4096))?);
    let field = |wanted: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let waiting = field("Messages-Waiting")?.eq_ignore_ascii_case("yes");
    let counts = field("Voice-Message").and_then(|value| {
        let (new, rest) = value.split_once('/')?;
        let old = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((number::<u32>(new)?, number::<u32>(old)?))
    });
    Some(Mailbox { waiting, new: counts.map(|c| c.0), old: counts.map(|c| c.1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: u32, state: &str, dialogs: &str) -> Vec<u8> {
        format!(
            "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"{state}\" entity=\"sip:1003@pbx\">{dialogs}</dialog-info>"
        )
        .into_bytes()
    }

    const RINGS: &str = "<dialog id=\"a\" direction=\"recipient\"><state>early</state><remote><identity display=\"Zoe &amp; Co\">sip:200@pbx</identity><target uri=\"sip:x\"/></remote></dialog>";
    const TALKS: &str = "<dialog id=\"b\"><state>confirmed</state></dialog>";
    const GONE: &str = "<dialog id=\"a\"><state>terminated</state></dialog>";

    #[test]
    fn full_and_partial_documents_are_put_together() {
        let mut dialogs = Dialogs::default();
        assert_eq!(dialogs.take(&info(3, "partial", TALKS)), Taken::Gap, "no whole before it");
        assert_eq!(dialogs.take(&info(4, "full", "")), Taken::Lamp(Lamp::Free));
        let Taken::Lamp(Lamp::Ringing { caller: Some(peer) }) = dialogs.take(&info(5, "partial", RINGS)) else {
            panic!()
        };
        assert_eq!((peer.name.as_deref(), peer.address.as_str()), (Some("Zoe & Co"), "200"));
        assert!(matches!(dialogs.take(&info(6, "partial", TALKS)), Taken::Lamp(Lamp::Ringing { .. })));
        assert_eq!(dialogs.take(&info(6, "partial", GONE)), Taken::Nothing, "seen before");
        assert_eq!(dialogs.take(&info(7, "partial", GONE)), Taken::Lamp(Lamp::Busy));
        assert_eq!(dialogs.take(&info(9, "partial", "")), Taken::Gap);
        assert_eq!(dialogs.take(&info(10, "full", "")), Taken::Lamp(Lamp::Free));
        let calls = "<dialog id=\"c\" direction=\"initiator\"><state>proceeding</state></dialog>";
        assert_eq!(dialogs.take(&info(11, "full", calls)), Taken::Lamp(Lamp::Busy));
        assert_eq!(dialogs.take(b"<presence/>"), Taken::Nothing);
    }

    #[test]
    fn presence_is_read() {
        let document = |basic: &str, activity: &str| {
            format!(
                "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:e='urn:e'><e:person><e:activities>{activity}</e:activities></e:person><tuple id='1'><status><basic>{basic}</basic></status></tuple></presence>"
            )
        };
        let lamp = |basic, activity| presence(document(basic, activity).as_bytes());
        assert_eq!(lamp("open", ""), Some(Lamp::Free));
        assert_eq!(lamp("open", "<e:on-the-phone/>"), Some(Lamp::Busy));
        assert_eq!(lamp("open", "<e:away/>"), Some(Lamp::Away));
        assert_eq!(lamp("closed", "<e:busy/>"), Some(Lamp::Away));
        assert_eq!(presence(b"<presence/>"), Some(Lamp::Unknown));
        assert_eq!(presence(b"<dialog-info/>"), None);
    }

    #[test]
    fn mailboxes_are_read() {
        let both = mailbox(b"Messages-Waiting: yes\r\nMessage-Account: sip:1@pbx\r\nVoice-Message: 2/8 (0/2)\r\n");
        assert_eq!(both, Some(Mailbox { waiting: true, new: Some(2), old: Some(8) }));
        assert_eq!(mailbox(b"messages-waiting: no\r\n"), Some(Mailbox::default()));
        assert_eq!(
            mailbox(b"Messages-Waiting: yes\r\nVoice-Message: 99999999999/x\r\n"),
            Some(Mailbox { waiting: true, new: None, old: None })
        );
        assert_eq!(mailbox(b"hello"), None);
    }
}
