//! The description of a connector: a JSON file that says how to ask a CRM who has a number, and how to tell it of a call.
//! Parsing checks all of it, so that what is wrong is said when it is added and not while somebody rings (docs/admin.md).

mod file;

use crate::{
    request::{Shape, ShapeFile},
    template::Template,
};
use file::{AuthFile, DeedFile, File, LookupFile, OnlyFile, WebhookFile};
use hatif_core::text::Text;
use serde::Deserialize;
use serde_json_path::JsonPath;
use std::{collections::BTreeMap, time::Duration};

/// Bytes of a file at most.
const MAX_FILE: usize = 200_000;
/// The version of the format.
const FORMAT: u32 = 1;

/// Values of every call, for everything that is told of it.
const OF_CALL: &[&str] = &[
    "number",
    "digits",
    "national",
    "name",
    "direction",
    "outcome",
    "started",
    "ended",
    "duration_s",
    "account",
    "queue",
    "disposition",
    "notes",
    "tags",
    "next_action",
    "recording",
    "contact",
    "external",
    "key",
    "subject",
    "text",
    "company",
    "email",
    "ticket",
    "status",
];
const OF_LOOKUP: &[&str] = &["number", "digits", "national"];
const OF_WEBHOOK: &[&str] = &["event", "at"];

/// A description that was parsed and checked.
#[derive(Clone, Debug)]
pub struct Description {
    /// What it connects with.
    pub name: String,
    /// Where the interface is documented.
    pub documents: Option<String>,
    /// What it was tried with, and when. None: unverified, and the application says so.
    pub tested: Option<String>,
    /// Which addresses it may talk to.
    pub network: Network,
    /// For one answer.
    pub timeout: Duration,
    /// What the user has to give.
    pub fields: Vec<Field>,
    /// How it says who asks.
    pub auth: Auth,
    pub(crate) headers: BTreeMap<String, Template>,
    pub(crate) lookup: Option<Lookup>,
    pub(crate) actions: BTreeMap<Action, Deed>,
    pub(crate) webhook: Option<Webhook>,
}

/// What a connector can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// That a call was.
    LogCall,
    /// That somebody is to be a contact there.
    CreateContact,
    /// That there is something to be done.
    CreateTicket,
    /// What became of it.
    UpdateTicket,
    /// A moment of a call, signed.
    Webhook,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 5] =
        [Action::LogCall, Action::CreateContact, Action::CreateTicket, Action::UpdateTicket, Action::Webhook];

    /// Its name in files and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Action::LogCall => "log_call",
            Action::CreateContact => "create_contact",
            Action::CreateTicket => "create_ticket",
            Action::UpdateTicket => "update_ticket",
            Action::Webhook => "webhook",
        }
    }

    /// The action of this name.
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// Which addresses may be talked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Those of the internet.
    #[default]
    Public,
    /// The company's too.
    Private,
    /// This computer too, and there without TLS: for tests.
    Loopback,
}

/// What the user gives: an address, a name, a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The placeholder's name.
    pub name: String,
    /// What it is called; without it the application has a word for the usual ones.
    #[serde(default)]
    pub label: Option<String>,
    /// What it is.
    #[serde(default)]
    pub kind: FieldKind,
    /// What stands there at first.
    #[serde(default)]
    pub default: String,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// `https://crm.example`: scheme, host and path at the beginning of a URL.
    Address,
    /// Kept in the keyring.
    Secret,
    /// Anything.
    #[default]
    Text,
}

/// How a request says who asks.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all.
    None,
    /// A header.
    Header(String, Template),
    /// RFC 7617.
    Basic(Template, Template),
    /// A request that brings a token (OAuth 2 client credentials and refresh are such), and the header that it goes into.
    Login(Box<Login>),
}

/// How a token is had.
#[derive(Clone, Debug)]
pub struct Login {
    pub(crate) shape: Shape,
    pub(crate) token: Only,
    pub(crate) header: String,
    pub(crate) value: Template,
}

