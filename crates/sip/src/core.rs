//! What registrations and calls share: accounts, transactions, randomness, and the way out.

use crate::{
    account::{Account, Wire},
    config::{AccountId, CallId, HostPort},
    control::{MessageId, SubscriptionId},
    credentials::{Refusal, Rounds},
    ice::{Ice, IcePolicy},
    io::{Destination, Event, LocalMedia, Output, WireFailure},
    message::Outgoing,
    offer::Negotiation,
    srtp::{Sdes, SrtpPolicy},
    subscription::Subscription,
    text::{Method, Request, Response, Via},
    transaction::{Owner, Start, Transactions, TxId},
};
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

/// What we take in requests outside and inside of dialogs.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, NOTIFY, REFER, MESSAGE";
/// Extensions that we have (RFC 3891, RFC 4488, RFC 4028, RFC 3262).
pub(crate) const SUPPORTED: &str = "replaces, norefersub, timer, 100rel";
pub(crate) const SDP: &str = "application/sdp";

pub(crate) struct Core {
    rng: StdRng,
    pub accounts: BTreeMap<AccountId, Account>,
    pub tx: Transactions,
    pub subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub messages: BTreeMap<MessageId, Outgoing>,
    /// What the calls that a peer asked for have become, for the calls it asked in: status as in a sipfrag.
    pub refer_words: VecDeque<(CallId, u16)>,
}

impl Core {
    pub fn new(seed: [u8; 32]) -> Self {
        Core {
            rng: StdRng::from_seed(seed),
            accounts: BTreeMap::new(),
            tx: Transactions::default(),
            subscriptions: BTreeMap::new(),
            messages: BTreeMap::new(),
            refer_words: VecDeque::new(),
        }
    }

    pub fn output(&mut self, output: Output) {
        self.tx.outputs.push_back(output);
    }

    pub fn event(&mut self, event: Event) {
        self.output(Output::Event(event));
    }

