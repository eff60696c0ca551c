//! `cargo xtask bench voice`: speech through virtual headsets, Hatif beside another softphone, on the same rig.
//!
//! ```text
//! speech -> far_mic_in -> far phone ── SIP, RTP on loopback ──> agent phone -> agent_spk
//!               │ left                                                            │ right
//!               └────────────────────── one recording ────────────────────────────┘ -> score.py
//! ```
//!
//! Both channels are recorded in one PipeWire graph, so that the delay is exact to a sample. The speech is one LibriVox
//! reader (public domain; Debian's pocketsphinx-testdata), 22 s.

mod document;
mod rig;

use rig::{Phone, Rig};
use serde_json::{Value, json};

/// Who talks and who listens.
struct Case {
    name: &'static str,
    talker: Phone,
    listener: Phone,
}

const CASES: &[Case] = &[
    Case { name: "hatif to hatif", talker: Phone::Hatif, listener: Phone::Hatif },
    Case { name: "baresip to baresip", talker: Phone::Baresip, listener: Phone::Baresip },
    Case { name: "hatif to baresip", talker: Phone::Hatif, listener: Phone::Baresip },
    Case { name: "baresip to hatif", talker: Phone::Baresip, listener: Phone::Hatif },
];

struct Figures {
    pesq: Vec<f64>,
    delay: Vec<f64>,
}

fn main() {
    let (mut runs, mut only) = (3, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).expect("--runs takes a number"),
            // One pair of phones, for a closer look: printed, and no document written.
            "--case" => only = Some(arguments.next().expect("--case takes a name such as \"baresip to hatif\"")),
            // What `cargo bench` says to every benchmark.
            "--bench" => {}
            other => panic!("unknown argument {other}; there are --runs N and --case NAME"),
        }
    }
    let rig = Rig::start();
    let mut all = Vec::new();
    for case in CASES.iter().filter(|case| only.as_ref().is_none_or(|only| only == case.name)) {
        let mut figures = Figures { pesq: Vec::new(), delay: Vec::new() };
        for run in 1..=runs {
            let scored = rig.call(case.talker, case.listener);
            println!("{:20} run {run}: PESQ-WB {} delay {} ms", case.name, scored["pesq"], scored["delay_ms"]);
            figures.pesq.push(scored["pesq"].as_f64().expect("score.py prints PESQ"));
            // A recording without speech has no delay; it shows as the longest that is looked for.
            figures.delay.push(scored["delay_ms"].as_f64().unwrap_or(1000.0));
        }
        all.push((case.name, figures));
    }
    if only.is_none() {
        report(&all, runs);
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn report(all: &[(&str, Figures)], runs: usize) {
    let of = |name: &str| &all.iter().find(|(n, _)| *n == name).expect("every case was run").1;
    let both = of("hatif to hatif");
    let peer = of("baresip to baresip");
    let row = |metric: &str, mine: &[f64], unit: &str, better: &str, goal: f64, peers: Value| {
        json!({
            "metric": metric, "hatif": median(mine), "unit": unit, "better": better, "goal": goal, "peers": peers,
            "runs": runs, "min": least(mine), "max": most(mine),
        })
    };
    let rows = [
        row("speech, both ends", &both.pesq, "PESQ-WB", "higher", 4.2, json!({ "baresip": median(&peer.pesq) })),
        row("mouth to ear, both ends", &both.delay, "ms", "lower", 120.0, json!({ "baresip": median(&peer.delay) })),
        row("speech, to baresip", &of("hatif to baresip").pesq, "PESQ-WB", "higher", 4.0, json!({})),
        row("speech, from baresip", &of("baresip to hatif").pesq, "PESQ-WB", "higher", 4.0, json!({})),
        row("mouth to ear, to baresip", &of("hatif to baresip").delay, "ms", "lower", 190.0, json!({})),
        row("mouth to ear, from baresip", &of("baresip to hatif").delay, "ms", "lower", 190.0, json!({})),
    ];
    let mut text = String::from("# Voice through virtual headsets, no loss\n\n");
    text += &format!("{}.\n", document::measured("cargo xtask bench voice"));
    text += &format!(
        "Median of {runs} runs, (least to most). One 22 s reader, PipeWire null sinks, SIP and RTP on loopback.\n\n"
    );
    text += "| | Hatif | goal | baresip to baresip |\n|---|---|---|---|\n";
    for row in &rows {
        let number = |v: &Value| v.as_f64().map(|n| format!("{n:.2}")).unwrap_or_default();
        text += &format!(
            "| {} ({}) | {} ({} to {}) | {} {} | {} |\n",
            row["metric"].as_str().unwrap_or_default(),
            row["unit"].as_str().unwrap_or_default(),
            number(&row["hatif"]),
            number(&row["min"]),
            number(&row["max"]),
            if row["better"] == "higher" { "at least" } else { "at most" },
            number(&row["goal"]),
            number(&row["peers"]["baresip"]),
        );
    }
    document::save("bench", "voice", &text, &rows);
}
