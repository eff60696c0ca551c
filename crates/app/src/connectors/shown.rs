//! Connectors as the window shows them.

use super::Live;
use crate::{
    present,
    view::{self, ConnectorView, DescriptionView, ExampleView, FactView, FieldView, RecordView},
};
use hatif_connect::{Action, Description, FieldKind, Preview, Record, SHIPPED};
use std::collections::BTreeMap;

pub fn connectors(live: &BTreeMap<u32, Live>) -> Vec<ConnectorView> {
    live.values().map(connector).collect()
}

fn connector(live: &Live) -> ConnectorView {
    let trouble = live.ready.as_ref().err().or(live.stopped.as_ref());
    ConnectorView {
        id: live.row.id,
        name: live.row.name.clone(),
        description: live.row.description.clone(),
        about: live.description().map(description),
        fields: live.row.fields.clone(),
        secrets: live.secrets.keys().cloned().collect(),
        ca_file: live.row.ca_file.clone(),
        looks_up: live.row.looks_up,
        logs_calls: live.row.logs_calls,
        tells_moments: live.row.tells_moments,
        trouble: trouble.map(present::text),
    }
}

pub fn description(description: &Description) -> DescriptionView {
    let field = |field: &hatif_connect::Field| FieldView {
        name: field.name.clone(),
        label: field.label.clone(),
        kind: match field.kind {
            FieldKind::Address => view::FieldKind::Address,
            FieldKind::Secret => view::FieldKind::Secret,
            FieldKind::Text => view::FieldKind::Text,
        },
        default: field.default.clone(),
    };
    DescriptionView {
        name: description.name.clone(),
        documents: description.documents.clone(),
        tested: description.tested.clone(),
        looks_up: description.looks_up(),
        logs_calls: description.does(Action::LogCall),
        tells_moments: description.does(Action::Webhook),
        fields: description.fields.iter().map(field).collect(),
    }
}

pub fn examples() -> Vec<ExampleView> {
    let example = |shipped: &hatif_connect::Shipped| {
        let about = description(&Description::parse(shipped.text).ok()?);
        Some(ExampleView { file: shipped.name.to_owned(), description: shipped.text.to_owned(), about })
    };
    SHIPPED.iter().filter_map(example).collect()
}

pub fn record(record: &Record, opens: bool) -> RecordView {
    let fact = |fact: &hatif_connect::Fact| FactView { label: fact.label.clone(), value: fact.value.clone() };
    RecordView {
        id: record.id.clone(),
        name: record.name.clone(),
        company: record.company.clone(),
        email: record.email.clone(),
        stage: record.stage.clone(),
        owner: record.owner.clone(),
        notes: record.notes.clone(),
        facts: record.facts.iter().map(fact).collect(),
        opens,
    }
}

/// As it goes over the wire, but for its secrets.
pub fn request(preview: &Preview) -> String {
    let headers: String = preview.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{} {}\n{headers}\n{}", preview.method, preview.url, preview.body)
}
