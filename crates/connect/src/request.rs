//! From a description and values to a request, and the same request for a person to read, without its secrets.

use crate::{
    Named,
    description::{Auth, Description, FieldKind},
    sign::sign,
    template::{Place, Template},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hatif_core::text::Text;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Bytes of what is sent at most.
const MAX_BODY: usize = 500_000;
/// What stands for a secret where a person reads.
const HIDDEN: &str = "***";

/// A request as the file has it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShapeFile {
    method: String,
    url: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    form: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

/// A request with its templates.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    method: &'static str,
    url: Template,
    query: BTreeMap<String, Template>,
    headers: BTreeMap<String, Template>,
    body: Body,
    /// What an answer holds that says "no" with a status that says "yes".
    pub error: Option<serde_json_path::JsonPath>,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(Piece),
    Form(BTreeMap<String, Template>),
}

/// JSON whose texts are templates.
#[derive(Clone, Debug)]
enum Piece {
    Is(Value),
    Text(Template),
    List(Vec<Piece>),
    Object(Vec<(String, Piece)>),
}

/// Levels of JSON in a template at most.
const DEEPEST: usize = 32;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

impl Shape {
    /// `template` checks one text; the name is its place in the request. `Err(None)`: not a method or path of ours.
    pub fn new(
        file: ShapeFile,
        template: &mut dyn FnMut(&str, &str) -> Result<Template, Text>,
    ) -> Result<Shape, Option<Text>> {
        let method = METHODS.into_iter().find(|method| *method == file.method).ok_or(None)?;
        let url = template("url", &file.url)?;
        let mut all = |place: &str, texts: BTreeMap<String, String>| {
            let one = |(name, text): (String, String)| {
                let filled = template(&format!("{place}.{name}"), &text)?;
                Ok((name, filled))
            };
            texts.into_iter().map(one).collect::<Result<BTreeMap<_, _>, Text>>()
        };
        let query = all("query", file.query)?;
        let headers = all("headers", file.headers)?;
        let body = match (file.json, file.form) {
            (Some(json), None) => Body::Json(Piece::new(json, template, DEEPEST)?),
            (None, Some(form)) => Body::Form(all("form", form)?),
            (None, None) => Body::None,
            (Some(_), Some(_)) => return Err(None),
        };
        let error = file.error.map(|text| serde_json_path::JsonPath::parse(&text)).transpose();
        let error = error
            .map_err(|error| Text::new("connector.bad_path").with("at", "error").with("detail", error.to_string()))?;
        Ok(Shape { method, url, query, headers, body, error })
    }
}

impl Piece {
    fn new(
        value: Value,
        template: &mut dyn FnMut(&str, &str) -> Result<Template, Text>,
        deep: usize,
    ) -> Result<Piece, Option<Text>> {
        let deeper = deep.checked_sub(1).ok_or(None)?;
        Ok(match value {
            Value::String(text) => Piece::Text(template("json", &text)?),
            Value::Array(items) => {
                Piece::List(items.into_iter().map(|item| Piece::new(item, template, deeper)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let one = |(name, value)| Ok((name, Piece::new(value, template, deeper)?));
                Piece::Object(members.into_iter().map(one).collect::<Result<_, Option<Text>>>()?)
            }
            other => Piece::Is(other),
        })
    }

    /// A member that is one placeholder with nothing in it is left out.
    fn fill(&self, values: &Named) -> Option<Value> {
        match self {
            Piece::Is(value) => Some(value.clone()),
            Piece::List(items) => Some(items.iter().filter_map(|item| item.fill(values)).collect()),
            Piece::Object(members) => {
                let filled = members.iter().filter_map(|(name, piece)| Some((name.clone(), piece.fill(values)?)));
                Some(Value::Object(filled.collect::<Map<_, _>>()))
            }
            Piece::Text(template) => {
                let text = template.fill(values, Place::Plain, &[]);
                match template.only() {
                    Some(_) if text.is_empty() => None,
                    Some((_, true)) => serde_json::from_str(&text).ok().filter(Value::is_number),
                    _ => Some(Value::String(text)),
                }
            }
        }
    }
}

/// What fills a description's templates.
#[derive(Clone, Default)]
pub struct Values {
    /// What the user gave, secrets too.
    pub fields: Named,
    /// What is told, or looked up.
    pub told: Named,
}

/// What is sent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub method: &'static str,
    pub url: url::Url,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
}

/// What is sent, for a person: no secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// `GET`
    pub method: String,
    /// With its query.
    pub url: String,
    /// By their names.
    pub headers: Vec<(String, String)>,
    /// Empty where there is none.
    pub body: String,
}

