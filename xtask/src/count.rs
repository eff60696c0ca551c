//! Reads how many tests passed and failed out of what the runners print.

/// Sums over all the runners that printed in one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    /// Tests that a runner left out. None is meant to be.
    pub skipped: u64,
    /// Names of the failed ones, where the runner says them on a line of their own.
    pub failures: Vec<String>,
    /// What the runners said of them, from the beginning.
    pub said: Vec<String>,
    /// They are saying it.
    telling: bool,
}

/// So many lines of that are kept.
const SAID: usize = 120;

impl Count {
    /// Reads one line of cargo test, vitest, Playwright or node's own runner.
    pub fn read(&mut self, line: &str) {
        let line = plain(line);
        self.listen(line.trim_end());
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.passed += before(rest, " passed");
            self.failed += before(rest, " failed");
            self.skipped += before(rest, " ignored");
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_string());
        } else if let Some(rest) = line.strip_prefix("Tests ") {
            // vitest: "Tests  1 failed | 11 passed (12)"
            self.passed += before(rest, " passed");
            self.failed += before(rest, " failed");
            self.skipped += before(rest, " skipped") + before(rest, " todo");
        } else if let Some((number, rest)) = split_number(line) {
            // Playwright: "3 passed (4.1s)", "1 failed", "2 skipped", "1 flaky", "1 did not run"
            match rest.split(" (").next().unwrap_or(rest) {
                "passed" => self.passed += number,
                "failed" | "flaky" | "did not run" => self.failed += number,
                "skipped" => self.skipped += number,
                _ => {}
            }
        } else if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
            // node --test: "# pass 3", "# fail 0", "# cancelled 0"
            match rest.split_once(' ').map(|(word, number)| (word, number.parse().unwrap_or(0))) {
                Some(("pass", number)) => self.passed += number,
                Some(("fail" | "cancelled", number)) => self.failed += number,
                Some(("skipped" | "todo", number)) => self.skipped += number,
                _ => {}
            }
        } else if let Some(name) = line.strip_prefix("FAIL ").or_else(|| line.strip_prefix("✖ "))
            && name != "failing tests:"
            && !self.failures.iter().any(|known| known == name.trim())
        {
            self.failures.push(name.trim().to_string());
        }
    }

    /// Keeps what stands between the runner's heading (cargo's, vitest's) and its sum.
    fn listen(&mut self, line: &str) {
        let words = line.trim();
        if words == "failures:" || words.contains(" Failed Tests ") {
            self.telling = true;
        } else if words.starts_with("test result: ") || words.starts_with("Test Files ") {
            self.telling = false;
        } else if self.telling && !words.is_empty() && self.said.len() < SAID {
            self.said.push(line.into());
        }
    }

    pub fn add(&mut self, other: &Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures.iter().cloned());
    }
}

/// The number in front of `word` ("12" in "ok. 12 passed; 0 failed" before " passed").
fn before(text: &str, word: &str) -> u64 {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

fn split_number(line: &str) -> Option<(u64, &str)> {
    let (number, rest) = line.split_once(' ')?;
    Some((number.parse().ok()?, rest))
}

/// The line without terminal colours (ECMA-48 control sequences).
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> Count {
        let mut count = Count::default();
        text.lines().for_each(|line| count.read(line));
        count
    }

    #[test]
    fn cargo_test() {
        let text = "test calls::busy ... FAILED\ntest calls::echo ... ok\n\
            test result: FAILED. 11 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.03s\n\
            test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let count = count(text);
        assert_eq!((count.passed, count.failed, count.skipped), (15, 1, 2));
        assert_eq!(count.failures, ["calls::busy"]);
    }

    #[test]
    fn vitest_in_colour() {
        let count = count(
            " FAIL  ui/src/a.test.ts > adds\n\
             \u{1b}[2m Test Files \u{1b}[22m 1 failed | 2 passed (3)\n\
             \u{1b}[2m      Tests \u{1b}[22m \u{1b}[31m1 failed\u{1b}[39m | \u{1b}[32m11 passed\u{1b}[39m (12)\n",
        );
        assert_eq!((count.passed, count.failed), (11, 1));
        assert_eq!(count.failures, ["ui/src/a.test.ts > adds"]);
    }

    #[test]
    fn what_was_said_of_failures_is_kept() {
        let cargo = "test a::b ... FAILED\n\nfailures:\n\n---- a::b stdout ----\n  left: 1\n\nfailures:\n    a::b\n\n\
            test result: FAILED. 0 passed; 1 failed; 0 ignored;\nafterwards\n";
        assert_eq!(count(cargo).said, ["---- a::b stdout ----", "  left: 1", "    a::b"]);
        let vitest = "before\n\u{1b}[31m⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\u{1b}[39m\n FAIL  a.test.ts > adds\nError: it does not\n\
            Test Files  1 failed (1)\n     Tests  1 failed (1)\n";
        assert_eq!(count(vitest).said, [" FAIL  a.test.ts > adds", "Error: it does not"]);
    }

    #[test]
    fn playwright() {
        let count = count("  1 failed\n    [chromium] › a.spec.ts:3:1 › rings\n  1 skipped\n  3 passed (4.1s)\n");
        assert_eq!((count.passed, count.failed, count.skipped), (3, 1, 1));
    }

    #[test]
    fn node_in_both_reporters() {
        for mark in ["#", "ℹ"] {
            let lines = ["tests 5", "pass 4", "fail 1", "cancelled 0", "skipped 0"];
            let text: String = lines.iter().map(|line| format!("{mark} {line}\n")).collect();
            assert_eq!((count(&text).passed, count(&text).failed), (4, 1));
        }
    }

    #[test]
    fn prose_counts_nothing() {
        let text = "   Compiling hatif v0.1.0\n3 passengers\nTests are running\n# heading\n12 warnings emitted\n";
        assert_eq!(count(text), Count::default());
    }
}
