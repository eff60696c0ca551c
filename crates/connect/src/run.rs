//! What is done with a connector: look up, send, try out. Each takes the requests that it takes, a login before them where
//! there is no token yet or the old one has run out.

use crate::{
    Named,
    answer::{self, Record},
    client::{Answer, Client, Kind, Trouble, words},
    description::{Action, Auth, Description, FieldKind},
    request::{Dress, Preview, Request, Shape, Values, build, preview},
    template::Place,
};
use hatif_core::text::Text;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// Characters of an answer that a person is shown.
const SHOWN: usize = 4_000;

/// How a connector is reached: its description, what the user gave, a client, and the token of the last login.
#[derive(Clone)]
pub struct Access {
    /// The parsed file.
    pub description: std::sync::Arc<Description>,
    /// Secrets too.
    pub fields: Named,
    /// Its connections.
    pub client: Client,
    /// Of the last login, where there is one.
    pub token: Option<String>,
}

/// What a look-up brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Nobody, one or several.
    pub records: Vec<Record>,
    /// To be kept for the next request.
    pub token: Option<String>,
}

/// What became of something that was to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The id of what came of it there, where the description says where it is.
    pub id: Option<String>,
    /// It had been there already.
    pub before: bool,
    /// To be kept for the next request.
    pub token: Option<String>,
}

/// What a trial showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What was sent last.
    pub request: Option<Preview>,
    /// The answer's beginning.
    pub answer: String,
    /// Records, or why there are none.
    pub result: Result<Vec<Record>, Trouble>,
    /// To be kept for the next request.
    pub token: Option<String>,
}

/// Who has this number. `told` holds its forms: `number` is set to each of the description's in turn, until somebody is
/// found.
///
/// # Errors
/// Why it is not known.
pub fn look_up(access: &mut Access, told: &Named) -> Result<Found, Trouble> {
    let mut records = Vec::new();
    for told in forms(&access.description, told) {
        let answer = access.ask(Which::Lookup, &told, false)?;
        records = access.records(&answer, &told);
        if !records.is_empty() {
            break;
        }
    }
    Ok(Found { records, token: access.token.clone() })
}

/// Tells of something. `again`: it may have been told before; then it is looked for first, where the description says how.
///
/// # Errors
/// Why it was not, or perhaps not, told.
pub fn send(access: &mut Access, action: Action, told: &Named, again: bool) -> Result<Sent, Trouble> {
    let description = access.description.clone();
    let Some(deed) = description.actions.get(&action) else {
        return Err(Trouble { text: Text::new("connector.cannot"), kind: Kind::Refused });
    };
    if again {
        match &deed.find {
            Some((_, id)) => {
                let answer = access.ask(Which::Find(action), told, false)?;
                let id = id.text(&answer.json);
                if !id.is_empty() {
                    return Ok(Sent { id: Some(id), before: true, token: access.token.clone() });
                }
            }
            None if deed.idempotent => {}
            None => return Err(Trouble { text: Text::new("connector.unsure"), kind: Kind::Unsure }),
        }
    }
    let answer = access.ask(Which::Do(action), told, action == Action::Webhook)?;
    let id = deed.id.as_ref().map(|id| id.text(&answer.json)).filter(|id| !id.is_empty());
    Ok(Sent { id, before: false, token: access.token.clone() })
}

/// Looks a number up and shows what was asked and answered.
pub fn try_out(access: &mut Access, told: &Named) -> Tried {
    let mut tried = Tried { request: None, answer: String::new(), result: Ok(Vec::new()), token: None };
    for told in forms(&access.description, told) {
        tried.request = access.preview(Which::Lookup, &told);
        match access.ask(Which::Lookup, &told, false) {
            Ok(answer) => {
                let pretty = serde_json::to_string_pretty(&answer.json).unwrap_or_default();
                tried.answer = pretty.chars().take(SHOWN).collect();
                tried.result = Ok(access.records(&answer, &told));
            }
            Err(trouble) => tried.result = Err(trouble),
        }
        if !matches!(&tried.result, Ok(records) if records.is_empty()) {
            break;
        }
    }
    tried.token = access.token.clone();
    tried
}

/// The address of a record's page: https, on the host of the connector, or on the one that the file names.
pub fn opened(description: &Description, fields: &Named, record: &Record) -> Option<String> {
    let template = description.lookup.as_ref()?.open.as_ref()?;
    let addresses: Vec<&str> = description
        .fields
        .iter()
        .filter(|field| field.kind == FieldKind::Address)
        .map(|field| field.name.as_str())
        .collect();
    let mut values = Named::new();
    let open = |field: &&crate::Field| field.kind != FieldKind::Secret;
    values.extend(
        description
            .fields
            .iter()
            .filter(open)
            .filter_map(|field| Some((field.name.clone(), fields.get(&field.name)?.clone()))),
    );
    values.extend(
        [("id", &record.id), ("name", &record.name), ("email", &record.email), ("company", &record.company)]
            .map(|(name, value)| (name.to_owned(), value.clone())),
    );
    let url = url::Url::parse(&template.fill(&values, Place::Url, &addresses)).ok()?;
    let plain = description.network == crate::Network::Loopback && url.scheme() == "http";
    let clean =
        url.username().is_empty() && url.password().is_none() && url.host_str().is_some_and(|host| !host.is_empty());
    (clean && !record.id.is_empty() && (url.scheme() == "https" || plain)).then(|| url.to_string())
}

