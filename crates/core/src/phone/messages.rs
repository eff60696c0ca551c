//! Short texts to and from colleagues (MESSAGE). Kept until the application closes.

use super::{Action, Change, Delivery, Message, Now, Phone};
use crate::{
    call::{Direction, Peer},
    ids::{AccountId, CallId, MessageId},
    policy,
    sip::SipCommand,
    text::Text,
};

/// The newest are kept.
const MAX_MESSAGES: usize = 200;
/// Longest text, in characters.
const MAX_TEXT: usize = 4000;

impl Phone {
    pub(super) fn message(&mut self, now: Now, account: AccountId, to: &str, text: String) -> Result<(), Text> {
        self.known_account(account)?;
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
            return Err(Text::new("message.bad_text"));
        }
        let target = policy::judge(self.options(account), to)?.target;
        let message = MessageId(self.next_message);
        self.keep(Message {
            id: message,
            account,
            direction: Direction::Outgoing,
            peer: Peer { name: None, address: target.clone(), uri: String::new() },
            text: text.clone(),
            at: now.wall,
            delivery: Delivery::Sending,
        });
        self.tell_sip(SipCommand::Message { account, message, target, text });
        Ok(())
    }

    /// A message to the team lead.
    pub(super) fn help(&mut self, now: Now, id: CallId, text: String) -> Result<(), Text> {
        let account = self.commanded(id, Action::Help)?.call.account;
        let lead = self.options(account).help_to.clone().ok_or_else(|| Text::new("command.not_now"))?;
        self.message(now, account, &lead, text)
    }

    fn keep(&mut self, message: Message) {
        self.next_message += 1;
        if self.messages.len() >= MAX_MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
        self.change(Change::Messages);
    }

    pub(super) fn message_received(&mut self, now: Now, account: AccountId, peer: Peer, text: String) {
        if !self.accounts.contains_key(&account) {
            return;
        }
        let (id, direction, at) = (MessageId(self.next_message), Direction::Incoming, now.wall);
        self.keep(Message { id, account, direction, peer, text, at, delivery: Delivery::Received });
    }

    pub(super) fn message_sent(&mut self, id: MessageId, result: Result<(), Text>) {
        if let Some(message) = self.messages.iter_mut().find(|m| m.id == id && m.delivery == Delivery::Sending) {
            message.delivery = match result {
                Ok(()) => Delivery::Sent,
                Err(text) => Delivery::Failed(text),
            };
            self.change(Change::Messages);
        }
    }
}