#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub shape: Shape,
    /// Placeholders whose values `number` has one after the other, until somebody is found.
    pub forms: Vec<String>,
    pub each: JsonPath,
    pub map: RecordMap,
    pub open: Option<Template>,
}

/// Where in a record each value is.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordMap {
    pub texts: BTreeMap<String, Only>,
    /// Every number of the record: one whose numbers are others is not shown.
    pub numbers: Option<JsonPath>,
    pub facts: Vec<(String, Only)>,
}

/// A value out of JSON: by one path, or by several with a space between.
#[derive(Clone, Debug)]
pub struct Only(pub(crate) Vec<JsonPath>);

#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub shape: Shape,
    /// The id of what came of it.
    pub id: Option<Only>,
    /// Whether it is there already, by our own id: asked before it is sent again.
    pub find: Option<(Shape, Only)>,
    /// The same `{key}` twice makes one.
    pub idempotent: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub on: Vec<Moment>,
    /// The header of the signature, and the field with its secret.
    pub sign: Option<(String, String)>,
}

/// A moment of a call of which others can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// It rings, here or there.
    Ring,
    /// Somebody answered.
    Answer,
    /// It is over.
    End,
    /// What came of it was written down.
    WrapUp,
}

impl Moment {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Ring => "ring",
            Moment::Answer => "answer",
            Moment::End => "end",
            Moment::WrapUp => "wrap_up",
        }
    }
}

/// Values of a record that the card knows.
pub(crate) const RECORD: &[&str] = &["id", "name", "company", "email", "stage", "owner", "notes"];

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// `connector.too_long`; `connector.unreadable` (`detail`: serde's words, with line and column);
    /// `connector.other_format` (`format`); `connector.bad_field`, `connector.bad_template`, `connector.bad_path`,
    /// `connector.bad_url`, `connector.unknown_value` (`at`: where in the file; `detail`: what); `connector.idle`: it can
    /// neither look up nor be told anything.
    pub fn parse(text: &str) -> Result<Description, Text> {
        if text.len() > MAX_FILE {
            return Err(Text::new("connector.too_long"));
        }
        let file: File = serde_json::from_str(text)
            .map_err(|error| Text::new("connector.unreadable").with("detail", error.to_string()))?;
        if file.hatif_connector != FORMAT {
            return Err(Text::new("connector.other_format").with("format", file.hatif_connector.to_string()));
        }
        Check { fields: &file.fields, network: file.network }.fields()?;
        let fields = file.fields.clone();
        let check = Check { fields: &fields, network: file.network };
        check.whole(file)
    }

    /// Whether it can say who has a number.
    pub fn looks_up(&self) -> bool {
        self.lookup.is_some()
    }

    /// Whether it can be told this.
    pub fn does(&self, action: Action) -> bool {
        self.actions.contains_key(&action)
    }

    /// Whether it wants to be told of this moment.
    pub fn wants(&self, moment: Moment) -> bool {
        self.webhook.as_ref().is_some_and(|webhook| webhook.on.contains(&moment))
    }

    /// The placeholder forms of a number that look it up, in their order.
    pub fn forms(&self) -> &[String] {
        self.lookup.as_ref().map_or(&[], |lookup| &lookup.forms)
    }
}

/// What the parts of a file are checked against.
struct Check<'a> {
    fields: &'a [Field],
    network: Network,
}