/// `told` once for each form of the number that the description asks with; a form twice is asked once.
fn forms(description: &Description, told: &Named) -> Vec<Named> {
    let mut asked: Vec<String> = Vec::new();
    let forms = description.forms().iter().filter_map(|form| told.get(form)).filter(|form| !form.is_empty());
    for form in forms {
        if !asked.contains(form) {
            asked.push(form.clone());
        }
    }
    let with = |form: String| {
        let mut told = told.clone();
        // What the records' numbers are compared with, whatever form is asked with.
        let whole = told.insert("number".into(), form);
        told.insert("e164".into(), whole.unwrap_or_default());
        told
    };
    asked.into_iter().map(with).collect()
}

#[derive(Clone, Copy)]
enum Which {
    Login,
    Lookup,
    Find(Action),
    Do(Action),
}

impl Access {
    fn shape(&self, which: Which) -> Option<&Shape> {
        match which {
            Which::Login => match &self.description.auth {
                Auth::Login(login) => Some(&login.shape),
                _ => None,
            },
            Which::Lookup => self.description.lookup.as_ref().map(|lookup| &lookup.shape),
            Which::Find(action) => self.description.actions.get(&action)?.find.as_ref().map(|(shape, _)| shape),
            Which::Do(action) => self.description.actions.get(&action).map(|deed| &deed.shape),
        }
    }

    fn records(&self, answer: &Answer, told: &Named) -> Vec<Record> {
        let numbers: Vec<&str> = ["number", "digits", "national", "e164"]
            .iter()
            .filter_map(|form| told.get(*form))
            .map(String::as_str)
            .collect();
        self.description
            .lookup
            .as_ref()
            .map(|lookup| answer::records(lookup, &answer.json, &numbers))
            .unwrap_or_default()
    }

    fn preview(&self, which: Which, told: &Named) -> Option<Preview> {
        let values = Values { fields: self.fields.clone(), told: told.clone() };
        preview(self.shape(which)?, &self.dress(which, &values, false))
    }

    fn dress<'a>(&'a self, which: Which, values: &'a Values, signed: bool) -> Dress<'a> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let login = matches!(which, Which::Login);
        Dress { description: &self.description, values, token: self.token.as_deref(), login, at, signed }
    }

    fn built(&self, which: Which, told: &Named, signed: bool) -> Result<Request, Trouble> {
        let refused = |text| Trouble { text, kind: Kind::Refused };
        let shape = self.shape(which).ok_or_else(|| refused(Text::new("connector.cannot")))?;
        let values = Values { fields: self.fields.clone(), told: told.clone() };
        build(shape, &self.dress(which, &values, signed)).map_err(refused)
    }

    /// One answer. A token that has run out is had anew, once.
    fn ask(&mut self, which: Which, told: &Named, signed: bool) -> Result<Answer, Trouble> {
        let logs_in = matches!(self.description.auth, Auth::Login(_));
        let fresh = logs_in && self.token.is_none();
        if fresh {
            self.log_in()?;
        }
        let first = self.once(which, told, signed);
        if logs_in && !fresh && matches!(&first, Err(trouble) if trouble.kind == Kind::SignIn) {
            self.token = None;
            self.log_in()?;
            return self.once(which, told, signed);
        }
        first
    }

    fn once(&self, which: Which, told: &Named, signed: bool) -> Result<Answer, Trouble> {
        let answer = self.client.ask(&self.built(which, told, signed)?)?;
        let error = self.shape(which).and_then(|shape| shape.error.as_ref());
        let said = error
            .and_then(|path| path.query(&answer.json).first())
            .filter(|said| !matches!(said, Value::Null | Value::Bool(false)));
        match said {
            None => Ok(answer),
            Some(said) => {
                let text = Text::new("connector.refused_because").with("status", answer.status.to_string());
                Err(Trouble { text: text.with("detail", words(said)), kind: Kind::Refused })
            }
        }
    }

    fn log_in(&mut self) -> Result<(), Trouble> {
        let description = self.description.clone();
        let Auth::Login(login) = &description.auth else { return Ok(()) };
        let sign_in = || Trouble { text: Text::new("connector.sign_in"), kind: Kind::SignIn };
        // Whatever a login is refused with: it is the user who has to give something else.
        let answer = self.once(Which::Login, &Named::new(), false).map_err(|trouble| match trouble.kind {
            Kind::Refused if trouble.text.code.starts_with("connector.refused") => sign_in(),
            _ => trouble,
        })?;
        let token = login.token.text(&answer.json);
        if token.is_empty() {
            return Err(sign_in());
        }
        self.token = Some(token);
        Ok(())
    }
}
