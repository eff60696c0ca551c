//! The composition: `Phone` in the middle, one adapter around each port, one loop that feeds it.
//!
//! ```text
//! handle.send(Command) ─┐
//! hatif-net  SipEvent ──┤                                   ┌─> hatif-net, hatif-audio, hatif-store
//! hatif-audio ──────────┼─[bounded channel]─> Phone ─drain──┤
//! hatif-store ──────────┤                                   └─> on_event(view::Event)
//! practice line ────────┘
//! ```

mod beside;
mod files;
mod headset;

use crate::{
    card::{self, Cards},
    check::Check,
    command::{Command, CustomersCommand, RecordingsCommand},
    connectors::{self, Connectors},
    customer_files::{self, CustomerFiles},
    downloads::downloads,
    duplicates::Duplicates,
    erasure::Erasure,
    headset::Headsets,
    log::LogTail,
    present,
    recordings::{Effect, Recordings, Told, player::Player},
    understand::{Asked, understand},
    view::{Event, Outlet, RecordingsEvent as Shown, Snapshot},
    work::Work,
};
use hatif_audio::{Audio, AudioConfig, AudioError, Devices};
use hatif_core::{
    audio::{AudioCommand, AudioEvent},
    customer::CustomerAnswer,
    phone::{self, Change, Now, Output, Phone, PhoneConfig},
    recording::{Recording, RecordingCommand},
    sip::{SipCommand, SipEvent},
    store::{StoreCommand, StoreEvent},
    text::Text,
};
use hatif_headset::Hid;
use hatif_net::Net;
use hatif_practice::{Practice, PracticeEvent};
use hatif_recorder::MasterKey;
use hatif_store::{KeyringChoice, Store, StoreConfig};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};
use tokio::sync::{mpsc, oneshot};

/// What may wait in front of the loop. Meters and statistics make 20 a second; the rest is human pace. Should it ever
/// fill, meters and statistics are dropped first because they alone are sent without waiting.
const QUEUE: usize = 4096;

/// How the application is started.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Folder of the database.
    pub data: PathBuf,
    pub keyring: KeyringChoice,
    /// The administrator's settings, if the file exists.
    pub policy: Option<PathBuf>,
    pub devices: Devices,
    /// Devices by id for this run only, instead of the stored choice.
    pub input: Option<String>,
    pub output: Option<String>,
    pub auto_answer: bool,
    /// Calls at once, where it is not a person who has them.
    pub most_calls: Option<usize>,
    /// Whether the practice line stands.
    pub practice: bool,
    /// Where USB headsets are looked for; `None`: nowhere.
    pub headsets: Option<Arc<dyn Hid>>,
    /// What the system asks for: `en`, `ar` or `fa`.
    pub system_language: String,
}

/// Why the application could not start at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Audio(#[from] AudioError),
}

/// Why a command was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the application has stopped or does not keep up")]
pub struct SendError;

enum Fed {
    Command(Box<Command>),
    Sip(SipEvent),
    Audio(AudioEvent),
    Store(Box<StoreEvent>),
    Practice(PracticeEvent),
    Recordings(Told),
    Checked(u32, Option<hatif_net::check::Finding>),
    Connectors(Box<connectors::Done>),
    CustomerFiles(u32, Box<customer_files::job::Step>),
    Headset(u32, hatif_headset::Told),
    Snapshot(oneshot::Sender<Snapshot>),
}

/// The running application.
#[derive(Clone)]
pub struct App {
    queue: mpsc::Sender<Fed>,
}