impl Check<'_> {
    fn fields(&self) -> Result<(), Text> {
        let ours: Vec<&str> = OF_CALL.iter().chain(OF_WEBHOOK).chain(RECORD).chain(&["token"]).copied().collect();
        for (index, field) in self.fields.iter().enumerate() {
            let name = &field.name;
            let word =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            let token = name == "token" && field.kind == FieldKind::Secret;
            let twice = self.fields[..index].iter().any(|other| other.name == *name);
            if !word || twice || (ours.contains(&name.as_str()) && !token) {
                return Err(Text::new("connector.bad_field")
                    .with("at", format!("fields[{index}]"))
                    .with("detail", name));
            }
        }
        Ok(())
    }

    fn whole(&self, file: File) -> Result<Description, Text> {
        let mut actions = BTreeMap::new();
        let given = [
            (Action::LogCall, file.log_call),
            (Action::CreateContact, file.create_contact),
            (Action::CreateTicket, file.create_ticket),
            (Action::UpdateTicket, file.update_ticket),
        ];
        for (action, deed) in given.into_iter().filter_map(|(action, deed)| Some((action, deed?))) {
            actions.insert(action, self.deed(action.name(), deed)?);
        }
        let webhook = file.webhook.map(|webhook| self.webhook(webhook)).transpose()?;
        let webhook = webhook.map(|(webhook, deed)| {
            actions.insert(Action::Webhook, deed);
            webhook
        });
        let headers = file.headers.into_iter();
        let headers = headers
            .map(|(name, value)| Ok((name.clone(), self.template(&format!("headers.{name}"), &value, &[])?)))
            .collect::<Result<_, Text>>()?;
        let lookup = file.lookup.map(|lookup| self.lookup(lookup)).transpose()?;
        if lookup.is_none() && actions.is_empty() {
            return Err(Text::new("connector.idle"));
        }
        Ok(Description {
            name: hatif_core::customer::clean(&file.name, false),
            documents: file.documents,
            tested: file.tested,
            network: file.network,
            timeout: Duration::from_secs(file.timeout_s.unwrap_or(5).clamp(1, 30)),
            fields: self.fields.to_vec(),
            auth: self.auth(file.auth)?,
            headers,
            lookup,
            actions,
            webhook,
        })
    }

    fn auth(&self, auth: AuthFile) -> Result<Auth, Text> {
        Ok(match auth {
            AuthFile::None => Auth::None,
            AuthFile::Key { header, value } => Auth::Header(header, self.template("auth.value", &value, &[])?),
            AuthFile::Basic { user, password } => {
                Auth::Basic(self.template("auth.user", &user, &[])?, self.template("auth.password", &password, &[])?)
            }
            AuthFile::Bearer { token } => {
                Auth::Header("Authorization".into(), self.template("auth.token", &format!("Bearer {token}"), &[])?)
            }
            AuthFile::Login { request, token, header, value } => Auth::Login(Box::new(Login {
                shape: self.shape("auth.request", *request, &[])?,
                token: only("auth.token", token)?,
                header,
                value: self.template("auth.value", &value, &["token"])?,
            })),
        })
    }

    fn lookup(&self, file: LookupFile) -> Result<Lookup, Text> {
        let forms = if file.forms.is_empty() { vec!["number".to_owned()] } else { file.forms };
        if let Some(form) = forms.iter().find(|form| !OF_LOOKUP.contains(&form.as_str())) {
            return Err(unknown("lookup.forms", form));
        }
        let mut map = RecordMap::default();
        for (name, paths) in file.map {
            let at = format!("lookup.map.{name}");
            if !RECORD.contains(&name.as_str()) {
                return Err(unknown(&at, &name));
            }
            map.texts.insert(name, only(&at, paths)?);
        }
        map.numbers = file.numbers.map(|text| path("lookup.numbers", &text)).transpose()?;
        for (index, fact) in file.facts.into_iter().enumerate() {
            map.facts.push((fact.label, only(&format!("lookup.facts[{index}].value"), fact.value)?));
        }
        let open = file.open.map(|open| self.url("lookup.open", &open, RECORD)).transpose()?;
        Ok(Lookup {
            shape: self.shape("lookup.request", file.request, OF_LOOKUP)?,
            forms,
            each: path("lookup.each", &file.each)?,
            map,
            open,
        })
    }

    fn deed(&self, name: &str, file: DeedFile) -> Result<Deed, Text> {
        let find = file.find.map(|find| {
            let shape = self.shape(&format!("{name}.find.request"), find.request, OF_CALL)?;
            Ok::<_, Text>((shape, only(&format!("{name}.find.id"), find.id)?))
        });
        Ok(Deed {
            shape: self.shape(&format!("{name}.request"), file.request, OF_CALL)?,
            id: file.id.map(|id| only(&format!("{name}.id"), id)).transpose()?,
            find: find.transpose()?,
            idempotent: file.idempotent,
        })
    }

    fn webhook(&self, file: WebhookFile) -> Result<(Webhook, Deed), Text> {
        let known: Vec<&str> = OF_CALL.iter().chain(OF_WEBHOOK).copied().collect();
        let deed = Deed {
            shape: self.shape("webhook.request", file.request, &known)?,
            id: None,
            find: None,
            idempotent: true,
        };
        let sign = file.sign.map(|sign| {
            let secret = self.fields.iter().any(|field| field.name == sign.secret && field.kind == FieldKind::Secret);
            if secret { Ok((sign.header, sign.secret)) } else { Err(unknown("webhook.sign.secret", &sign.secret)) }
        });
        Ok((Webhook { on: file.on, sign: sign.transpose()? }, deed))
    }

    fn shape(&self, at: &str, file: ShapeFile, values: &[&str]) -> Result<Shape, Text> {
        Shape::new(file, &mut |name, text| {
            let at = format!("{at}.{name}");
            if name == "url" { self.url(&at, text, values) } else { self.template(&at, text, values) }
        })
        .map_err(|error| {
            error.unwrap_or_else(|| Text::new("connector.bad_url").with("at", at).with("detail", "method"))
        })
    }

    fn template(&self, at: &str, text: &str, values: &[&str]) -> Result<Template, Text> {
        let template = Template::parse(text)
            .map_err(|detail| Text::new("connector.bad_template").with("at", at).with("detail", detail))?;
        let known = |name: &&str| values.contains(name) || self.fields.iter().any(|field| field.name == **name);
        if let Some(name) = template.names().into_iter().find(|name| !known(name)) {
            return Err(unknown(at, name));
        }
        Ok(template)
    }

    /// Its host is the file's or the user's, never a caller's.
    fn url(&self, at: &str, text: &str, values: &[&str]) -> Result<Template, Text> {
        let template = self.template(at, text, values)?;
        let bad = || Text::new("connector.bad_url").with("at", at).with("detail", text);
        let addresses: Vec<&str> = self
            .fields
            .iter()
            .filter(|field| field.kind == FieldKind::Address)
            .map(|field| field.name.as_str())
            .collect();
        let from_field = addresses.iter().any(|name| template.begins_with(name));
        let plain = self.network == Network::Loopback && text.starts_with("http://");
        if !from_field && !text.starts_with("https://") && !plain {
            return Err(bad());
        }
        // Whatever the values are, the host is the same.
        let host = |value: &str| {
            let mut all: crate::Named =
                template.names().into_iter().map(|name| (name.to_owned(), value.to_owned())).collect();
            all.extend(addresses.iter().map(|name| ((*name).to_owned(), "https://crm.example".to_owned())));
            let filled = template.fill(&all, crate::template::Place::Url, &addresses);
            url::Url::parse(&filled)
                .ok()
                .filter(|url| url.username().is_empty() && url.password().is_none())?
                .host_str()
                .map(str::to_owned)
        };
        match (host("a"), host("b@c:9")) {
            (Some(one), Some(other)) if one == other => Ok(template),
            _ => Err(bad()),
        }
    }
}

fn unknown(at: &str, name: &str) -> Text {
    Text::new("connector.unknown_value").with("at", at).with("detail", name)
}

fn path(at: &str, text: &str) -> Result<JsonPath, Text> {
    JsonPath::parse(text)
        .map_err(|error| Text::new("connector.bad_path").with("at", at).with("detail", format!("{text}: {error}")))
}

fn only(at: &str, file: OnlyFile) -> Result<Only, Text> {
    file.0.iter().map(|text| path(at, text)).collect::<Result<_, _>>().map(Only)
}

#[cfg(test)]
mod tests;