/// What a request is built with beside its shape.
pub(crate) struct Dress<'a> {
    pub description: &'a Description,
    pub values: &'a Values,
    /// Of an earlier login.
    pub token: Option<&'a str>,
    /// Whether this is the login itself, which has no token yet.
    pub login: bool,
    /// Unix time, for the signature.
    pub at: u64,
    pub signed: bool,
}

/// # Errors
/// `connector.bad_address`: the user's address makes no URL.
pub(crate) fn build(shape: &Shape, dress: &Dress) -> Result<Request, Text> {
    let Dress { description, values, .. } = dress;
    let mut all = values.told.clone();
    all.extend(values.fields.clone());
    let addresses: Vec<&str> = (description.fields.iter())
        .filter(|field| field.kind == FieldKind::Address)
        .map(|field| field.name.as_str())
        .collect();
    let bad = || Text::new("connector.bad_address");
    let mut url = url::Url::parse(&shape.url.fill(&all, Place::Url, &addresses)).map_err(|_| bad())?;
    if url.host_str().is_none_or(str::is_empty) || !url.username().is_empty() || url.password().is_some() {
        return Err(bad());
    }
    url.set_fragment(None);
    for (name, template) in &shape.query {
        url.query_pairs_mut().append_pair(name, &template.fill(&all, Place::Plain, &[]));
    }
    let mut headers: Vec<(String, String)> = vec![("Accept".into(), "application/json".into())];
    let (kind, body) = match &shape.body {
        Body::None => (None, None),
        Body::Json(piece) => {
            let json = piece.fill(&all).unwrap_or_default();
            (Some("application/json"), Some(json.to_string().into_bytes()))
        }
        Body::Form(form) => {
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in form {
                text.append_pair(name, &value.fill(&all, Place::Plain, &[]));
            }
            (Some("application/x-www-form-urlencoded"), Some(text.finish().into_bytes()))
        }
    };
    if body.as_ref().is_some_and(|body| body.len() > MAX_BODY) {
        return Err(Text::new("connector.too_much"));
    }
    headers.extend(kind.map(|kind| ("Content-Type".to_owned(), kind.to_owned())));
    let own = description.headers.iter().chain(&shape.headers);
    headers.extend(own.map(|(name, value)| (name.clone(), value.fill(&all, Place::Header, &[]))));
    if !dress.login {
        headers.extend(authorization(dress, &all));
    }
    if let (true, Some(webhook)) = (dress.signed, &description.webhook)
        && let Some((header, secret)) = &webhook.sign
    {
        let secret = all.get(secret).map(String::as_str).unwrap_or_default();
        headers.push((header.clone(), sign(secret, dress.at, body.as_deref().unwrap_or_default())));
    }
    Ok(Request { method: shape.method, url, headers, body })
}

fn authorization(dress: &Dress, all: &Named) -> Option<(String, String)> {
    match &dress.description.auth {
        Auth::None => None,
        Auth::Header(name, value) => Some((name.clone(), value.fill(all, Place::Header, &[]))),
        Auth::Basic(user, password) => {
            let pair = format!("{}:{}", user.fill(all, Place::Plain, &[]), password.fill(all, Place::Plain, &[]));
            Some(("Authorization".into(), format!("Basic {}", STANDARD.encode(pair))))
        }
        Auth::Login(login) => {
            let token = Named::from([("token".to_owned(), dress.token?.to_owned())]);
            Some((login.header.clone(), login.value.fill(&token, Place::Header, &[])))
        }
    }
}

/// The request for a person: built with what stands for the secrets.
pub(crate) fn preview(shape: &Shape, dress: &Dress) -> Option<Preview> {
    let mut values = dress.values.clone();
    for field in dress.description.fields.iter().filter(|field| field.kind == FieldKind::Secret) {
        values.fields.insert(field.name.clone(), HIDDEN.to_owned());
    }
    let request = build(shape, &Dress { values: &values, token: None, ..*dress }).ok()?;
    let hidden = matches!(dress.description.auth, Auth::Basic(..) | Auth::Header(..));
    let headers = request.headers.into_iter().map(|(name, value)| {
        let secret = hidden && matches!(&dress.description.auth, Auth::Header(own, _) if *own == name)
            || name == "Authorization";
        if secret { (name, HIDDEN.to_owned()) } else { (name, value) }
    });
    Some(Preview {
        method: request.method.to_owned(),
        headers: headers.collect(),
        url: request.url.to_string(),
        body: String::from_utf8_lossy(&request.body.unwrap_or_default()).into_owned(),
    })
}
