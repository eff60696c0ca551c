//! Short messages (RFC 3428): text/plain, in and out, with the final response as delivery state.

use crate::{
    config::AccountId,
    control::{MessageId, RequestFailure},
    core::Core,
    credentials::Rounds,
    identity,
    io::{Destination, Event, Peer},
    text::{Method, NameAddr, Request, Response, Uri, clean_lines, decode},
    transaction::{Failure, Owner, TxId},
};
use std::time::Instant;

const TEXT: &str = "text/plain";
/// Most bytes sent over UDP (RFC 3428 8 allows 1,300 with the headers), and over a stream.
const MAX_DATAGRAM: usize = 1_000;
const MAX_STREAM: usize = 16_000;
/// Most characters that are taken.
const MAX_CHARS: usize = 4_000;

/// A message on its way.
pub(crate) struct Outgoing {
    account: AccountId,
    tx: TxId,
    seq: u32,
    rounds: Rounds,
}

impl Core {
    /// `Input::Message`.
    pub fn send_message(&mut self, now: Instant, id: MessageId, account: AccountId, target: &str, text: &str) {
        if self.messages.contains_key(&id) {
            return;
        }
        match self.start_message(now, id, account, target, text) {
            Ok(tx) => {
                self.messages.insert(id, Outgoing { account, tx, seq: 1, rounds: Rounds::default() });
            }
            Err(failure) => self.event(Event::MessageSent { message: id, result: Err(failure) }),
        }
    }

    fn start_message(
        &mut self,
        now: Instant,
        id: MessageId,
        account_id: AccountId,
        target: &str,
        text: &str,
    ) -> Result<TxId, RequestFailure> {
        let account = self.account(account_id).ok_or(RequestFailure::BadTarget)?;
        let uri = identity::target(account, target).ok_or(RequestFailure::BadTarget)?;
        let to = account.destination(&uri);
        let most = if account.reliable(&to) { MAX_STREAM } else { MAX_DATAGRAM };
        if text.len() > most {
            return Err(RequestFailure::TooLong);
        }
        let whom = NameAddr::of(uri.clone()).to_string();
        let request = self.request(account_id, Method::Message, &uri.to_string(), &whom, 1);
        let mut request = request.ok_or(RequestFailure::BadTarget)?;
        request.set_body("text/plain;charset=UTF-8", text.as_bytes().to_vec());
        if to == Destination::NextHop {
            self.authorize(account_id, &Rounds::default(), &mut request);
        }
        self.send(now, account_id, to, request, Owner::Message(id)).ok_or(RequestFailure::BadTarget)
    }

    pub fn message_response(&mut self, now: Instant, id: MessageId, tx: TxId, response: &Response) {
        let Some(message) = self.messages.get(&id).filter(|m| m.tx == tx && response.status >= 200) else { return };
        let account = message.account;
        let result = match response.status {
            200..300 => {
                let rounds = message.rounds.clone();
                if let Some(account) = self.accounts.get_mut(&account) {
                    account.credentials.succeeded(&rounds);
                }
                Ok(())
            }
            401 | 407 if self.message_again(now, id, tx, response).is_some() => return,
            status => Err(RequestFailure::Status(status)),
        };
        self.message_done(id, result);
    }

    /// Answers a challenge.
    fn message_again(&mut self, now: Instant, id: MessageId, tx: TxId, response: &Response) -> Option<()> {
        let message = self.messages.get(&id)?;
        let (account, seq, mut rounds) = (message.account, message.seq + 1, message.rounds.clone());
        let end = self.tx.sent_request(tx).and_then(|r| Uri::parse(&r.uri)).map(|uri| uri.host);
        let to = self.tx.destination(tx).cloned()?;
        if !self.may_authenticate(account, &to, end.as_ref(), response.status) {
            return None;
        }
        self.challenged(account, response, &mut rounds).ok()?;
        let tx = self.resend(now, account, tx, seq, &rounds, Owner::Message(id))?;
        self.messages.insert(id, Outgoing { account, tx, seq, rounds });
        Some(())
    }

    pub fn message_failed(&mut self, id: MessageId, tx: TxId, failure: Failure) {
        if self.messages.get(&id).is_some_and(|m| m.tx == tx) {
            let failure = match failure {
                Failure::TimedOut => RequestFailure::TimedOut,
                Failure::Wire(failure) => RequestFailure::Wire(failure),
            };
            self.message_done(id, Err(failure));
        }
    }

    fn message_done(&mut self, id: MessageId, result: Result<(), RequestFailure>) {
        self.messages.remove(&id);
        self.event(Event::MessageSent { message: id, result });
    }

    /// The account is gone: what was under way is told as not delivered.
    pub fn forget_messages(&mut self, account: AccountId) {
        let gone: Vec<MessageId> =
            self.messages.iter().filter(|(_, m)| m.account == account).map(|(id, _)| *id).collect();
        for id in gone {
            self.message_done(id, Err(RequestFailure::TimedOut));
        }
    }

    /// A MESSAGE, inside or outside of a dialog.
    pub fn on_message(&mut self, now: Instant, id: AccountId, tx: TxId, request: &Request) {
        let Some(body) = request.body_of(TEXT) else {
            let tag = self.token();
            let mut response = request.response(415, Some(&tag));
            response.headers.push("Accept", TEXT);
            return self.respond(now, id, tx, response);
        };
        let text = decode(body);
        if text.chars().count() > MAX_CHARS {
            return self.reply(now, id, tx, request, 413);
        }
        let peer = self.account(id).map_or(Peer::default(), |account| identity::caller(account, request));
        let text = clean_lines(&text);
        self.reply(now, id, tx, request, 200);
        if !text.is_empty() {
            self.event(Event::MessageReceived { account: id, peer, text });
        }
    }
}
