//! HTTP digest as SIP uses it (RFC 3261 22, RFC 7616, RFC 8760): reading challenges, choosing one, answering it; and,
//! for the small registrar, checking an answer.
//!
//! `auth-int` is not chosen, Basic never answered. SHA-256 goes before MD5.

use crate::text::{Params, quote, split_list};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use std::fmt::Write as _;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    pub fn token(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String does not fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// A Digest challenge that we can answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    /// Whether the algorithm was named: it is named in the answer then, too.
    pub algorithm_named: bool,
    /// Whether `qop=auth` is offered; without any qop the old form of RFC 2069 is used.
    pub qop_auth: bool,
    pub stale: bool,
}

impl Challenge {
    /// Every challenge of one WWW-Authenticate or Proxy-Authenticate value that we could answer. Several may stand in
    /// one value, each starting with its scheme.
    pub fn parse_all(value: &str) -> Vec<Challenge> {
        let mut groups: Vec<(String, String)> = Vec::new();
        for item in split_list(value) {
            // `Digest realm="x"` starts a challenge; `nonce="y"` goes on with it.
            let head = item.split('=').next().unwrap_or_default().trim_end();
            match head.split_once([' ', '\t']) {
                Some((scheme, _)) => groups.push((scheme.to_string(), item[scheme.len()..].trim().to_string())),
                None if !item.contains('=') => groups.push((item.to_string(), String::new())),
                None => {
                    if let Some((_, params)) = groups.last_mut() {
                        params.push(';');
                        params.push_str(item);
                    }
                }
            }
        }
        let digests = groups.into_iter().filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Digest"));
        digests.filter_map(|(_, params)| Self::from_params(&Params::parse(&params))).collect()
    }