impl App {
    /// Starts everything on the current tokio runtime. `on_event` is called from the loop, whole values only, and must
    /// not block. The last event is `Stopped`.
    /// `log` is shown on the page of diagnostics.
    pub fn start(
        config: AppConfig,
        log: LogTail,
        on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<App, StartError> {
        let (queue, fed) = mpsc::channel(QUEUE);
        let sip = queue.clone();
        let net = Net::start(beside::net_config(&config.data), move |event| feed(&sip, Fed::Sip(event)));
        let audio_queue = queue.clone();
        let audio_config = AudioConfig { devices: config.devices.clone(), ..AudioConfig::default() };
        let audio = Audio::start(audio_config, move |event| feed(&audio_queue, Fed::Audio(event)))?;
        let store_queue = queue.clone();
        let store = Store::open(
            StoreConfig { dir: config.data.clone(), keyring: config.keyring, policy: config.policy.clone() },
            move |event| {
                feed(&store_queue, Fed::Store(Box::new(event)));
            },
        );
        let practice = config.practice.then(|| {
            let queue = queue.clone();
            Practice::start(move |event| feed(&queue, Fed::Practice(event)))
        });
        // Should there be no thread for it, the first call waits those milliseconds.
        drop(std::thread::Builder::new().name("hatif-plans".into()).spawn(hatif_crm::warm));
        let most_calls = config.most_calls.unwrap_or(phone::MAX_CALLS);
        let phone = Phone::new(PhoneConfig { auto_answer: config.auto_answer, most_calls });
        let on_event = Box::new(on_event);
        let told = queue.clone();
        let recordings = Recordings::new(
            &config.data,
            downloads(&config.data),
            Arc::new(move |event| feed(&told, Fed::Recordings(event))),
        );
        let run = Run {
            phone,
            net,
            audio,
            store,
            practice,
            cards: Cards::default(),
            erasure: Erasure::default(),
            work: Work::default(),
            connectors: Connectors::default(),
            check: Check::default(),
            customer_files: CustomerFiles::default(),
            exporting: None,
            duplicates: Duplicates::default(),
            headsets: Headsets::default(),
            queue: queue.clone(),
            recordings,
            player: None,
            config,
            log,
            on_event,
            stopped: false,
        };
        tokio::spawn(run.run(fed));
        Ok(App { queue })
    }

    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.queue.try_send(Fed::Command(Box::new(command))).map_err(|_| SendError)
    }

    /// Everything as it is now. Events told before it are contained in it, events told after it are not.
    pub async fn snapshot(&self) -> Result<Snapshot, SendError> {
        let (answer, asked) = oneshot::channel();
        self.queue.send(Fed::Snapshot(answer)).await.map_err(|_| SendError)?;
        asked.await.map_err(|_| SendError)
    }
}

/// Feeds the loop from any thread, real-time ones too: never waits.
fn feed(queue: &mpsc::Sender<Fed>, fed: Fed) {
    if queue.try_send(fed).is_err() {
        tracing::debug!("the loop is full or has ended; an event is lost");
    }
}

struct Run {
    phone: Phone,
    net: Net,
    audio: Audio,
    store: Store,
    practice: Option<Practice>,
    cards: Cards,
    erasure: Erasure,
    work: Work,
    connectors: Connectors,
    check: Check,
    customer_files: CustomerFiles,
    /// The file that customers are being written to.
    exporting: Option<files::Exporting>,
    duplicates: Duplicates,
    headsets: Headsets,
    /// For what is done on a thread of its own.
    queue: mpsc::Sender<Fed>,
    recordings: Recordings,
    player: Option<Player>,
    config: AppConfig,
    log: LogTail,
    on_event: Box<dyn FnMut(Event) + Send>,
    stopped: bool,
}

