//! The order of things, what comes of each failure, and what a start after a crash makes of what it finds.

use super::*;
use hatif_core::{connector::Connector, text::Text};
use serde_json::json;

fn live() -> BTreeMap<u32, Live> {
    let request = json!({ "method": "POST", "url": "https://crm.example/calls", "json": { "id": "{external}" } });
    let description = json!({ "hatif_connector": 1, "name": "x", "log_call": { "request": request } }).to_string();
    let one = |id| {
        (
            id,
            Live::new(
                Connector { id, description: description.clone(), ..Connector::default() },
                Named::new(),
                true,
                1,
            ),
        )
    };
    BTreeMap::from([one(1), one(2)])
}

fn put(outbox: &mut Outbox, connector: u32, live: &BTreeMap<u32, Live>) -> i64 {
    let ConnectorsAsk::Put(item) = outbox.put(connector, Action::LogCall, Named::new(), None) else { panic!("a put") };
    assert!(outbox.begin(live, Instant::now()).is_empty(), "nothing begins that is not on the disk");
    assert!(outbox.written(item.id, live).is_none(), "it waits for its turn");
    item.id
}

/// Begins with what can begin; the jobs' items, and whether each is sent again.
fn begun(outbox: &mut Outbox, live: &BTreeMap<u32, Live>) -> Vec<(i64, bool)> {
    let mut jobs = Vec::new();
    for ask in outbox.begin(live, Instant::now()) {
        let ConnectorsAsk::Put(item) = ask else { panic!("a put") };
        assert_eq!(item.state, OutgoingState::Begun, "it stands on the disk before it goes out");
        let What::Send { item, again, .. } = outbox.written(item.id, live).expect("a job").what else {
            panic!("a sending")
        };
        jobs.push((item, again));
    }
    jobs
}

fn trouble(kind: Kind, code: &'static str) -> Result<(), Trouble> {
    Err(Trouble { text: Text::new(code), kind })
}

#[test]
fn each_connector_sends_one_after_the_other() {
    let (mut outbox, live) = (Outbox::default(), live());
    let ids = [1, 1, 2].map(|connector| {
        let ConnectorsAsk::Put(item) = outbox.put(connector, Action::LogCall, Named::new(), None) else {
            panic!("a put")
        };
        item.id
    });
    assert!(ids[0] < ids[1] && ids[1] < ids[2]);
    ids.iter().for_each(|id| assert!(outbox.written(*id, &live).is_none()));
    assert_eq!(begun(&mut outbox, &live), [(ids[0], false), (ids[2], false)]);
    assert!(begun(&mut outbox, &live).is_empty(), "both are on their way");
    assert!(outbox.discard(ids[0]).is_none(), "what is on its way can't be called back");
    assert_eq!(outbox.sent(ids[0], Ok(())), Some(ConnectorsAsk::Remove(ids[0])));
    assert_eq!(begun(&mut outbox, &live), [(ids[1], false)]);
    assert_eq!(outbox.len(), 2);
}

#[test]
fn what_was_not_carried_out_waits_and_what_may_have_been_is_looked_for() {
    for (kind, again) in
        [(Kind::Later, false), (Kind::Wait(Duration::ZERO), false), (Kind::SignIn, false), (Kind::Unsure, true)]
    {
        let (mut outbox, live) = (Outbox::default(), live());
        let first = put(&mut outbox, 1, &live);
        assert_eq!(begun(&mut outbox, &live), [(first, false)]);
        let Some(ConnectorsAsk::Put(_)) = outbox.sent(first, trouble(kind, "connector.broken")) else {
            panic!("it is kept")
        };
        assert!(begun(&mut outbox, &live).is_empty(), "its failure is not on the disk yet");
        assert!(outbox.written(first, &live).is_none());
        assert_eq!(begun(&mut outbox, &live), [(first, again)], "{kind:?}");
    }
}

