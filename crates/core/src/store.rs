//! The port to what outlives the process (`hatif-store`): settings, accounts, passwords, the call log.

use crate::{
    account::{Account, Password},
    call::{Direction, EndReason, Peer},
    connector::{ConnectorsAnswer, ConnectorsAsk},
    customer::{CustomerAnswer, CustomerAsk},
    customer_file::{FileAnswer, FileAsk},
    duplicate::{DuplicateAnswer, DuplicateAsk},
    ids::AccountId,
    recording::{RecordingsCommand, RecordingsEvent},
    settings::{Policy, Rows},
    text::Text,
    work::{TicketStatus, WorkAnswer, WorkAsk},
};
use std::time::{Duration, SystemTime};

/// The durable fact of a call: written when it appears, completed when it ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interaction {
    /// Row id, chosen by the core: unique and growing (milliseconds since the epoch, made unique).
    pub id: i64,
    pub account: AccountId,
    /// The account's label at that time.
    pub account_label: String,
    pub direction: Direction,
    pub peer: Peer,
    pub started: SystemTime,
    /// `None` while it runs; a row left so by a crash is shown as interrupted.
    pub end: Option<InteractionEnd>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InteractionEnd {
    pub reason: EndReason,
    pub talked: Duration,
}

/// Which interactions are looked for. The default is all of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InteractionQuery {
    /// Words that must all be found in the name, the number, the account's label or what was noted of the call: letters folded (case, accents,
    /// Arabic and Persian forms), digits of any script, separators in numbers ignored.
    pub text: String,
    pub direction: Option<Direction>,
    /// Only calls that were missed.
    pub missed: bool,
    pub account: Option<AccountId>,
    /// Only calls that were wrapped up so: a disposition, a tag (whole, letters folded); empty: any.
    pub disposition: String,
    pub tag: String,
    pub status: Option<TicketStatus>,
    /// Begun at or after.
    pub from: Option<SystemTime>,
    /// Begun before.
    pub until: Option<SystemTime>,
    /// Only rows below this id, exclusively: the page after the one whose `next` it was.
    pub before: Option<i64>,
    /// Rows of a page; the store gives at most [`MAX_PAGE`].
    pub limit: u32,
}

/// Rows of a page at most.
pub const MAX_PAGE: u32 = 200;

/// One page of what was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InteractionPage {
    /// Newest first.
    pub interactions: Vec<Interaction>,
    /// What `before` has to be for the page after this; `None` after the last.
    pub next: Option<i64>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum StoreCommand {
    /// Answered by `StoreEvent::Loaded`, always the first event.
    Load,
    /// What the user chose, all of it: a setting that is not among the rows loses its row.
    SaveSettings(Rows),
    /// Password: `None` leaves the kept one as it is.
    SaveAccount {
        account: Box<Account>,
        password: Option<Password>,
    },
    DeleteAccount(AccountId),
    /// Inserts or replaces by id.
    SaveInteraction(Box<Interaction>),
    DeleteInteraction(i64),
    ClearInteractions,
    /// Answered by `StoreEvent::Found` with the same request number, whatever happens.
    FindInteractions {
        request: u32,
        query: Box<InteractionQuery>,
    },
    /// Answered by `StoreEvent::Customers`.
    Customers(CustomerAsk),
    /// Answered by `StoreEvent::CustomerFiles`.
    CustomerFiles(FileAsk),
    /// Answered by `StoreEvent::Duplicates`.
    Duplicates(DuplicateAsk),
    Recordings(RecordingsCommand),
    /// Answered by `StoreEvent::Work`.
    Work(WorkAsk),
    /// Answered by `StoreEvent::Connectors`.
    Connectors(ConnectorsAsk),
    Shutdown,
}

/// Where passwords are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CredentialStore {
    /// The operating system's keyring.
    Keyring,
    /// Memory: until the app closes. The window says so.
    UntilClose,
}

#[derive(Clone, PartialEq, Debug)]
// The large one comes once.
#[allow(clippy::large_enum_variant)]
pub enum StoreEvent {
    Loaded {
        /// What the user chose, rows that can be read.
        settings: Rows,
        policy: Policy,
        accounts: Vec<(Account, Option<Password>)>,
        /// Newest first, at most 500.
        interactions: Vec<Interaction>,
        credentials: CredentialStore,
        /// What went wrong while opening (a corrupt database set aside, a read-only folder).
        problem: Option<Text>,
    },
    /// The place where passwords go has changed (the keyring refused).
    Credentials(CredentialStore),
    /// What `FindInteractions` asked for.
    Found {
        request: u32,
        page: InteractionPage,
    },
    /// For who asked; the phone itself knows nothing of customers.
    Customers(CustomerAnswer),
    /// For who asked, as `Customers` is.
    CustomerFiles(FileAnswer),
    Duplicates(DuplicateAnswer),
    Recordings(RecordingsEvent),
    /// For who asked, as `Customers` is.
    Work(WorkAnswer),
    Connectors(ConnectorsAnswer),
    /// A write failed; what it means for the user.
    Problem(Text),
    Stopped,
}
