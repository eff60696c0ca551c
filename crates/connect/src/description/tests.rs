//! What a description may say, and what is said of one that may not.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn file() -> Value {
    json!({
        "hatif_connector": 1, "name": "Test",
        "fields": [{ "name": "base", "kind": "address" }, { "name": "user" }, { "name": "password", "kind": "secret" }],
        "auth": { "kind": "basic", "user": "{user}", "password": "{password}" },
        "lookup": {
            "request": { "method": "GET", "url": "{base}/people", "query": { "phone": "{number}" } },
            "each": "$.items[*]", "map": { "id": "$.id", "name": "$.name" }, "open": "{base}/people/{id}",
        },
        "log_call": { "request": { "method": "POST", "url": "{base}/calls", "json": { "note": "{notes}", "seconds": "{duration_s:number}" } } },
    })
}

fn refused(change: impl FnOnce(&mut Value)) -> (&'static str, String) {
    let mut file = file();
    change(&mut file);
    let text = Description::parse(&file.to_string()).expect_err("it is refused");
    (text.code, text.params.get("at").cloned().unwrap_or_default())
}

#[test]
fn a_description_says_what_it_can() {
    let description = Description::parse(&file().to_string()).unwrap();
    assert!(description.looks_up() && description.does(Action::LogCall) && !description.does(Action::CreateTicket));
    assert_eq!((description.network, description.timeout.as_secs(), description.tested), (Network::Public, 5, None));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    assert_eq!(Description::parse("{").expect_err("no JSON").code, "connector.unreadable");
    assert_eq!(Description::parse(&"x".repeat(MAX_FILE + 1)).expect_err("too long").code, "connector.too_long");
    assert_eq!(refused(|f| f["hatif_connector"] = json!(2)).0, "connector.other_format");
    assert_eq!(refused(|f| f["colour"] = json!("red")).0, "connector.unreadable");
    assert_eq!(refused(|f| f["lookup"]["each"] = json!("$[")), ("connector.bad_path", "lookup.each".into()));
    assert_eq!(
        refused(|f| f["lookup"]["map"]["age"] = json!("$.age")),
        ("connector.unknown_value", "lookup.map.age".into())
    );
    let query = |value: &'static str| move |f: &mut Value| f["lookup"]["request"]["query"]["phone"] = json!(value);
    assert_eq!(refused(query("{notes}")), ("connector.unknown_value", "lookup.request.query.phone".into()));
    assert_eq!(refused(query("{number")), ("connector.bad_template", "lookup.request.query.phone".into()));
    assert_eq!(refused(|f| f["lookup"]["request"]["method"] = json!("TRACE")).0, "connector.bad_url");
    assert_eq!(refused(|f| f["fields"][1]["name"] = json!("number")), ("connector.bad_field", "fields[1]".into()));
    assert_eq!(refused(|f| f["fields"][1]["name"] = json!("base")), ("connector.bad_field", "fields[1]".into()));
    let idle = |f: &mut Value| {
        f.as_object_mut().into_iter().for_each(|f| f.retain(|name, _| name != "lookup" && name != "log_call"))
    };
    assert_eq!(refused(idle).0, "connector.idle");
}

#[test]
fn the_host_is_never_a_callers() {
    for url in [
        "http://crm.example/p",
        "https://{number}/p",
        "https://crm.{number}/p",
        "https://a{number}@crm.example/",
        "{user}/p",
        "https://{user}.example/p",
        "file:///etc/passwd",
        "https://u:p@crm.example/",
    ] {
        assert_eq!(refused(|f| f["lookup"]["request"]["url"] = json!(url)).0, "connector.bad_url", "{url}");
    }
    for open in ["javascript:alert(1)", "https://{name}/", "{id}"] {
        assert_eq!(
            refused(|f| f["lookup"]["open"] = json!(open)),
            ("connector.bad_url", "lookup.open".into()),
            "{open}"
        );
    }
}

#[test]
fn a_signature_needs_a_secret() {
    let webhook = |secret: &str| {
        json!({ "on": ["ring"], "request": { "method": "POST", "url": "{base}/h", "json": { "event": "{event}" } },
        "sign": { "header": "X-Signature", "secret": secret } })
    };
    assert_eq!(refused(|f| f["webhook"] = webhook("user")), ("connector.unknown_value", "webhook.sign.secret".into()));
    let mut file = file();
    file["webhook"] = webhook("password");
    let description = Description::parse(&file.to_string()).unwrap();
    assert!(description.wants(Moment::Ring) && !description.wants(Moment::End) && description.does(Action::Webhook));
}

proptest! {
    #[test]
    fn whatever_a_file_says_it_is_read_or_refused(text in "\\PC{0,200}", at in 0usize..600, with in "\\PC{0,3}") {
        let _ = Description::parse(&text);
        // A good file with a bad place in it.
        let mut good: Vec<char> = file().to_string().chars().collect();
        let at = at.min(good.len());
        good.splice(at..(at + 2).min(good.len()), with.chars());
        let _ = Description::parse(&good.into_iter().collect::<String>());
    }
}
