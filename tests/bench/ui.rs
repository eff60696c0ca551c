//! `cargo xtask bench ui`: how soon the window is there, how soon it shows a caller, what it weighs, how it types; beside
//! a Tauri window with nothing in it (`src-tauri/examples/bare.rs`), in the same run.
//!
//! Times are of one clock: the kernel's start of the process, SIP's sending, and the page's `performance`, which is in
//! Unix time. "Painted" is the frame after the change (`requestAnimationFrame`, then a task).

mod document;

use hatif_lab::{
    DEADLINE, ports,
    process::{eventually, run},
    stranger::Stranger,
    webdriver::Window,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const HISTORY: u32 = 100_000;
const CALLS: usize = 500;
const INVITES: usize = 20;
const NUMBER: &str = "021304567890213045";
const NAME: &str = "customer 4218 rare";
/// Between two keys: a fast typist's ten a second.
const KEY_EVERY: Duration = Duration::from_millis(100);

/// What is measured, and its runs.
#[derive(Default)]
struct Figures(Vec<(&'static str, Vec<f64>)>);

impl Figures {
    fn add(&mut self, metric: &'static str, value: f64) {
        println!("{metric}: {value:.1}");
        match self.0.iter_mut().find(|(known, _)| *known == metric) {
            Some((_, values)) => values.push(value),
            None => self.0.push((metric, vec![value])),
        }
    }

    fn of(&self, metric: &str) -> &[f64] {
        self.0.iter().find(|(known, _)| *known == metric).map_or(&[], |(_, values)| values)
    }
}

fn main() {
    let mut runs = 5;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).expect("--runs takes a number"),
            // What `cargo bench` says to every benchmark.
            "--bench" => {}
            other => panic!("unknown argument {other}; there is --runs N"),
        }
    }
    let program = |variable: &str| PathBuf::from(std::env::var_os(variable).expect("cargo xtask bench ui says where"));
    let (hatif, bare) = (program("HATIF_APP"), program("HATIF_BARE"));
    let mut figures = Figures::default();
    for _ in 0..runs {
        start(&mut figures, &bare, "bare");
        start(&mut figures, &hatif, "hatif");
    }
    calls(&mut figures, &hatif);
    history(&mut figures, &hatif);
    report(&figures, runs, &hatif);
}

/// A start with nothing in it: first paint, and the memory at rest.
fn start(figures: &mut Figures, program: &Path, name: &str) {
    let window = Window::open(program, "en");
    let (paint, memory) = match name {
        "hatif" => ("first paint", "memory, idle"),
        _ => ("first paint, bare", "memory, bare"),
    };
    figures.add(paint, first_paint(&window) - started(&window, program));
    settle(&window);
    figures.add(memory, memory_of(&window));
    if name == "hatif" {
        window.click("#look-around");
    }
    figures.add(if name == "hatif" { "key to paint" } else { "key to paint, bare" }, typing(&window, "#dial", NUMBER));
}

/// Unix milliseconds of the first text on the screen.
fn first_paint(window: &Window) -> f64 {
    let first = "const paint = performance.getEntriesByName('first-contentful-paint')[0];
        return paint ? performance.timeOrigin + paint.startTime : null";
    eventually("the page is painted", DEADLINE, || window.try_script(first)?.as_f64())
}

/// Unix milliseconds at which the kernel started the program, to 10 ms.
fn started(window: &Window, program: &Path) -> f64 {
    let name = program.file_name().expect("a program has a name").to_string_lossy();
    let id = window.processes(&name)[0];
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it lives");
    let ticks: f64 = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)?.parse().ok()).expect("a number");
    let up: f64 =
        fs::read_to_string("/proc/uptime").ok().and_then(|up| up.split(' ').next()?.parse().ok()).expect("up");
    let ago = up - ticks / 100.0;
    now() - ago * 1_000.0
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
}

/// Nothing happens for a while: caches are filled, the first work is done.
fn settle(_window: &Window) {
    std::thread::sleep(Duration::from_secs(4));
}

/// Proportional set size of all processes of the application, in MB; what it shares with others counts by its share.
fn memory_of(window: &Window) -> f64 {
    let own = window
        .members()
        .into_iter()
        .filter(|(_, name)| !["WebKitWebDriver", "sh", "dash", "cat"].contains(&name.as_str()));
    let pss = own.filter_map(|(id, _)| {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    });
    pss.sum::<f64>() / 1024.0
}