impl Run {
    async fn run(mut self, mut fed: mpsc::Receiver<Fed>) {
        self.drain();
        // The first comes at once, before the settings are known, and finds nothing.
        let mut day = tokio::time::interval(present::DAY);
        while !self.stopped {
            let timeout = self.phone.poll_timeout().map(|(at, _)| at);
            let reminder = self.work.sleep(now_ms()).map(|wait| Instant::now() + wait);
            tokio::select! {
                event = fed.recv() => match event {
                    Some(event) => self.take(event),
                    None => return,
                },
                _ = day.tick() => {
                    let effects = self.recordings.expire(SystemTime::now());
                    self.carry_out(effects);
                }
                () = sleep_until(timeout) => self.input(phone::Input::Timeout),
                () = sleep_until(reminder) => {
                    self.work.pass_time(now_ms());
                    self.drain_work();
                }
                () = sleep_until(self.connectors.poll_timeout()) => {
                    self.connectors.pass_time(Instant::now());
                    self.drain_connectors();
                }
            }
            self.follow_headsets();
        }
        // The adapters' threads are joined here, off the async workers' backs.
        let Run { net, audio, store, practice, mut on_event, .. } = self;
        drop((net, practice));
        let _ = tokio::task::spawn_blocking(move || drop((audio, store))).await;
        on_event(Event::Stopped);
    }

