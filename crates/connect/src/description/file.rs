//! The file of a description as it is written; `description.rs` makes sense of it.

use super::{Field, Moment, Network};
use crate::request::ShapeFile;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub hatif_connector: u32,
    pub name: String,
    pub documents: Option<String>,
    pub tested: Option<String>,
    #[serde(default)]
    pub network: Network,
    pub timeout_s: Option<u64>,
    #[serde(default)]
    pub fields: Vec<Field>,
    #[serde(default)]
    pub auth: AuthFile,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub lookup: Option<LookupFile>,
    pub log_call: Option<DeedFile>,
    pub create_contact: Option<DeedFile>,
    pub create_ticket: Option<DeedFile>,
    pub update_ticket: Option<DeedFile>,
    pub webhook: Option<WebhookFile>,
}

#[derive(Deserialize, Default)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthFile {
    #[default]
    None,
    Key {
        header: String,
        value: String,
    },
    Basic {
        user: String,
        password: String,
    },
    Bearer {
        token: String,
    },
    Login {
        request: Box<ShapeFile>,
        token: OnlyFile,
        header: String,
        value: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupFile {
    pub request: ShapeFile,
    #[serde(default)]
    pub forms: Vec<String>,
    pub each: String,
    pub map: BTreeMap<String, OnlyFile>,
    pub numbers: Option<String>,
    #[serde(default)]
    pub facts: Vec<FactFile>,
    pub open: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactFile {
    pub label: String,
    pub value: OnlyFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeedFile {
    pub request: ShapeFile,
    pub id: Option<OnlyFile>,
    pub find: Option<FindFile>,
    #[serde(default)]
    pub idempotent: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindFile {
    pub request: ShapeFile,
    pub id: OnlyFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookFile {
    pub on: Vec<Moment>,
    pub request: ShapeFile,
    pub sign: Option<SignFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignFile {
    pub header: String,
    pub secret: String,
}

/// One path or several.
pub struct OnlyFile(pub Vec<String>);

impl<'de> Deserialize<'de> for OnlyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            One(String),
            Many(Vec<String>),
        }
        Ok(OnlyFile(match Either::deserialize(deserializer)? {
            Either::One(path) => vec![path],
            Either::Many(paths) => paths,
        }))
    }
}
