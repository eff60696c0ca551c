//! `cargo xtask bench dsp`: what the parts of the media path cost, per 10 ms on one core. The parts are run by
//! `crates/media/examples/dsp.rs`; this makes the table of it.

mod document;

use serde_json::{Value, json};
use std::process::Command;

const SPEECH: &str = "/usr/share/pocketsphinx/test/data/librivox";
const SENTENCES: [&str; 4] = ["0870", "0890", "0920", "0930"];
const RUNS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let speech = folder.path().join("speech.wav");
    let mut sox = Command::new("sox");
    sox.args(SENTENCES.map(|s| format!("{SPEECH}/sense_and_sensibility_01_austen_64kb-{s}.wav")));
    sox.args(["-r", "48000", "-b", "16"]).arg(&speech).args(["norm", "-6"]);
    assert!(
        sox.status().is_ok_and(|s| s.success()),
        "sox and pocketsphinx-testdata are needed: cargo xtask setup bench"
    );
    let example = std::env::var_os("HATIF_DSP").expect("`cargo xtask bench dsp` says where the example is");
    let runs: Vec<Vec<Value>> = (0..RUNS)
        .map(|_| {
            let output = Command::new(&example).arg(&speech).output().expect("the example can be started");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
        })
        .collect();
    report(&runs);
}

fn report(runs: &[Vec<Value>]) {
    let mut text = String::from("# What the parts of the media path cost\n\n");
    text += &format!("{}.\n", document::measured("cargo xtask bench dsp"));
    text += &format!(
        "CPU time of one thread per 10 ms of sound: median of {RUNS} runs over 22 s of speech (least to most).\n"
    );
    // 4 ms of 2,170 blocks
    text += "The kernel counts in steps that come to 2 us here, so what is smaller is only small.\n\n";
    text += "| part | us per 10 ms | % of a core |\n|---|---|---|\n";
    let mut rows = Vec::new();
    for (n, first) in runs[0].iter().enumerate() {
        let mut all: Vec<f64> = runs.iter().map(|run| run[n]["us"].as_f64().expect("a number")).collect();
        all.sort_by(f64::total_cmp);
        let (least, middle, most) = (all[0], all[all.len() / 2], all[all.len() - 1]);
        let part = first["part"].as_str().expect("a name");
        text += &format!("| {part} | {middle:.1} ({least:.1} to {most:.1}) | {:.2} |\n", middle / 100.0);
        rows.push(json!({
            "metric": part, "hatif": middle, "unit": "us per 10 ms", "better": "lower", "goal": null, "peers": {},
            "runs": RUNS, "min": least, "max": most,
        }));
    }
    document::save("bench", "dsp", &text, &rows);
}
