//! The line while it stands: three SIP addresses on loopback, and what is said in each call.

use crate::{Customer, Fed, PracticeEvent, prompts};
use hatif_audio::{Audio, AudioConfig, Devices};
use hatif_core::{
    account::{Account, AccountKind, Password, Registration, Transport},
    audio::{AudioCommand, AudioEvent, CallSource},
    ids::{AccountId, CallId},
    sip::{SipCommand, SipEvent},
};
use hatif_net::{Net, NetConfig};
use std::{
    collections::{HashMap, VecDeque},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// The registrar and the people who answer.
const DESK: AccountId = AccountId(1);
const SARA: AccountId = AccountId(2);
const OMID: AccountId = AccountId(3);
/// Everything lives under this name; it is never resolved.
const DOMAIN: &str = "practice";
const USER: &str = "agent";
/// How long a customer waits for the agent to say something between two turns.
const PAUSE: Duration = Duration::from_secs(5);
/// A customer rings this long before answering, so that ringing is seen and heard.
const RING: Duration = Duration::from_millis(1500);
/// Nobody speaks in the very moment of answering; by then sound devices have opened and settled.
const HELLO: Duration = Duration::from_millis(1200);
/// A customer with nothing left to say hangs up after this.
const PATIENCE: Duration = Duration::from_secs(20);
/// Calls at once; the line is one agent's.
const MAX_CALLS: usize = 8;

/// What happens next in a call, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Answer,
    Say,
    HangUp,
}

struct Talk {
    account: AccountId,
    /// `None` is the echo.
    customer: Option<Customer>,
    outgoing_to: Option<SocketAddr>,
    turns: VecDeque<Arc<[f32]>>,
    next: Option<(Instant, Next)>,
}

pub struct Line {
    net: Net,
    audio: Audio,
    password: Password,
    port: u16,
    language: String,
    phone: Option<SocketAddr>,
    talks: HashMap<CallId, Talk>,
    next_call: u32,
}