    fn from_params(params: &Params) -> Option<Self> {
        let algorithm = params.get("algorithm").map(unquote);
        let known = match algorithm.as_deref() {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let qop = params.get("qop").map(unquote);
        let qop_auth = qop.as_deref().is_some_and(|q| q.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
        if qop.is_some() && !qop_auth {
            return None;
        }
        Some(Challenge {
            realm: unquote(params.get("realm")?),
            nonce: unquote(params.get("nonce")?),
            opaque: params.get("opaque").map(unquote),
            algorithm: known,
            algorithm_named: algorithm.is_some(),
            qop_auth,
            stale: params.get("stale").is_some_and(|s| unquote(s).eq_ignore_ascii_case("true")),
        })
    }
}

/// A quoted string's text; anything else as it is.
fn unquote(text: &str) -> String {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"').map(|t| t.strip_suffix('"').unwrap_or(t)) else { return text.to_string() };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

/// What the answer is made of beside the challenge.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub user: &'a str,
    pub password: &'a str,
    pub method: &'a str,
    /// The Request-URI exactly as it is sent.
    pub uri: &'a str,
    pub cnonce: &'a str,
    /// How often this nonce has been used, this time included.
    pub count: u32,
}

/// The `response` value (RFC 7616 3.4.1).
fn response(algorithm: Algorithm, realm: &str, nonce: &str, qop: bool, asked: &Asked<'_>) -> String {
    let a1 = algorithm.hash(&format!("{}:{realm}:{}", asked.user, asked.password));
    let a2 = algorithm.hash(&format!("{}:{}", asked.method, asked.uri));
    if qop {
        algorithm.hash(&format!("{a1}:{nonce}:{:08x}:{}:auth:{a2}", asked.count, asked.cnonce))
    } else {
        algorithm.hash(&format!("{a1}:{nonce}:{a2}"))
    }
}

/// The value of the Authorization or Proxy-Authorization header.
pub fn authorization(challenge: &Challenge, asked: &Asked<'_>) -> String {
    let Challenge { realm, nonce, algorithm, qop_auth, .. } = challenge;
    let mut out = format!(
        "Digest username={}, realm={}, nonce={}, uri=\"{}\", response=\"{}\"",
        quote(asked.user),
        quote(realm),
        quote(nonce),
        asked.uri,
        response(*algorithm, realm, nonce, *qop_auth, asked)
    );
    if challenge.algorithm_named {
        out.push_str(&format!(", algorithm={}", algorithm.token()));
    }
    if *qop_auth {
        out.push_str(&format!(", cnonce=\"{}\", qop=auth, nc={:08x}", asked.cnonce, asked.count));
    }
    if let Some(opaque) = &challenge.opaque {
        out.push_str(&format!(", opaque={}", quote(opaque)));
    }
    out
}

/// An answer as a registrar sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub user: String,
    pub realm: String,
    pub nonce: String,
    params: Params,
}

impl Answer {
    /// Reads an Authorization value.
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, params) = value.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let params = Params::parse(&split_list(params).collect::<Vec<_>>().join(";"));
        let get = |name: &str| params.get(name).map(unquote);
        Some(Answer { user: get("username")?, realm: get("realm")?, nonce: get("nonce")?, params })
    }

    /// Whether it was made with that password for that method. Only `qop=auth` is taken.
    pub fn knows(&self, password: &str, method: &str) -> bool {
        let get = |name: &str| self.params.get(name).map(unquote).unwrap_or_default();
        let algorithm = match get("algorithm").to_ascii_uppercase().as_str() {
            "" | "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            _ => return false,
        };
        let Ok(count) = u32::from_str_radix(&get("nc"), 16) else { return false };
        let (uri, cnonce) = (get("uri"), get("cnonce"));
        let asked = Asked { user: &self.user, password, method, uri: &uri, cnonce: &cnonce, count };
        get("qop") == "auth" && response(algorithm, &self.realm, &self.nonce, true, &asked) == get("response")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 3.5 (the same example in RFC 7616 has another password).
    #[test]
    fn rfc_2617_example() {
        let value = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let challenge = &Challenge::parse_all(value)[0];
        let asked = Asked {
            user: "Mufasa",
            password: "Circle Of Life",
            method: "GET",
            uri: "/dir/index.html",
            cnonce: "0a4f113b",
            count: 1,
        };
        let answer = authorization(challenge, &asked);
        assert!(answer.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{answer}");
        assert!(answer.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""), "{answer}");
        assert!(answer.contains("qop=auth, nc=00000001"), "{answer}");
        assert!(!answer.contains("algorithm"), "{answer}");
    }

    /// RFC 7616 3.9.1: MD5 and SHA-256 side by side.
    #[test]
    fn rfc_7616_example() {
        let rest = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let value = format!("Digest {rest}, algorithm=SHA-256, Digest {rest}, algorithm=MD5, Basic realm=\"x\"");
        let challenges = Challenge::parse_all(&value);
        assert_eq!(challenges.len(), 2);
        let expected =
            ["753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", "8ca523f5e9506fed4657c9700eebdbec"];
        for (challenge, expected) in challenges.iter().zip(expected) {
            let asked = Asked {
                user: "Mufasa",
                password: "Circle of Life",
                method: "GET",
                uri: "/dir/index.html",
                cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                count: 1,
            };
            let answer = authorization(challenge, &asked);
            assert!(answer.contains(&format!("response=\"{expected}\"")), "{answer}");
            let read = Answer::parse(&answer).expect("answer");
            assert!(read.knows("Circle of Life", "GET"));
            assert!(!read.knows("circle of life", "GET"));
            assert!(!read.knows("Circle of Life", "INVITE"));
        }
    }

    /// RFC 2069 form: no qop. The vector is computed from its definition with the RFC 2617 names.
    #[test]
    fn without_qop_the_old_form() {
        let challenge = &Challenge::parse_all("digest realm=r, nonce=n")[0];
        let asked = Asked { user: "u", password: "p", method: "REGISTER", uri: "sip:r", cnonce: "c", count: 1 };
        let a1 = hex(&Md5::digest("u:r:p"));
        let a2 = hex(&Md5::digest("REGISTER:sip:r"));
        let answer = authorization(challenge, &asked);
        assert!(answer.contains(&hex(&Md5::digest(format!("{a1}:n:{a2}")))), "{answer}");
        assert!(!answer.contains("qop") && !answer.contains("nc="), "{answer}");
    }

    #[test]
    fn what_we_do_not_answer() {
        for value in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"",
            "Digest realm=\"x\", nonce=\"n\", algorithm=MD5-sess",
            "Digest realm=\"x\"",
            "Digest",
            "",
            ",,=,\"",
        ] {
            assert_eq!(Challenge::parse_all(value), [], "{value}");
        }
    }
}