    fn take(&mut self, fed: Fed) {
        self.log.take();
        match fed {
            Fed::Command(command) => match understand(*command) {
                Asked::Phone(name, command) => self.input(phone::Input::Command(name, command)),
                Asked::Snapshot => {
                    let snapshot = self.snapshot();
                    (self.on_event)(Event::Snapshot { snapshot });
                }
                Asked::Diagnostics => self.tell_diagnostics(),
                Asked::Check(account) => self.check_connection(account),
                Asked::Refused(command, why) => self.refuse(command, &why),
                Asked::PracticeRing(customer) => self.practice_ring(customer.into()),
                Asked::Customers(CustomersCommand::Erase { request, customer }) => {
                    self.erasure.begin(request, customer);
                    self.drain_erasure();
                }
                Asked::Customers(ask) => {
                    self.cards.command(&self.phone, ask);
                    self.drain_cards();
                }
                Asked::CustomerFiles(ask) => {
                    let country = card::country(&self.phone, None);
                    self.customer_files.command(ask, country, now_ms());
                    self.drain_customer_files();
                }
                Asked::Duplicates(ask) => {
                    self.duplicates.command(ask, card::country(&self.phone, None).as_deref());
                    self.drain_duplicates();
                }
                Asked::Work(ask) => {
                    self.work.command(ask, now_ms());
                    self.drain_work();
                }
                Asked::Recordings(asked) => self.ask_recordings(asked),
                Asked::Connectors(ask) => {
                    let country = card::country(&self.phone, None);
                    self.connectors.command(ask, country.as_deref(), Instant::now());
                    self.drain_connectors();
                }
            },
            // Whoever asked may be gone; then nobody misses it.
            Fed::Snapshot(answer) => drop(answer.send(self.snapshot())),
            Fed::Sip(event) => self.input(phone::Input::Sip(event)),
            Fed::Audio(event) => self.input(phone::Input::Audio(event)),
            Fed::Recordings(told) => {
                let effects = self.recordings.told(told);
                self.carry_out(effects);
            }
            Fed::Checked(run, finding) => {
                self.check.found(&self.phone, run, finding);
                self.drain_check();
            }
            Fed::CustomerFiles(job, step) => {
                self.customer_files.step(job, *step);
                self.drain_customer_files();
            }
            Fed::Headset(run, told) => self.headset_told(run, told),
            Fed::Connectors(done) => {
                self.connectors.done(*done, Instant::now());
                self.drain_connectors();
            }
            Fed::Store(event) => match *event {
                StoreEvent::Connectors(answer) => {
                    self.connectors.answer(answer, Instant::now());
                    self.drain_connectors();
                }
                StoreEvent::CustomerFiles(answer) => {
                    self.customer_files.answer(answer);
                    self.drain_customer_files();
                }
                StoreEvent::Duplicates(answer) => {
                    self.duplicates.answer(answer);
                    self.drain_duplicates();
                }
                StoreEvent::Customers(answer) => {
                    self.erasure.answer(&self.phone, &answer);
                    if let CustomerAnswer::Erased { calls, .. } = &answer {
                        self.work.erased(calls);
                        self.input(phone::Input::Store(StoreEvent::Customers(answer.clone())));
                    }
                    self.cards.answer(answer);
                    self.drain_cards();
                }
                StoreEvent::Work(answer) => {
                    self.work.answer(answer, now_ms());
                    self.drain_work();
                }
                StoreEvent::Recordings(answer) => {
                    let effects = self.recordings.stored(answer);
                    self.carry_out(effects);
                }
                mut event => {
                    if let StoreEvent::Loaded { settings, .. } = &mut event {
                        self.choose_devices(settings);
                        self.headsets.known();
                        let effects = self.recordings.loaded();
                        self.carry_out(effects);
                        self.work.load();
                        self.connectors.loaded();
                        self.customer_files.loaded();
                        self.drain_customer_files();
                        self.drain_connectors();
                    }
                    let loaded = matches!(event, StoreEvent::Loaded { .. });
                    self.input(phone::Input::Store(event));
                    if loaded {
                        let effects = self.recordings.expire(SystemTime::now());
                        self.carry_out(effects);
                    }
                }
            },
            Fed::Practice(PracticeEvent::Up { account, password }) => {
                self.input(phone::Input::PracticeUp { account, password });
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        let (customers, work, connectors) = (self.cards.view(), self.work.view(), self.connectors.view());
        let (customer_files, headsets) = (self.customer_files.view(), self.headsets.view());
        Snapshot {
            customers,
            customer_files,
            work,
            connectors,
            headsets,
            ..present::snapshot(&self.phone, now(), &self.config.system_language)
        }
    }

    fn practice_ring(&mut self, customer: hatif_practice::Customer) {
        let language = self.phone.settings().language.as_ref().unwrap_or(&self.config.system_language);
        let rang = self.practice.as_ref().is_some_and(|practice| practice.ring(customer, language));
        if !rang {
            self.refuse("practice_ring", &Text::new("command.practice_not_up"));
        }
    }

    fn refuse(&mut self, command: &str, why: &Text) {
        (self.on_event)(Event::CommandFailed {
            command: command.to_owned(),
            call: None,
            account: None,
            text: present::text(why),
        });
    }

    fn input(&mut self, input: phone::Input) {
        self.phone.handle(now(), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::Sip(command) => self.tell_sip(command),
                Output::Audio(command) => self.tell_audio(command),
                Output::Store(command) => self.tell_store(command),
                Output::Recording(command) => self.record(command),
                Output::Change(Change::Stopped) => self.stopped = true,
                Output::Change(Change::SettingsExported(text)) => self.export_settings(text),
                Output::Change(change) => {
                    self.log(&change);
                    match change {
                        Change::Call(id) => {
                            self.cards.call_changed(&self.phone, id);
                            self.work.call_changed(&self.phone, id, self.cards.chosen(id), now_ms());
                            let account = self.phone.call(id).map(|entry| entry.call.account);
                            let country = card::country(&self.phone, account);
                            let wrap_up = self.work.is_open(id);
                            self.connectors.call_changed(&self.phone, id, country.as_deref(), wrap_up, Instant::now());
                        }
                        Change::CallGone(id) => {
                            self.cards.call_gone(id);
                            self.work.call_gone(id);
                            self.connectors.call_gone(id);
                        }
                        Change::History => self.work.load(),
                        Change::Account(id) => self.check.account_changed(&self.phone, id),
                        _ => {}
                    }
                    self.recordings.keep_days = self.phone.settings().recording_rules.keep_days;
                    if let (Change::Settings | Change::All, Some(practice)) = (&change, &self.practice) {
                        let settings = self.phone.settings();
                        practice.speak(settings.language.as_ref().unwrap_or(&self.config.system_language));
                    }
                    let event = match change {
                        Change::All => Some(Event::Snapshot { snapshot: self.snapshot() }),
                        change => present::event(&self.phone, change, now(), &self.config.system_language),
                    };
                    if let Some(event) = event {
                        (self.on_event)(event);
                    }
                    self.drain_check();
                    self.drain_cards();
                    self.drain_work();
                    self.drain_connectors();
                }
            }
        }
    }

    fn record(&mut self, command: RecordingCommand) {
        let row = match command {
            RecordingCommand::Begin { interaction, .. } => self.phone.history().find(|row| row.id == interaction),
            _ => None,
        };
        let effects = self.recordings.obey(command, row, SystemTime::now());
        self.carry_out(effects);
    }

    fn ask_recordings(&mut self, asked: RecordingsCommand) {
        let sound = match (&asked, &self.player) {
            (RecordingsCommand::Play { on: true } | RecordingsCommand::Seek { .. }, Some(player)) => {
                Some(Some((player.sounds(), player.outlet)))
            }
            (RecordingsCommand::Outlet { outlet }, Some(player)) => Some(Some((player.sounds(), *outlet))),
            (RecordingsCommand::Play { on: false } | RecordingsCommand::Close, _) => Some(None),
            _ => None,
        };
        if let Some(sound) = sound
            && let Err(error) = self.audio.play(sound.map(|(ring, outlet)| (ring, outlet == Outlet::Ringer)))
        {
            tracing::error!(%error, "audio did not take a recording to play");
        }
        if let (RecordingsCommand::Play { on: true }, Some(player)) = (&asked, &mut self.player)
            && let Some(name) = player.first_played()
        {
            self.recordings.played(&name);
        }
        if !Player::obeys(&mut self.player, &asked) {
            let effects = self.recordings.ask(asked);
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Store(command) => self.tell_store(StoreCommand::Recordings(command)),
                Effect::Audio(call, order) => {
                    if let Err(error) = self.audio.record(call, order) {
                        tracing::error!(%error, "audio did not take a recording's order");
                    }
                }
                Effect::Phone(event) => self.input(phone::Input::Recorder(event)),
                Effect::Show(recordings) => {
                    match &recordings {
                        Shown::Deleted { recording } => self.erasure.recording(recording, true),
                        Shown::Failed { recording, .. } => self.erasure.recording(recording, false),
                        _ => {}
                    }
                    (self.on_event)(Event::Recordings { recordings });
                    self.drain_erasure();
                }
                Effect::Load { recording, path, key } => self.load(&recording, path, key),
                Effect::Unload(name) => self.player = self.player.take().filter(|player| !player.plays(&name)),
            }
        }
    }