#[test]
fn what_is_refused_makes_room_and_the_user_decides() {
    let (mut outbox, live) = (Outbox::default(), live());
    let first = put(&mut outbox, 1, &live);
    assert_eq!(begun(&mut outbox, &live), [(first, false)]);
    outbox.sent(first, trouble(Kind::Refused, "connector.refused"));
    outbox.written(first, &live);
    let ConnectorsAsk::Put(second) = outbox.put(1, Action::LogCall, Named::new(), None) else { panic!("a put") };
    outbox.written(second.id, &live);
    assert_eq!(begun(&mut outbox, &live), [(second.id, false)], "one that failed holds nobody up");
    assert!(outbox.shown().iter().any(|item| item.failed && item.id == first.to_string()));
    assert!(outbox.retry(second.id).is_none(), "only what has failed");
    outbox.sent(second.id, Ok(()));
    assert!(outbox.retry(first).is_some());
    outbox.written(first, &live);
    assert_eq!(begun(&mut outbox, &live), [(first, false)]);
    outbox.sent(first, trouble(Kind::Unsure, "connector.unsure"));
    outbox.written(first, &live);
    assert!(begun(&mut outbox, &live).is_empty(), "nobody knows: it is not sent twice by itself");
    assert_eq!(outbox.discard(first), Some(ConnectorsAsk::Remove(first)));
}

#[test]
fn a_crash_leaves_what_may_have_been_sent() {
    let (mut outbox, live) = (Outbox::default(), live());
    let item = |id, state| Outgoing {
        id,
        connector: 1,
        action: "log_call".into(),
        values: Named::new(),
        state,
        attempts: 1,
        problem: None,
        created: UNIX_EPOCH,
    };
    outbox.load(vec![item(5, OutgoingState::Begun), item(6, OutgoingState::Waiting)]);
    assert_eq!(begun(&mut outbox, &live), [(5, true)]);
    outbox.sent(5, Ok(()));
    assert_eq!(begun(&mut outbox, &live), [(6, false)]);
    outbox.forget(1);
    assert_eq!(outbox.len(), 0);
}

#[test]
fn a_connector_that_cannot_be_reached_is_left_alone_for_longer_and_longer() {
    let (mut outbox, mut live) = (Outbox::default(), live());
    let first = put(&mut outbox, 1, &live);
    let now = Instant::now();
    let rests: Vec<u64> = (0..12).map(|_| outbox.rest(1).as_secs()).collect();
    assert_eq!(rests[..4], [5, 10, 20, 40]);
    assert_eq!(rests[11], 15 * 60);
    outbox.rested(1);
    assert_eq!(outbox.rest(1).as_secs(), 5);
    live.get_mut(&1).expect("it is there").quiet_until = Some(now + Duration::from_secs(5));
    assert!(outbox.begin(&live, now).is_empty());
    assert_eq!(outbox.next(&live), Some(now + Duration::from_secs(5)));
    assert_eq!(outbox.begin(&live, now + Duration::from_secs(5)).len(), 1);
    assert_eq!(outbox.next(&live), None, "{first} is on its way");
}