    /// 64 bits nobody can guess, as hexadecimal: tags, branches, cnonces.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.rng.random::<u64>())
    }

    /// The offer and answer of a new call, with keys of its own.
    pub fn negotiation(&mut self, id: AccountId, media: LocalMedia) -> Negotiation {
        let config = self.account(id).map(|a| &a.config);
        let (policy, ice) = config.map_or((SrtpPolicy::Off, IcePolicy::Off), |c| (c.srtp, c.ice));
        let brief = config.is_some_and(|c| !c.transport.reliable());
        let session = self.number() >> 2;
        let sdes = Sdes::new(policy, brief, |key| self.rng.fill_bytes(key));
        let ice = Ice::new(ice, |seed| self.rng.fill_bytes(seed));
        Negotiation::new(media, session, sdes, ice)
    }

    pub fn number(&mut self) -> u64 {
        self.rng.random()
    }

    /// A number of milliseconds from `range`.
    pub fn jitter(&mut self, range: std::ops::Range<u64>) -> std::time::Duration {
        std::time::Duration::from_millis(self.rng.random_range(range))
    }

    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// Asks for the account's wire, if it is neither up nor asked for.
    pub fn need_wire(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        if !matches!(account.wire, Wire::Down | Wire::Pausing(_)) {
            return;
        }
        account.wire = Wire::Opening;
        let (hop, transport) = (account.config.next_hop().clone(), account.config.transport);
        self.output(Output::OpenWire { account: id, hop, transport });
    }

    /// Drops the account's wire and opens it anew: what hangs on it is believed dead.
    pub fn renew_wire(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.wire = Wire::Down;
        self.output(Output::CloseWire { account: id });
        self.tx.wire_down(id, WireFailure::TimedOut);
        self.need_wire(id);
    }

    fn via(&mut self, id: AccountId, to: &Destination) -> Option<Via> {
        let account = self.accounts.get(&id)?;
        let local = account.local()?;
        let transport = account.transport_of(to);
        let branch = format!("z9hG4bK{}", self.token());
        Some(Via::new(transport, local, &branch))
    }

    /// The account's Contact, while its wire is up.
    pub fn contact(&self, id: AccountId) -> Option<String> {
        let account = self.accounts.get(&id)?;
        Some(account.contact(account.local()?))
    }

    fn user_agent(&self, id: AccountId) -> String {
        self.accounts.get(&id).map(|a| a.config.user_agent.clone()).unwrap_or_default()
    }

    /// Starts a client transaction. Without a wire the request waits for it.
    pub fn send(
        &mut self,
        now: Instant,
        id: AccountId,
        to: Destination,
        mut request: Request,
        owner: Owner,
    ) -> Option<TxId> {
        let reliable = self.accounts.get(&id)?.reliable(&to);
        let agent = self.user_agent(id);
        if !agent.is_empty() {
            request.headers.set("User-Agent", agent);
        }
        let via = self.via(id, &to);
        if via.is_none() {
            self.need_wire(id);
        }
        Some(self.tx.start(now, Start { account: id, owner, to, reliable, request, via }))
    }

    /// Sends an ACK, which is no transaction. The bytes, to send it again.
    pub fn send_ack(&mut self, id: AccountId, to: &Destination, mut ack: Request) -> Vec<u8> {
        let Some(via) = self.via(id, to) else { return Vec::new() };
        ack.headers.push_front("Via", via.to_string());
        let bytes = ack.to_bytes();
        self.send_bytes(id, to, bytes.clone());
        bytes
    }

    pub fn send_bytes(&mut self, account: AccountId, to: &Destination, bytes: Vec<u8>) {
        let id = self.tx.loose_id();
        self.output(Output::Send { account, to: to.clone(), bytes, id });
    }

    /// What waited for the account's wire goes out.
    pub fn launch_waiting(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        let Some(local) = account.local() else { return };
        let transport = account.config.transport;
        let rng = &mut self.rng;
        self.tx.wire_up(now, id, || Via::new(transport, local, &format!("z9hG4bK{:016x}", rng.random::<u64>())));
    }

    /// The headers every answer of ours has beside those of its request.
    pub fn dress(&self, id: AccountId, response: &mut Response) {
        let agent = self.user_agent(id);
        if !agent.is_empty() {
            response.headers.set("Server", agent);
        }
        if matches!(response.status, 180..=199 | 200..=299 | 405) && !response.headers.has_option("Allow", "INVITE") {
            response.headers.push("Allow", ALLOW);
        }
    }

    /// Answers a request with a status and nothing special.
    pub fn reply(&mut self, now: Instant, account: AccountId, tx: TxId, request: &Request, status: u16) {
        let tag = self.token();
        let response = request.response(status, (status > 100).then_some(tag.as_str()));
        self.respond(now, account, tx, response);
    }

    pub fn respond(&mut self, now: Instant, account: AccountId, tx: TxId, mut response: Response) {
        self.dress(account, &mut response);
        self.tx.respond(now, tx, &response);
    }

    /// Whether a challenge to a request of this account may be answered at all: only requests to the account's own
    /// next hop, and a 401, which may be an endpoint's behind the proxy, only when the request ends at the PBX itself.
    pub fn may_authenticate(&self, id: AccountId, to: &Destination, end: Option<&HostPort>, status: u16) -> bool {
        let Some(account) = self.accounts.get(&id) else { return false };
        *to == Destination::NextHop && (status == 407 || end.is_some_and(|host| account.is_own_host(host)))
    }

    /// Sends a request of ours again, with the next number and the answers to its challenges.
    pub fn resend(
        &mut self,
        now: Instant,
        id: AccountId,
        tx: TxId,
        seq: u32,
        rounds: &Rounds,
        owner: Owner,
    ) -> Option<TxId> {
        self.resend_with(now, id, tx, seq, (rounds, owner), |_| {})
    }

    /// The same, changed before.
    pub fn resend_with(
        &mut self,
        now: Instant,
        id: AccountId,
        tx: TxId,
        seq: u32,
        (rounds, owner): (&Rounds, Owner),
        change: impl FnOnce(&mut Request),
    ) -> Option<TxId> {
        let mut request = self.tx.sent_request(tx)?.clone();
        let to = self.tx.destination(tx)?.clone();
        request.headers.remove("Via");
        request.headers.set("CSeq", format!("{seq} {}", request.method));
        change(&mut request);
        self.authorize(id, rounds, &mut request);
        self.send(now, id, to, request, owner)
    }

    /// Takes a challenge; `Ok` means: `authorize` the request and send it again.
    pub fn challenged(&mut self, id: AccountId, response: &Response, rounds: &mut Rounds) -> Result<(), Refusal> {
        match self.accounts.get_mut(&id) {
            Some(Account { config, credentials, .. }) => credentials.challenged(config, response, rounds),
            None => Err(Refusal::WrongPassword),
        }
    }

    pub fn authorize(&mut self, id: AccountId, rounds: &Rounds, request: &mut Request) {
        let cnonce = self.token();
        if let Some(Account { config, credentials, .. }) = self.accounts.get_mut(&id) {
            credentials.authorize(config, rounds, request, &cnonce);
        }
    }

    /// A request outside of dialogs: From with a new tag, Call-ID, Route and User-Agent; no Via, no Contact.
    pub fn request(&mut self, id: AccountId, method: Method, uri: &str, to: &str, seq: u32) -> Option<Request> {
        let (tag, call_id) = (self.token(), self.token());
        let account = self.accounts.get(&id)?;
        let mut request = Request::new(method.clone(), uri);
        request.headers.remove("Content-Length");
        if let Some(route) = account.route() {
            request.headers.push("Route", route);
        }
        request.headers.push("Max-Forwards", "70");
        let mut from = account.from();
        from.params.set("tag", Some(&tag));
        request.headers.push("From", from.to_string());
        request.headers.push("To", to);
        request.headers.push("Call-ID", call_id);
        request.headers.push("CSeq", format!("{seq} {method}"));
        request.headers.push("Content-Length", "0");
        Some(request)
    }
}
