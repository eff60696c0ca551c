//! A description against a real server, without Hatif around it: looks a number up, then logs a call twice, the second time
//! as after a crash. `attempt FILE NUMBER NAME=VALUE…`; with `loopback` among the arguments, this computer may be asked.

use hatif_connect::{Access, Action, Client, Description, Named, fresh_id, look_up, send, try_out};
use std::sync::Arc;

fn main() -> Result<(), String> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let loopback =
        arguments.iter().position(|argument| argument == "loopback").map(|at| arguments.remove(at)).is_some();
    let [file, number, given @ ..] = arguments.as_slice() else {
        return Err("attempt FILE NUMBER NAME=VALUE…".into());
    };
    let mut text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    if loopback {
        text = text.replacen("\"private\"", "\"loopback\"", 1);
    }
    let description = Description::parse(&text).map_err(|text| format!("{text:?}"))?;
    let mut fields: Named =
        description.fields.iter().map(|field| (field.name.clone(), field.default.clone())).collect();
    fields.extend(
        given.iter().filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let client = Client::new(description.network, description.timeout, None).map_err(|text| format!("{text:?}"))?;
    let mut access = Access { description: Arc::new(description), fields, client, token: None };

    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let mut told: Named =
        [("number", number.clone()), ("digits", digits)].map(|(name, value)| (name.to_owned(), value)).into();
    let tried = try_out(&mut access, &told);
    println!("{:#?}\n{}\n{:#?}", tried.request, tried.answer, tried.result);
    let found = look_up(&mut access, &told).map_err(|trouble| format!("{trouble:?}"))?;
    let [record] = found.records.as_slice() else { return Err(format!("{} records", found.records.len())) };
    if !access.description.does(Action::LogCall) {
        return Ok(());
    }
    let more = [
        ("contact", record.id.as_str()),
        ("name", record.name.as_str()),
        ("direction", "incoming"),
        ("outcome", "answered"),
        ("started", "2026-11-22T09:00:00Z"),
        ("ended", "2026-11-22T09:01:00Z"),
        ("duration_s", "60"),
        ("notes", "a \"note\" <b>"),
    ];
    told.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    told.insert("external".into(), format!("hatif-{}", fresh_id()));
    told.insert("key".into(), fresh_id());
    for again in [false, true] {
        println!("{:?}", send(&mut access, Action::LogCall, &told, again).map_err(|trouble| format!("{trouble:?}"))?);
    }
    Ok(())
}