#[test]
fn a_call_is_held_for_its_wrap_up_and_holds_nobody_up() {
    let (mut outbox, live) = (Outbox::default(), live());
    let now = SystemTime::now();
    let mut hold = |action, entry| {
        let values = Named::from([("at".to_owned(), "then".to_owned())]);
        let ConnectorsAsk::Put(item) = outbox.put(1, action, values, Some(entry)) else { panic!("a put") };
        assert_eq!(item.state, OutgoingState::Held);
        item.id
    };
    let (call, moment, other) = (hold(Action::LogCall, 7), hold(Action::Webhook, 7), hold(Action::LogCall, 8));
    for id in [call, moment, other] {
        assert!(outbox.written(id, &live).is_none());
    }
    let behind = put(&mut outbox, 1, &live);
    assert_eq!(begun(&mut outbox, &live), [(behind, false)], "those behind them don't wait");
    outbox.sent(behind, Ok(()));

    // A draft is kept beside the call, so that it is there after a kill; it lets nothing go.
    let noted = |text: &str| Named::from([("notes".to_owned(), text.to_owned())]);
    let asks = outbox.noted("7", &noted("order"), false, "now");
    assert_eq!(asks.len(), 2);
    assert!(asks.iter().all(|ask| matches!(ask, ConnectorsAsk::Put(item) if item.state == OutgoingState::Held && item.values["notes"] == "order")));
    assert!(outbox.noted("7", &noted("order"), false, "now").is_empty(), "nothing has changed");
    let written = |outbox: &mut Outbox, asks: Vec<ConnectorsAsk>| {
        for ask in asks {
            if let ConnectorsAsk::Put(item) = ask {
                assert!(outbox.written(item.id, &live).is_none());
            }
        }
    };
    written(&mut outbox, asks);
    assert!(begun(&mut outbox, &live).is_empty());

    let asks = outbox.noted("7", &noted("order 88"), true, "now");
    let told: Vec<_> = asks
        .iter()
        .map(|ask| {
            if let ConnectorsAsk::Put(item) = ask {
                (item.id, item.state, item.values["notes"].as_str(), item.values["at"].as_str())
            } else {
                panic!("a put")
            }
        })
        .collect();
    assert_eq!(
        told,
        [(call, OutgoingState::Waiting, "order 88", "now"), (moment, OutgoingState::Waiting, "order 88", "now")]
    );
    written(&mut outbox, asks);
    assert_eq!(begun(&mut outbox, &live), [(call, false)], "the call of entry 8 is still held");
    assert!(outbox.sleep(now).is_some_and(|left| left > Duration::from_secs(3500)));
}

#[test]
fn a_call_that_nobody_wraps_up_is_told_all_the_same() {
    for over in [true, false] {
        let (mut outbox, live) = (Outbox::default(), live());
        let ids = [Action::LogCall, Action::Webhook].map(|action| {
            let ConnectorsAsk::Put(item) = outbox.put(1, action, Named::new(), Some(7)) else { panic!("a put") };
            assert!(outbox.written(item.id, &live).is_none());
            item.id
        });
        let created = SystemTime::now();
        assert!(outbox.pass_time(created + Duration::from_secs(3500)).is_empty());
        let asks = if over { outbox.pass_time(created + LONGEST_HOLD) } else { outbox.wrap_up_gone("7") };
        let [ConnectorsAsk::Put(item), rest @ ..] = asks.as_slice() else { panic!("a put: {asks:?}") };
        assert_eq!((item.id, item.state), (ids[0], OutgoingState::Waiting));
        let expected = if over { vec![] } else { vec![ConnectorsAsk::Remove(ids[1])] };
        assert_eq!(rest, expected, "a wrap-up that is not yet may still be; one that will never be is not told");
        assert!(outbox.written(ids[0], &live).is_none());
        assert_eq!(begun(&mut outbox, &live), [(ids[0], false)]);
        assert!(outbox.sleep(created).is_none(), "no call is held any more");
    }
}

#[test]
fn nothing_is_told_of_who_was_erased() {
    let (mut outbox, live) = (Outbox::default(), live());
    let mut put = |number: &str, waits_for| {
        let values = Named::from([("number".to_owned(), number.to_owned())]);
        let ConnectorsAsk::Put(item) = outbox.put(1, Action::LogCall, values, waits_for) else { panic!("a put") };
        assert!(outbox.written(item.id, &live).is_none());
        item.id
    };
    let theirs = [put("+982188201140", None), put("+982188201140", Some(7)), put("+4930123456", Some(8))];
    let other = put("+4930123456", None);
    let gone: Vec<_> = theirs.into_iter().map(ConnectorsAsk::Remove).collect();
    assert_eq!(outbox.erase(&["+982188201140".into()], &[7, 8]), gone);
    assert!(outbox.wrap_up_gone("7").is_empty() && outbox.noted("8", &Named::new(), true, "").is_empty());
    assert_eq!(begun(&mut outbox, &live), [(other, false)]);
}
