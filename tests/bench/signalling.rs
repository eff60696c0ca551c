//! `cargo xtask bench signalling`: how quickly a phone rings, answers, speaks and registers, and what it weighs with no, one,
//! ten and fifty calls; Hatif, baresip and linphonec one after the other in the same run, called by the same caller on loopback.

mod caller;
mod document;
mod phones;

use caller::{Caller, Dialog};
use phones::{KINDS, Kind, Phone, Way};
use serde_json::{Value, json};
use std::{
    fs,
    net::UdpSocket,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// Until caches are filled and the first work is done.
const SETTLE: Duration = Duration::from_secs(3);
/// Calls at once whose memory is asked for.
const CROWDS: [(usize, &str); 3] = [(1, "memory, 1 call"), (10, "memory, 10 calls"), (50, "memory, 50 calls")];

/// Metric, unit, what ours is to be at most.
const METRICS: [(&str, &str, f64); 8] = [
    ("INVITE to 180", "ms", 2.0),
    ("INVITE to 200", "ms", 3.0),
    ("200 to first RTP", "ms", 5.0),
    ("start to registered", "ms", 300.0),
    ("memory, idle", "MB", 40.0),
    ("memory, 1 call", "MB", f64::NAN),
    ("memory, 10 calls", "MB", f64::NAN),
    ("memory, 50 calls", "MB", f64::NAN),
];

/// A part of the run: its name, and what measures it.
type Part = (&'static str, fn(&mut Figures, Kind, usize));

/// What was measured: phone, metric, values.
#[derive(Default)]
struct Figures(Vec<(Kind, &'static str, Vec<f64>)>);

impl Figures {
    fn add(&mut self, kind: Kind, metric: &'static str, value: f64) {
        match self.0.iter_mut().find(|(known, of, _)| (*known, *of) == (kind, metric)) {
            Some((_, _, values)) => values.push(value),
            None => self.0.push((kind, metric, vec![value])),
        }
    }

    fn of(&self, kind: Kind, metric: &str) -> Vec<f64> {
        let found = self.0.iter().find(|(known, of, _)| *known == kind && *of == metric);
        let mut values: Vec<f64> = found.map(|(_, _, values)| values.clone()).unwrap_or_default();
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        values
    }
}

fn main() {
    let mut runs = 20;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).expect("--runs takes a number"),
            // What `cargo bench` says to every benchmark.
            "--bench" => {}
            other => panic!("unknown argument {other}; there is --runs N"),
        }
    }
    let mut figures = Figures::default();
    let mut failed = Vec::new();
    for kind in KINDS {
        let parts: [Part; 4] =
            [("ringing", rings), ("answering", answers), ("registering", registers), ("a crowd", crowd)];
        for (part, measure) in parts {
            println!("{}: {part}", kind.name());
            // A counterpart that breaks down leaves its fields empty; the others are measured all the same.
            if catch_unwind(AssertUnwindSafe(|| measure(&mut figures, kind, runs))).is_err() {
                failed.push(format!("{} broke off while {part} was measured.", kind.name()));
            }
        }
    }
    report(&figures, runs, &failed);
}

/// Waits until a phone that was just started answers, and has come to rest.
fn up(phone: &Phone) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a socket can wait");
    let own = socket.local_addr().expect("it is bound");
    let text = format!(
        "OPTIONS sip:peer@127.0.0.1:{} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKup\r\nMax-Forwards: 70\r\n\
         From: <sip:up@{own}>;tag=up\r\nTo: <sip:peer@127.0.0.1:{}>\r\nCall-ID: up-{own}\r\nCSeq: 1 OPTIONS\r\n\
         Contact: <sip:up@{own}>\r\nContent-Length: 0\r\n\r\n",
        phone.port, phone.port
    );
    hatif_lab::process::eventually("the phone answers", hatif_lab::DEADLINE, || {
        // Refused as long as its port is not open.
        let _ = socket.send_to(text.as_bytes(), ("127.0.0.1", phone.port));
        socket.recv(&mut [0; 4096]).ok().map(drop)
    });
    std::thread::sleep(SETTLE);
}

fn rings(figures: &mut Figures, kind: Kind, runs: usize) {
    let phone = Phone::start(kind, Way::Called { answers: false });
    up(&phone);
    let mut caller = Caller::of(phone.port);
    for run in 0..=runs {
        let ringing = caller.ring();
        // The first of all loads what the others find.
        if run > 0 {
            figures.add(kind, "INVITE to 180", ringing);
        }
        caller.stay(Duration::from_millis(300));
    }
}