/// Why the line cannot stand.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("no free port on loopback: {0}")]
    Port(#[from] std::io::Error),
    #[error(transparent)]
    Audio(#[from] hatif_audio::AudioError),
    #[error(transparent)]
    Net(#[from] hatif_net::SendError),
}

impl Line {
    pub fn start(queue: mpsc::Sender<Fed>) -> Result<Line, LineError> {
        let config = NetConfig { user_agent: "Hatif practice line".into(), instance: None, serve_registrations: true };
        let sip_queue = queue.clone();
        let net = Net::start(config, move |event| {
            let _ = sip_queue.try_send(Fed::Sip(event));
        });
        let audio = Audio::start(
            AudioConfig { devices: Devices::None, thread_name: "practice-media".into(), ..AudioConfig::default() },
            move |event| {
                // Only what the script needs; meters and statistics of the line interest nobody.
                if matches!(event, AudioEvent::PortOpened { .. } | AudioEvent::PortFailed { .. }) {
                    let _ = queue.try_send(Fed::Audio(event));
                }
            },
        )?;
        let password = Password(format!("{:032x}", rand::random::<u128>()));
        let line = Line {
            net,
            audio,
            password,
            port: free_port()?,
            language: "en".into(),
            phone: None,
            talks: HashMap::new(),
            next_call: 1,
        };
        line.open_accounts()?;
        Ok(line)
    }

    fn open_accounts(&self) -> Result<(), LineError> {
        for (id, user, name, port) in [
            (DESK, "desk", None, self.port),
            (SARA, "sara", Some("Sara سارة"), free_port()?),
            (OMID, "omid", Some("Omid امید"), free_port()?),
        ] {
            let account = Account {
                id,
                kind: AccountKind::Direct,
                label: String::new(),
                user: user.into(),
                domain: DOMAIN.into(),
                registrar: Some(Ipv4Addr::LOCALHOST.to_string()),
                proxy: None,
                auth_user: (id == DESK).then(|| USER.to_owned()),
                display_name: name.map(str::to_owned),
                transport: Transport::Udp,
                ca_file: None,
                expires: 300,
                local_port: Some(port),
                options: Default::default(),
                turn_password: None,
            };
            let password = (id == DESK).then(|| self.password.clone());
            self.net.send(SipCommand::SetAccount { account: Box::new(account), password })?;
            self.net.send(SipCommand::Register { account: id })?;
        }
        Ok(())
    }

    /// How the phone reaches the line.
    fn account(&self) -> Box<Account> {
        Box::new(Account {
            id: hatif_core::phone::PRACTICE,
            kind: AccountKind::Practice,
            label: "Practice line".into(),
            user: USER.into(),
            domain: DOMAIN.into(),
            registrar: Some(format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)),
            proxy: None,
            auth_user: None,
            display_name: None,
            transport: Transport::Udp,
            ca_file: None,
            expires: 300,
            local_port: None,
            options: Default::default(),
            turn_password: None,
        })
    }

    /// Runs until its port turns out to be taken; the caller starts another.
    pub async fn run(
        &mut self,
        fed: &mut mpsc::Receiver<Fed>,
        up: &AtomicBool,
        on_event: &mut (impl FnMut(PracticeEvent) + Send),
    ) {
        on_event(PracticeEvent::Up { account: self.account(), password: self.password.clone() });
        loop {
            let due = self.talks.values().filter_map(|t| t.next).map(|(at, _)| at).min();
            tokio::select! {
                event = fed.recv() => match event {
                    None => return,
                    Some(Fed::Ring(customer, language)) => {
                        self.language = language;
                        self.ring(customer);
                    }
                    Some(Fed::Speak(language)) => self.language = language,
                    Some(Fed::Sip(SipEvent::Registration { state: Registration::Down { .. }, .. })) => return,
                    Some(Fed::Sip(event)) => self.sip(event),
                    Some(Fed::Audio(event)) => self.audio_event(event),
                },
                () = sleep_until(due) => self.go_on(),
            }
            up.store(self.phone.is_some(), Ordering::Relaxed);
        }
    }

    fn ring(&mut self, customer: Customer) {
        let Some(phone) = self.phone else { return };
        if self.talks.len() >= MAX_CALLS {
            return;
        }
        let call = CallId(self.next_call);
        self.next_call = (self.next_call + 1) & 0x7fff_ffff;
        let account = match customer {
            Customer::Sara => SARA,
            Customer::Omid => OMID,
        };
        self.talks.insert(call, self.talk(account, Some(customer), Some(phone)));
        self.tell_sip(SipCommand::LocateMedia { account, call });
    }

    fn talk(&self, account: AccountId, customer: Option<Customer>, outgoing_to: Option<SocketAddr>) -> Talk {
        let turns = match customer {
            None => VecDeque::from([prompts::welcome(&self.language)]),
            Some(customer) => VecDeque::from(prompts::turns(customer, &self.language)),
        };
        Talk { account, customer, outgoing_to, turns, next: None }
    }

    fn sip(&mut self, event: SipEvent) {
        match event {
            SipEvent::RegistrationServed { source, up, .. } => self.phone = up.then_some(source),
            SipEvent::Incoming { call, headers, .. } => self.incoming(call, &headers.target),
            SipEvent::MediaAddress { call, local } => match local {
                Ok(place) => self.tell_audio(AudioCommand::OpenPort { call, place }),
                Err(_) => self.tell_sip(SipCommand::HangUp { call }),
            },
            SipEvent::Media { call, media } => {
                self.tell_audio(AudioCommand::Start { call, session: media });
                self.tell_audio(AudioCommand::Source { call, source: CallSource::Clip(Arc::from([])) });
                self.tell_audio(AudioCommand::Microphone { call, open: true });
            }
            SipEvent::Answered { call } => {
                if let Some(talk) = self.talks.get_mut(&call) {
                    talk.next = Some((Instant::now() + HELLO, Next::Say));
                }
            }
            SipEvent::Ended { call, .. } => {
                self.talks.remove(&call);
                self.tell_audio(AudioCommand::Stop { call });
            }
            _ => {}
        }
    }

    fn incoming(&mut self, call: CallId, target: &str) {
        let customer = match target {
            "echo" => None,
            "sara" => Some(Customer::Sara),
            "omid" => Some(Customer::Omid),
            _ => return self.tell_sip(SipCommand::Reject { call, status: 404 }),
        };
        if self.talks.len() >= MAX_CALLS {
            return self.tell_sip(SipCommand::Reject { call, status: 486 });
        }
        let mut talk = self.talk(DESK, customer, None);
        let ring = if customer.is_some() { RING } else { Duration::from_millis(400) };
        talk.next = Some((Instant::now() + ring, Next::Answer));
        self.talks.insert(call, talk);
    }

    fn audio_event(&mut self, event: AudioEvent) {
        match event {
            AudioEvent::PortOpened { call, local } => match self.talks.get(&call) {
                Some(Talk { account, outgoing_to: Some(phone), .. }) => {
                    let (account, target) = (*account, format!("sip:{USER}@{phone}"));
                    self.tell_sip(SipCommand::Invite { account, call, target, media: local });
                }
                Some(_) => self.tell_sip(SipCommand::Answer { call, media: local }),
                None => self.tell_audio(AudioCommand::Stop { call }),
            },
            AudioEvent::PortFailed { call, .. } => {
                self.talks.remove(&call);
                self.tell_sip(SipCommand::HangUp { call });
            }
            _ => {}
        }
    }

    /// Does what is due: answers, says the next turn, hangs up.
    fn go_on(&mut self) {
        let now = Instant::now();
        let mut sip = Vec::new();
        let mut audio = Vec::new();
        for (call, talk) in &mut self.talks {
            let Some((_, next)) = talk.next.filter(|(at, _)| *at <= now) else { continue };
            talk.next = match next {
                Next::Answer => {
                    sip.push(SipCommand::LocateMedia { account: talk.account, call: *call });
                    None
                }
                Next::Say => match (talk.turns.pop_front(), talk.customer) {
                    (Some(clip), customer) => {
                        let said = Duration::from_secs_f32(clip.len() as f32 / 48_000.0);
                        audio.push(AudioCommand::Source { call: *call, source: CallSource::Clip(clip) });
                        Some((now + said + if customer.is_some() { PAUSE } else { Duration::ZERO }, Next::Say))
                    }
                    (None, None) => {
                        audio.push(AudioCommand::Source { call: *call, source: CallSource::Echo });
                        None
                    }
                    (None, Some(_)) => Some((now + PATIENCE, Next::HangUp)),
                },
                Next::HangUp => {
                    sip.push(SipCommand::HangUp { call: *call });
                    None
                }
            };
        }
        sip.into_iter().for_each(|command| self.tell_sip(command));
        audio.into_iter().for_each(|command| self.tell_audio(command));
    }

    fn tell_sip(&self, command: SipCommand) {
        if let Err(error) = self.net.send(command) {
            tracing::warn!(%error, "practice line: SIP");
        }
    }

    fn tell_audio(&self, command: AudioCommand) {
        if let Err(error) = self.audio.send(command) {
            tracing::warn!(%error, "practice line: audio");
        }
    }
}

/// A port that is free on loopback now. Should somebody take it before we do, the line starts anew.
fn free_port() -> std::io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
