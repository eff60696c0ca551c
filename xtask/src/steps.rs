//! Runs commands one after another: announced with an estimate, streamed through, counted, ended when they hang.

use crate::count::Count;
use std::{
    io::{BufRead, BufReader, IsTerminal, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

/// One command of a task.
pub struct Step {
    pub title: String,
    /// "a few seconds", "about 9 min the first time".
    pub estimate: &'static str,
    pub command: Command,
    /// Whether it runs tests. One that does and ran none has failed.
    pub tests: bool,
    /// After this it is ended, with all that it started, and has failed.
    pub limit: Duration,
}

/// How a step went.
pub struct Outcome {
    pub title: String,
    pub count: Count,
    /// Tests that failed and passed the second time: to be mended, but no reason to refuse the rest.
    pub second: Vec<String>,
    /// Why there was nothing to do, if so.
    pub note: Option<String>,
    /// What was wrong; `None` when nothing was.
    pub trouble: Option<String>,
    /// It had to be ended.
    hung: bool,
    pub took: Duration,
}

impl Outcome {
    fn of(title: &str, note: Option<String>, trouble: Option<String>) -> Outcome {
        Outcome {
            title: title.into(),
            count: Count::default(),
            second: Vec::new(),
            note,
            trouble,
            hung: false,
            took: Duration::ZERO,
        }
    }

    pub fn good(&self) -> bool {
        self.trouble.is_none() && self.count.failed == 0
    }
}

/// So many failed tests of one step may pass the second time; more are not bad luck.
const FEW: usize = 3;

/// A task's steps, announced as "3 of 9".
pub struct Steps {
    total: usize,
    outcomes: Vec<Outcome>,
    started: Instant,
    /// Where the commands' words go.
    out: Box<dyn Write>,
}

impl Steps {
    pub fn new(total: usize) -> Steps {
        Self::told_to(Box::new(std::io::stdout()), total)
    }

    fn told_to(out: Box<dyn Write>, total: usize) -> Steps {
        Steps { total, outcomes: Vec::new(), started: Instant::now(), out }
    }

    /// Runs one step and says whether it was good.
    pub fn run(&mut self, step: Step) -> bool {
        let outcome = self.announced(step);
        self.keep(outcome)
    }

    /// Runs tests with real programs, windows and clocks on a machine that does other things too. The few that fail are
    /// run once more, alone, and named as such when they pass.
    pub fn run_twice(&mut self, first: Step, again: impl FnOnce(&[String]) -> Command) -> bool {
        let (title, limit) = (first.title.clone(), first.limit);
        let mut outcome = self.announced(first);
        let failed = outcome.count.failures.clone();
        if !outcome.hung && (1..=FEW).contains(&failed.len()) && failed.len() as u64 == outcome.count.failed {
            println!("\n   {} failed. Once more, alone:", failed.join(", "));
            let step = Step { title, estimate: "seconds", command: again(&failed), tests: true, limit };
            let retried = self.announced(step);
            if retried.good() && retried.count.passed >= failed.len() as u64 {
                outcome.count.passed += failed.len() as u64;
                outcome.count.failed = 0;
                outcome.count.failures.clear();
                outcome.trouble = None;
                outcome.second = failed;
            }
            outcome.took += retried.took;
        }
        self.keep(outcome)
    }

    fn announced(&mut self, step: Step) -> Outcome {
        println!("\n── {} of {} · {} ({})", self.outcomes.len() + 1, self.total, step.title, step.estimate);
        println!("   {}\n", shown(&step.command));
        perform(step, &mut self.out)
    }

    fn keep(&mut self, outcome: Outcome) -> bool {
        match &outcome.trouble {
            None if outcome.good() => println!("\n   {} in {}", tally(&outcome.count), human(outcome.took)),
            trouble => {
                let words = trouble.clone().unwrap_or_else(|| tally(&outcome.count));
                println!("\n   FAILED after {}: {words}", human(outcome.took));
            }
        }
        let good = outcome.good();
        self.outcomes.push(outcome);
        good
    }

    /// A step that has nothing to do here.
    pub fn skip(&mut self, title: &str, why: &str) {
        println!("\n── {} of {} · {title}: {why}", self.outcomes.len() + 1, self.total);
        self.outcomes.push(Outcome::of(title, Some(why.into()), None));
    }

    /// A step that was not run, and why: it counts as failed.
    pub fn give_up(&mut self, title: &str, why: &str) {
        println!("\n── {} of {} · {title}: {why}", self.outcomes.len() + 1, self.total);
        self.outcomes.push(Outcome::of(title, None, Some(why.into())));
    }

    /// Prints what failed tests said, what every step came to, the failures by name, and the sum alone on the last line.
    pub fn summary(&self) -> bool {
        for outcome in self.outcomes.iter().filter(|outcome| !outcome.count.said.is_empty()) {
            println!("\n── What failed tests of \"{}\" said\n", outcome.title);
            outcome.count.said.iter().for_each(|line| println!("   {line}"));
        }
        println!("\n── Summary, {} in all\n", human(self.started.elapsed()));
        let width = self.outcomes.iter().map(|outcome| outcome.title.chars().count()).max().unwrap_or(0);
        let mut sum = Count::default();
        for outcome in &self.outcomes {
            let mark = match &outcome.note {
                Some(_) => "--    ",
                None if outcome.good() => "ok    ",
                None => "FAILED",
            };
            let words = outcome.trouble.clone().or_else(|| outcome.note.clone());
            let words = words.unwrap_or_else(|| tally(&outcome.count));
            println!("   {mark}  {:width$}  {:>12}  {words}", outcome.title, human(outcome.took));
            for name in &outcome.count.failures {
                println!("             {name}");
            }
            for name in &outcome.second {
                println!("             passed the second time only: {name}");
            }
            sum.add(&outcome.count);
            // Trouble without a failed test (it did not compile, it hung) is one failure.
            if outcome.trouble.is_some() && outcome.count.failed == 0 {
                sum.failed += 1;
            }
        }
        println!("\n{} passed, {} failed", sum.passed, sum.failed);
        sum.failed == 0
    }
}

fn perform(mut step: Step, out: &mut dyn Write) -> Outcome {
    let started = Instant::now();
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if colour {
        step.command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    }
    step.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    own_group(&mut step.command);
    let mut count = Count::default();
    let mut hung = false;
    let trouble = match step.command.spawn() {
        Err(error) => Some(format!("{} could not be started: {error}", step.command.get_program().to_string_lossy())),
        Ok(mut child) => {
            let (lines, read) = channel();
            for pipe in [pipe(child.stdout.take()), pipe(child.stderr.take())] {
                stream(pipe, lines.clone());
            }
            drop(lines);
            let status = follow(&mut child, &read, &mut count, step.limit, out);
            hung = status.is_none();
            match status {
                None => Some(format!("no end after {}, so it was ended", human(step.limit))),
                Some(true) if step.tests && count.passed + count.failed == 0 => Some("no test was run".into()),
                Some(true) if count.skipped > 0 => Some(format!("{} tests were left out", count.skipped)),
                Some(true) => None,
                Some(false) if count.failed > 0 => Some(tally(&count)),
                Some(false) => Some("the command failed; its words are above".into()),
            }
        }
    };
    let took = started.elapsed();
    Outcome { title: step.title, count, second: Vec::new(), note: None, trouble, hung, took }
}

/// Copies what comes through, counts, and waits for the end: `None` when the limit came first.
fn follow(
    child: &mut Child,
    read: &Receiver<Vec<u8>>,
    count: &mut Count,
    limit: Duration,
    out: &mut dyn Write,
) -> Option<bool> {
    let deadline = Instant::now() + limit;
    let mut status = None;
    let mut last_words = deadline;
    loop {
        match read.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => {
                // A closed terminal is no reason to stop testing.
                let _ = out.write_all(&line).and_then(|()| out.flush());
                count.read(&String::from_utf8_lossy(&line));
                continue;
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) if status.is_some() => return status,
            Err(_) => {}
        }
        if status.is_none()
            && let Ok(Some(ended)) = child.try_wait()
        {
            status = Some(ended.success());
            // A grandchild may hold the pipe for ever (a window that outlived its driver).
            last_words = Instant::now() + Duration::from_secs(2);
        }
        let now = Instant::now();
        if now > deadline.min(last_words) {
            end_group(child);
            return status;
        }
    }
}

fn pipe(end: Option<impl Read + Send + 'static>) -> Option<Box<dyn Read + Send>> {
    end.map(|end| Box::new(end) as Box<dyn Read + Send>)
}

fn stream(pipe: Option<Box<dyn Read + Send>>, lines: Sender<Vec<u8>>) {
    let Some(pipe) = pipe else { return };
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(1..) if lines.send(line).is_ok() => {}
                _ => return,
            }
        }
    });
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// Ends the command and all that it started.
fn end_group(child: &mut Child) {
    if cfg!(unix) {
        let group = format!("-{}", child.id());
        // The group may be gone already, which is what is wanted.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = |word: &std::ffi::OsStr| {
        let word = word.to_string_lossy();
        if word.contains(' ') { format!("'{word}'") } else { word.into_owned() }
    };
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn tally(count: &Count) -> String {
    match (count.passed, count.failed) {
        (0, 0) => "done".into(),
        (passed, 0) => format!("{passed} passed"),
        (passed, failed) => format!("{passed} passed, {failed} failed"),
    }
}

fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f32())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, tests: bool, limit: Duration) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        perform(Step { title: "shell".into(), estimate: "", command, tests, limit }, &mut std::io::sink())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn good_counted_and_failed() {
        let outcome = shell("echo 'test result: ok. 3 passed; 0 failed; 0 ignored;'", true, LONG);
        assert!(outcome.good() && outcome.count.passed == 3);
        assert!(!shell("exit 3", false, LONG).good());
        assert!(!shell("echo 'test result: FAILED. 3 passed; 1 failed; 0 ignored;' >&2; exit 101", true, LONG).good());
    }

    #[test]
    fn no_test_and_left_out_tests_are_failures() {
        assert!(!shell("true", true, LONG).good());
        assert!(!shell("echo 'test result: ok. 3 passed; 0 failed; 1 ignored;'", true, LONG).good());
    }

    #[test]
    fn a_test_that_fails_once_is_named_and_one_that_fails_twice_fails() {
        let step = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Step { title: "shell".into(), estimate: "", command, tests: true, limit: LONG }
        };
        let failed =
            "echo 'test a::b ... FAILED'; echo 'test result: FAILED. 3 passed; 1 failed; 0 ignored;'; exit 101";
        let passed = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored;'";
        let none = "echo 'test result: ok. 0 passed; 0 failed; 0 ignored;'";
        for (second, good) in [(passed, true), (failed, false), (none, false)] {
            let mut steps = Steps::told_to(Box::new(std::io::sink()), 1);
            let told = steps.run_twice(step(failed), |names| {
                assert_eq!(names, ["a::b"]);
                step(second).command
            });
            assert_eq!((told, steps.summary()), (good, good));
            assert_eq!(steps.outcomes[0].second.len(), usize::from(good));
            assert_eq!(steps.outcomes[0].count.passed, 3 + u64::from(good));
        }
        let mut steps = Steps::told_to(Box::new(std::io::sink()), 1);
        assert!(!steps.run_twice(step("exit 101"), |_| unreachable!("nothing to run again")));
    }

    #[test]
    fn what_hangs_is_ended_with_its_children() {
        let outcome = shell("sleep 1000 & sleep 1000", false, Duration::from_millis(300));
        assert!(outcome.trouble.is_some_and(|words| words.contains("no end")));
    }

    #[test]
    fn a_grandchild_that_holds_the_pipe_does_not_hold_us() {
        assert!(shell("sleep 1000 & exit 0", false, LONG).good());
    }
}
