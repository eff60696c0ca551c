//! A program of the lab: started in its own group, its words kept in a file, ended with all its children when the
//! value is dropped and when the test process ends, even if that is killed.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

/// Runs "$@" and, beside it, a watch on standard input, which is a pipe that the test process holds: when that
/// closes, for whatever reason, the whole group is killed.
const WATCHED: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
main=$!
{ cat <&3 >/dev/null 2>&1; kill -KILL 0; } &
exec 3<&-
wait $main
"#;

pub struct Process {
    name: String,
    shell: Child,
    /// Held open while the process may live.
    watch: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `words` in `folder` and keeps what it prints in `folder/NAME.log`.
    pub fn start(name: &str, folder: &Path, words: &[String]) -> Process {
        Process::start_with(name, folder, words, &[])
    }

    pub fn start_with(name: &str, folder: &Path, words: &[String], environment: &[(&str, String)]) -> Process {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let err = out.try_clone().expect("a file handle can be had twice");
        let mut command = Command::new("sh");
        command.args(["-c", WATCHED, "sh"]).args(words).current_dir(folder).process_group(0);
        command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::piped()).stdout(out).stderr(err);
        let mut shell = command.spawn().unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        let watch = shell.stdin.take();
        Process { name: name.into(), shell, watch, log }
    }

    /// Whether the program has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.shell.try_wait(), Ok(None))
    }

    /// Everything that lives in its group, by id and name (whole, not the kernel's 15 letters).
    pub fn members(&self) -> Vec<(u32, String)> {
        let group = self.shell.id().to_string();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter_map(|id| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // State, parent, group: what follows the name, which may itself hold spaces and brackets.
            let of_group = stat.rsplit_once(") ")?.1.split(' ').nth(2) == Some(&group);
            let program = fs::read_link(format!("/proc/{id}/exe")).ok().filter(|_| of_group)?;
            Some((id, program.file_name()?.to_string_lossy().into_owned()))
        })
        .collect()
    }

    /// What it has printed so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `found` says yes; panics with the program's last words when it ends or takes too long.
    pub fn ready_when(&mut self, limit: Duration, mut found: impl FnMut(&Process) -> bool) {
        let deadline = Instant::now() + limit;
        while !found(self) {
            if self.has_ended() || Instant::now() > deadline {
                let output = self.output();
                let last: Vec<&str> = output.lines().rev().take(15).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                panic!("{} did not become ready. Its last words:\n{}", self.name, last.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it has ended by itself.
    pub fn wait_end(mut self, limit: Duration) {
        let name = self.name.clone();
        eventually(&format!("{name} ends"), limit, || self.has_ended().then_some(()));
    }

    /// Ends it and its children at once, as a crash would.
    pub fn kill(&mut self) {
        self.watch = None;
        // The shell is killed with its group by the watch.
        let _ = self.shell.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() && std::env::var_os("HATIF_LAB_LOGS").is_some() {
            eprintln!("--- {}\n{}", self.name, self.output());
        }
    }
}

/// Asks again and again until there is an answer; panics when `limit` has passed.
pub fn eventually<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "it did not come to this within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a program to its end and returns what it printed; panics when it fails.
pub fn run(folder: &Path, words: &[&str]) -> String {
    let [program, arguments @ ..] = words else { panic!("no program") };
    let output = Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} could not be started: {error} (cargo xtask setup)"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?} failed:\n{text}");
    text
}

/// Words of a command line.
pub fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(String::from).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives(pid: &str) -> bool {
        // A zombie is nobody.
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn what_is_started_ends_with_its_value_and_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 1000 & echo child $!; echo own $$; wait";
        let mut process = Process::start("sleeper", folder.path(), &words(["sh", "-c", script]));
        process.ready_when(Duration::from_secs(10), |process| process.output().lines().count() == 2);
        let output = process.output();
        let pids: Vec<&str> = output.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert!(pids.len() == 2 && pids.iter().all(|pid| lives(pid)));
        drop(process);
        eventually("both have ended", Duration::from_secs(10), || pids.iter().all(|pid| !lives(pid)).then_some(()));
    }

    #[test]
    fn what_ends_by_itself_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start("short", folder.path(), &words(["true"]));
        eventually("it has ended", Duration::from_secs(10), || process.has_ended().then_some(()));
    }
}