/// Median of milliseconds from a key's event to the frame that shows its letter, typed as by hand: keys that come faster
/// than frames wait for each other, in an empty window too.
fn typing(window: &Window, field: &str, text: &str) -> f64 {
    window.click(field);
    window.script(&format!(
        "window.keyed = [];
        document.querySelector('{field}').addEventListener('keydown', (event) => {{
            const from = event.timeStamp;
            requestAnimationFrame(() => setTimeout(() => window.keyed.push(performance.now() - from)));
        }}, true);"
    ));
    for key in text.chars() {
        window.type_into(field, &key.to_string());
        std::thread::sleep(KEY_EVERY);
    }
    let all = eventually("all keys are painted", DEADLINE, || {
        let all: Vec<f64> = window.script("return window.keyed").as_array()?.iter().filter_map(Value::as_f64).collect();
        (all.len() >= text.len()).then_some(all)
    });
    median(&all)
}

fn send(window: &Window, command: &Value) {
    window.script(&format!("return window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})"));
}

fn direct_account(window: &Window) -> Stranger {
    let port = ports::free(2);
    send(
        window,
        &json!({ "command": "add_account", "account": {
        "kind": "direct", "user": "desk", "domain": "127.0.0.1", "local_port": port, "label": "Desk",
    } }),
    );
    eventually("the account's port is open", DEADLINE, || {
        let up = "return window.__TAURI_INTERNALS__.invoke('ready')
            .then((all) => all.accounts.some((account) => account.kind === 'direct' && account.registration.state === 'up'))";
        (window.script(up) == true).then_some(())
    });
    Stranger::calling(port)
}

/// One caller rings and hangs up; Unix milliseconds of the INVITE.
fn ring(stranger: &Stranger, call: usize, meanwhile: impl FnOnce()) -> f64 {
    let (from, to) = (format!("\"Caller {call}\" <sip:{call}@127.0.0.1>"), "<sip:desk@127.0.0.1>");
    let sent = now();
    stranger.request("INVITE", call, &from, to, "");
    stranger.answers(&[call], 180);
    meanwhile();
    stranger.request("CANCEL", call, &from, to, "");
    for (call, (_, to)) in stranger.answers(&[call], 400) {
        stranger.request("ACK", call, &from, &to, "");
    }
    sent
}

/// INVITE to painted card; what 500 calls leave behind.
fn calls(figures: &mut Figures, hatif: &Path) {
    let window = Window::open(hatif, "en");
    let stranger = direct_account(&window);
    window.script(
        "window.cards = [];
        let shown = false;
        new MutationObserver(() => {
            const card = document.querySelector('#answer') !== null;
            if (card && !shown) {
                requestAnimationFrame(() => setTimeout(() => window.cards.push(performance.timeOrigin + performance.now())));
            }
            shown = card;
        }).observe(document.body, { childList: true, subtree: true });",
    );
    for call in 0..INVITES {
        let count = || window.script("return window.cards.length").as_u64().unwrap_or(0) as usize;
        let sent = ring(&stranger, call, || {
            eventually("the card is painted", DEADLINE, || (count() > call).then_some(()));
        });
        let painted = window.script(&format!("return window.cards[{call}]")).as_f64().expect("a time");
        figures.add("INVITE to painted card", painted - sent);
        window.wait_gone("#answer");
    }
    let after = |first: usize| {
        for call in first..first + CALLS {
            // A stranger who sends more than 100 datagrams a second is not listened to; a call takes three.
            ring(&stranger, call, || std::thread::sleep(Duration::from_millis(40)));
            // An agent has seen one call off before the next comes; here, ten.
            if call % 10 == 0 {
                window.wait_gone("#answer");
            }
        }
        window.wait_gone("#answer");
        settle(&window);
        memory_of(&window)
    };
    // The first fill what is kept for the next (glyphs, parsed scripts, a heap with room): what grows from there on, grows.
    let (first, second) = (after(INVITES), after(INVITES + CALLS));
    figures.add("memory, after 500 calls", first);
    figures.add("memory, growth a call (501 to 1,000)", (second - first) * 1024.0 / CALLS as f64);
}

