//! `cargo xtask soak calls --count N --seed S`: so many calls in a row on one Hatif, each as a seed chose, with Asterisk, a
//! baresip and SIPp at the other end, on loopback. Writes `docs/soak/calls.md` and `.json`: what failed, what is left of
//! memory, files, threads and ports.

#[path = "../bench/document.rs"]
mod document;
mod rig;
mod stories;

use rig::{Rig, Use};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::Instant,
};
use stories::{Chance, STORIES};

/// After so many failures the rest tells nothing new.
const ENOUGH: usize = 5;
/// Memory counts from here on: until then buffers and tables take their size.
const WARM: u64 = 100;
/// Growth that is allowed after that.
const GROWTH_KB: i64 = 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let of = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let (count, seed) = (of("--count").unwrap_or(1000).max(1), of("--seed").unwrap_or(1));
    let mut rig = Rig::start();
    let mut chance = Chance(seed);
    let mut played: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut failures, mut warm, began) = (Vec::new(), None, Instant::now());
    let mut memory = String::new();
    let before = rig.rest();
    for n in 1..=count {
        let (name, story) = STORIES[chance.below(STORIES.len() as u64) as usize];
        *played.entry(name).or_default() += 1;
        let told = catch_unwind(AssertUnwindSafe(|| story(&mut rig, &mut chance)));
        if let Err(panic) = told {
            let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            let first = words.lines().next().unwrap_or_default().to_owned();
            eprintln!("call {n}, {name}: {words}");
            failures.push(format!("call {n}, {name}: {first}"));
            rig.hang_up_all();
        }
        if n % WARM == 0 || n == count {
            let now = rig.rest();
            memory += &format!("| {n} | {} | {} |\n", now.memory_kb, now.own_kb);
            if n == WARM.min(count) {
                warm = Some(now);
            }
        }
        if n % 20 == 0 {
            println!("{n} of {count}, {} failed, {:.0?}", failures.len(), began.elapsed());
        }
        if failures.len() >= ENOUGH {
            break;
        }
    }
    let done: u64 = played.values().sum();
    let after = rig.rest();
    rig.quit();
    let run = Run { memory, count: done, seed, minutes: began.elapsed().as_secs_f64() / 60.0 };
    report(&run, &played, &failures, &before, warm.as_ref().unwrap_or(&before), &after)
}

struct Run {
    /// Rows of the table of memory.
    memory: String,
    count: u64,
    seed: u64,
    minutes: f64,
}

fn report(
    run: &Run,
    played: &BTreeMap<&str, u64>,
    failures: &[String],
    before: &Use,
    warm: &Use,
    after: &Use,
) -> ExitCode {
    let Run { memory, count, seed, minutes } = run;
    let from = WARM.min(*count);
    let grown = after.memory_kb - warm.memory_kb;
    let left = |of: fn(&Use) -> i64| of(after) - of(warm);
    let rows: [(String, i64, i64, &str); 5] = [
        ("calls that failed".into(), failures.len() as i64, 0, "calls"),
        (format!("memory grown after call {from}"), grown, GROWTH_KB, "kB"),
        ("files left open".into(), left(|u| u.files), 0, "files"),
        ("threads left".into(), left(|u| u.threads), 0, "threads"),
        ("UDP ports left open".into(), left(|u| u.ports), 0, "ports"),
    ];
    let command = format!("cargo xtask soak calls --count {count} --seed {seed}");
    let mut text = String::from("# A thousand calls in a row, or as many as were asked for\n\n");
    text += &format!("{}; {minutes:.1} min.\n", document::measured(&command));
    text += "One `hatif-cli` (the build that tests use), with Asterisk, baresip and SIPp on loopback; every call as the seed chose.\n\n";
    text += "| | measured | allowed |\n|---|---|---|\n";
    let mut metrics: Vec<Value> = Vec::new();
    for (metric, value, most, unit) in &rows {
        text += &format!("| {metric} | {value} {unit} | {most} |\n");
        metrics.push(json!({
            "metric": metric, "hatif": value, "unit": unit, "better": "lower", "goal": most, "peers": {},
            "runs": 1, "min": value, "max": value,
        }));
    }
    let told = |u: &Use| format!("{} kB, {} files, {} threads, {} ports", u.memory_kb, u.files, u.threads, u.ports);
    text += &format!(
        "\nAt rest: {} before the first call; {} after call {from}; {} at the end.\n",
        told(before),
        told(warm),
        told(after)
    );
    text +=
        &format!("\n| after call | memory at rest, kB | of that not of mapped files, kB |\n|---|---|---|\n{memory}");
    text += "\n| story | calls |\n|---|---|\n";
    for (name, times) in played {
        text += &format!("| {name} | {times} |\n");
    }
    for failure in failures {
        text += &format!("\n- {failure}\n");
    }
    document::save("soak", "calls", &text, &metrics);
    if rows.iter().all(|(_, value, most, _)| value <= most) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