    /// Into the player; what was in it goes.
    fn load(&mut self, recording: &Recording, path: PathBuf, key: MasterKey) {
        self.player = None;
        self.player =
            Player::start(present::recording(recording, self.recordings.keep_days), path, key, self.recordings.tell());
    }

    /// What a person who helps from afar needs to know. Ids and states only: no number, name or address.
    fn log(&self, change: &Change) {
        match change {
            Change::Call(id) => {
                if let Some(entry) = self.phone.call(*id) {
                    let (direction, state) = (entry.call.direction, present::state_name(&entry.call.state));
                    tracing::info!(call = id.0, account = entry.call.account.0, ?direction, state);
                }
            }
            Change::Account(id) => {
                if let Some(entry) = self.phone.account(*id) {
                    tracing::info!(account = id.0, registration = present::registration_name(&entry.registration));
                }
            }
            Change::NoticeRaised(id) => {
                let raised = self.phone.notices().iter().find(|notice| notice.id == *id);
                tracing::info!(notice = raised.map(|notice| notice.text.code));
            }
            _ => {}
        }
    }

    fn tell_sip(&mut self, command: SipCommand) {
        if let Err(error) = self.net.send(command) {
            tracing::error!(%error, "SIP did not take a command");
        }
    }

    fn tell_audio(&mut self, command: AudioCommand) {
        if let Err(error) = self.audio.send(command) {
            tracing::error!(%error, "audio did not take a command");
        }
    }

    fn tell_store(&mut self, command: StoreCommand) {
        if let Err(error) = self.store.send(command) {
            tracing::error!(%error, "the store did not take a command");
        }
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn now() -> Now {
    Now { mono: Instant::now(), wall: SystemTime::now() }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