fn answers(figures: &mut Figures, kind: Kind, runs: usize) {
    let phone = Phone::start(kind, Way::Called { answers: true });
    up(&phone);
    let mut caller = Caller::of(phone.port);
    for run in 0..=runs {
        let (times, dialog) = caller.call();
        if run > 0 {
            figures.add(kind, "INVITE to 200", times.answered);
            figures.add(kind, "200 to first RTP", times.heard);
        }
        caller.stay(Duration::from_millis(300));
        caller.hang_up(&dialog);
        caller.stay(Duration::from_millis(300));
    }
}

fn registers(figures: &mut Figures, kind: Kind, _: usize) {
    for run in 0..6 {
        let (port, told) = caller::registrar();
        let began = Instant::now();
        let phone = Phone::start(kind, Way::Registers(port));
        let at = told.recv_timeout(hatif_lab::DEADLINE).expect("it registers");
        if run > 0 {
            figures.add(kind, "start to registered", (at - began).as_secs_f64() * 1000.0);
        }
        if run > 3 {
            std::thread::sleep(SETTLE);
            figures.add(kind, "memory, idle", phone.memory());
        }
    }
}

/// linphonec answers only the first of several calls by itself: it is told to.
fn crowd(figures: &mut Figures, kind: Kind, _: usize) {
    let told = kind == Kind::Linphonec;
    let mut phone = Phone::start(kind, Way::Called { answers: !told });
    up(&phone);
    let mut caller = Caller::of(phone.port);
    let mut dialogs: Vec<Dialog> = Vec::new();
    for (calls, metric) in CROWDS {
        while dialogs.len() < calls {
            let number = dialogs.len() + 1;
            dialogs.push(if told { caller.call_and(|| phone.answer(number)) } else { caller.call().1 });
            caller.stay(Duration::from_millis(200));
        }
        caller.stay(SETTLE);
        figures.add(kind, metric, phone.memory());
    }
    for dialog in &dialogs {
        caller.hang_up(dialog);
    }
}

fn median(values: &[f64]) -> f64 {
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Or nothing where there is none.
fn shown(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { String::new() }
}

fn report(figures: &Figures, runs: usize, failed: &[String]) {
    let hatif = std::env::var("HATIF_CLI").unwrap_or_default();
    let built = if hatif.contains("release") { "optimised" } else { "debug build" };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let command = "cargo xtask bench signalling";
    let mut text = String::from("# Signalling, beside baresip and linphonec\n\n");
    text += &format!("{}; {built}; load {load}.\n", document::measured(command));
    text += &format!(
        "Median (least to most); {runs} calls each, 5 starts. One caller and one registrar on loopback, by UDP, PCMA; sound is\n\
         files or generated, no device. A start is the first one: no settings, a database to make. Memory is resident, of\n\
         the one process; a phone that puts its other calls on hold does so here too.\n\n\
         | | Hatif | goal, at most | baresip | ratio | linphonec | ratio |\n|---|---|---|---|---|---|---|\n"
    );
    let mut rows: Vec<Value> = Vec::new();
    for (metric, unit, goal) in METRICS {
        let mine = figures.of(Kind::Hatif, metric);
        let own = median(&mine);
        let (least, most) = (mine.first().copied().unwrap_or(f64::NAN), mine.last().copied().unwrap_or(f64::NAN));
        let mut peers = json!({});
        let mut cells = String::new();
        for peer in [Kind::Baresip, Kind::Linphonec] {
            let theirs = median(&figures.of(peer, metric));
            cells += &format!(" {} | {} |", shown(theirs), shown(own / theirs));
            if theirs.is_finite() {
                peers[peer.name()] = json!(theirs);
            }
        }
        let range = format!("{} ({} to {})", shown(own), shown(least), shown(most));
        text += &format!("| {metric} ({unit}) | {range} | {} |{cells}\n", shown(goal));
        let goal = goal.is_finite().then_some(goal);
        rows.push(json!({
            "metric": metric, "hatif": own, "unit": unit, "better": "lower", "goal": goal, "peers": peers,
            "runs": mine.len(), "min": least, "max": most,
        }));
    }
    text += "\nRatio: Hatif's figure by the other's; below 1 Hatif needs less.\n";
    for line in failed {
        text += &format!("\n- {line}\n");
    }
    document::save("bench", "signalling", &text, &rows);
}
