//! Which challenges an account answers (RFC 3261 22, RFC 8760), so that its password is proved to its own PBX only.
//!
//! - Only in requests to the account's own next hop; the caller of this module sees to that.
//! - The realms of the first success are pinned: another realm afterwards is not answered.
//! - A realm that once offered SHA-256 is never answered with MD5 again.
//! - A challenge that comes again right after its answer, not stale, means that the password is wrong.

use crate::{
    config::AccountConfig,
    digest::{Algorithm, Asked, Challenge, authorization},
    text::{Request, Response},
};

/// Most realms that an unpinned account keeps.
const MAX_REALMS: usize = 8;
/// Most challenges answered for one request: proxy and registrar, each with one stale nonce.
const MAX_ROUNDS: usize = 4;

/// Why a challenge is not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    WrongPassword,
    RealmChanged,
    /// Nothing in it that we accept.
    Unacceptable,
}

#[derive(Clone, Debug)]
struct Realm {
    /// From a 407: answered in Proxy-Authorization.
    proxy: bool,
    challenge: Challenge,
    /// How often the nonce was used.
    count: u32,
    sha256_seen: bool,
}

/// What an account knows of those who challenge it.
#[derive(Default, Debug)]
pub struct Credentials {
    realms: Vec<Realm>,
    pinned: bool,
}

/// The challenges answered so far for one request.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Rounds {
    answered: Vec<String>,
}

impl Credentials {
    /// Takes the challenges of a 401 or 407. `Ok` means: send the request again, with `authorize`.
    pub fn challenged(
        &mut self,
        config: &AccountConfig,
        response: &Response,
        rounds: &mut Rounds,
    ) -> Result<(), Refusal> {
        let proxy = response.status == 407;
        let name = if proxy { "Proxy-Authenticate" } else { "WWW-Authenticate" };
        let mut challenges: Vec<Challenge> = Vec::new();
        for value in response.headers.all(name) {
            challenges.extend(Challenge::parse_all(&value));
        }
        // Strongest first, so that each realm is answered once, with SHA-256 where it is to be had.
        challenges.sort_by_key(|c| std::cmp::Reverse(c.algorithm));
        if challenges.is_empty() {
            return Err(Refusal::Unacceptable);
        }
        if config.password.is_none() || rounds.answered.len() >= MAX_ROUNDS {
            return Err(Refusal::WrongPassword);
        }
        let mut refusal = Refusal::Unacceptable;
        let mut done: Vec<String> = Vec::new();
        for challenge in challenges {
            if done.contains(&challenge.realm) {
                continue;
            }
            if rounds.answered.contains(&challenge.realm) && !challenge.stale {
                return Err(Refusal::WrongPassword);
            }
            match self.accept(proxy, &challenge) {
                Ok(()) => done.push(challenge.realm),
                Err(why) => refusal = why,
            }
        }
        if done.is_empty() {
            return Err(refusal);
        }
        rounds.answered.extend(done);
        Ok(())
    }

    fn accept(&mut self, proxy: bool, challenge: &Challenge) -> Result<(), Refusal> {
        let sha256 = challenge.algorithm == Algorithm::Sha256;
        let known = self.realms.iter_mut().find(|r| r.challenge.realm == challenge.realm && r.proxy == proxy);
        match known {
            Some(realm) => {
                if realm.sha256_seen && !sha256 {
                    return Err(Refusal::Unacceptable);
                }
                realm.sha256_seen |= sha256;
                realm.count = 0;
                realm.challenge = challenge.clone();
            }
            None => {
                // A PBX that challenges with 401 and with 407 has one realm: that is no change.
                let same = self.realms.iter().find(|r| r.challenge.realm == challenge.realm);
                if self.pinned && same.is_none() {
                    return Err(Refusal::RealmChanged);
                }
                if same.is_some_and(|r| r.sha256_seen) && !sha256 || self.realms.len() >= MAX_REALMS {
                    return Err(Refusal::Unacceptable);
                }
                let realm = Realm { proxy, challenge: challenge.clone(), count: 0, sha256_seen: sha256 };
                self.realms.push(realm);
            }
        }
        Ok(())
    }

    /// The request succeeded: from now on only the realms answered on the way there are answered.
    pub fn succeeded(&mut self, rounds: &Rounds) {
        if !self.pinned && !rounds.answered.is_empty() {
            self.realms.retain(|r| rounds.answered.contains(&r.challenge.realm));
            self.pinned = true;
        }
    }

    /// Puts the answers to all challenges known into a request, in place of those it has. Before the first success
    /// only what this request was asked for is answered; afterwards the last nonce saves a round trip.
    pub fn authorize(&mut self, config: &AccountConfig, rounds: &Rounds, request: &mut Request, cnonce: &str) {
        request.headers.remove("Authorization");
        request.headers.remove("Proxy-Authorization");
        let Some(password) = &config.password else { return };
        let pinned = self.pinned;
        for realm in &mut self.realms {
            if !pinned && !rounds.answered.contains(&realm.challenge.realm) {
                continue;
            }
            realm.count += 1;
            let asked = Asked {
                user: config.auth_user.as_deref().unwrap_or(&config.user),
                password: &password.0,
                method: request.method.as_str(),
                uri: &request.uri.clone(),
                cnonce,
                count: realm.count,
            };
            let name = if realm.proxy { "Proxy-Authorization" } else { "Authorization" };
            request.headers.push(name, authorization(&realm.challenge, &asked));
        }
    }
}