/// The same with a long call log.
fn history(figures: &mut Figures, hatif: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(Window::open_on(hatif, "en", folder.path(), &[]));
    let database = folder.path().join("hatif.db").display().to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/history.py").display().to_string();
    run(folder.path(), &["python3", &script, &database, &HISTORY.to_string()]);
    let window = Window::open_on(hatif, "en", folder.path(), &[]);
    figures.add("first paint, 100,000 calls", first_paint(&window) - started(&window, hatif));
    settle(&window);
    figures.add("memory, 100,000 calls", memory_of(&window));
    window.click("#look-around");
    figures.add("key to paint, 100,000 calls", typing(&window, "#dial", NUMBER));
    window.click("#nav-history");
    figures.add("key to paint, searching 100,000 calls", typing(&window, "#history-search", NAME));
    for (metric, query) in [("a page of 100,000 calls", ""), ("the rarest of 100,000 calls", "rare bird")] {
        figures.add(metric, found_in(&window, query));
    }
}

/// Milliseconds from the page's question to its answer in the page.
fn found_in(window: &Window, query: &str) -> f64 {
    let script = format!(
        "const tauri = window.__TAURI_INTERNALS__;
        return new Promise((found) => {{
            const handler = tauri.transformCallback(({{ payload }}) => {{
                if (payload.event === 'history_page' && payload.request === 4711) found([performance.now() - from, payload.entries.length]);
            }});
            let from = 0;
            tauri.invoke('plugin:event|listen', {{ event: 'phone', target: {{ kind: 'Any' }}, handler }}).then(() => {{
                from = performance.now();
                return tauri.invoke('send', {{ command: {{ command: 'find_history', request: 4711, query: '{query}' }} }});
            }});
        }})"
    );
    let answer = window.script(&script);
    assert_ne!(answer[1], json!(0), "{query:?} is found");
    answer[0].as_f64().expect("milliseconds")
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(figures: &Figures, runs: usize, hatif: &Path) {
    let of = |metric: &str| median(figures.of(metric));
    let goals = [
        ("first paint", "ms", of("first paint, bare") * 1.25, Some("first paint, bare")),
        ("first paint, 100,000 calls", "ms", of("first paint, bare") * 1.25, Some("first paint, bare")),
        ("INVITE to painted card", "ms", 150.0, None),
        ("memory, idle", "MB", of("memory, bare") + 60.0, Some("memory, bare")),
        ("memory, after 500 calls", "MB", of("memory, bare") + 60.0, Some("memory, bare")),
        ("memory, growth a call (501 to 1,000)", "kB", 0.0, None),
        ("memory, 100,000 calls", "MB", of("memory, bare") + 60.0, Some("memory, bare")),
        ("key to paint", "ms", 50.0, Some("key to paint, bare")),
        ("key to paint, 100,000 calls", "ms", 50.0, Some("key to paint, bare")),
        ("key to paint, searching 100,000 calls", "ms", 50.0, Some("key to paint, bare")),
        ("a page of 100,000 calls", "ms", 100.0, None),
        ("the rarest of 100,000 calls", "ms", 100.0, None),
    ];
    let built = if hatif.components().any(|part| part.as_os_str() == "release") { "optimised" } else { "debug build" };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut text = String::from("# The window, beside a bare one\n\n");
    let load = load.split(' ').next().unwrap_or_default();
    text += &format!("{}; {built}; load {load}.\n", document::measured("cargo xtask bench ui"));
    text += &format!(
        "Starts: median of {runs} runs, (least to most). Software drawing under Xvfb, driven by WebDriver. Memory is the\n\
         proportional set size of all processes.\n\n| | Hatif | goal, at most | bare Tauri window |\n|---|---|---|---|\n"
    );
    let mut rows = Vec::new();
    for (metric, unit, goal, bare) in goals {
        let mine = figures.of(metric);
        let least = mine.iter().copied().fold(f64::INFINITY, f64::min);
        let most = mine.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let peer = bare.map(of);
        let beside = peer.map(|peer| format!("{peer:.1}")).unwrap_or_default();
        text +=
            &format!("| {metric} ({unit}) | {:.1} ({least:.1} to {most:.1}) | {goal:.1} | {beside} |\n", median(mine));
        rows.push(json!({
            "metric": metric, "hatif": median(mine), "unit": unit, "better": "lower", "goal": goal,
            "peers": peer.map_or(json!({}), |peer| json!({ "bare Tauri window": peer })),
            "runs": mine.len(), "min": least, "max": most,
        }));
    }
    document::save("bench", "ui", &text, &rows);
}
