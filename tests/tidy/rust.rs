//! Just enough of Rust's grammar: what is code, what a comment, what a string, what is compiled for tests only.
//! Lines keep their numbers.

/// The code with comments and the insides of strings blanked out.
pub fn code(text: &str) -> String {
    split(text).0
}

/// The string literals, each with its line counted from 0. Escapes are left as they are written.
pub fn strings(text: &str) -> Vec<(usize, String)> {
    split(text).1
}

fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut line = 0;
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => until(&chars, at, |rest| rest.starts_with(&['\n'])),
            ('/', Some('*')) => comment_end(&chars, at),
            ('"', _) => {
                let end = string_end(&chars, at + 1);
                strings.push((line, chars[at + 1..end.saturating_sub(1).max(at + 1)].iter().collect()));
                end
            }
            ('r', Some('"' | '#')) if !at.checked_sub(1).is_some_and(|before| is_word(chars[before])) => {
                match raw_string_end(&chars, at) {
                    Some((from, to, end)) => {
                        strings.push((line, chars[from..to].iter().collect()));
                        end
                    }
                    None => at,
                }
            }
            ('\'', _) => char_end(&chars, at),
            _ => at,
        };
        if end <= at {
            out.push(chars[at]);
            line += usize::from(chars[at] == '\n');
            at += 1;
            continue;
        }
        for &c in &chars[at..end] {
            line += usize::from(c == '\n');
            out.push(if c == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    (out, strings)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn until(chars: &[char], from: usize, found: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&at| found(&chars[at..])).unwrap_or(chars.len())
}

/// Block comments nest in Rust.
fn comment_end(chars: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Where the inside of `r"..."` or `r#"..."#` begins and ends, and where the whole ends.
fn raw_string_end(chars: &[char], at: usize) -> Option<(usize, usize, usize)> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let from = at + 1 + hashes;
    if chars.get(from) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let to = until(chars, from + 1, |rest| rest.starts_with(&close));
    Some((from + 1, to, (to + close.len()).min(chars.len())))
}

/// The end of a character literal, or `at` for a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => until(chars, at + 3, |rest| rest.starts_with(&['\''])) + 1,
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// `code` without the items under `#[cfg(test)]`, which a release does not hold.
pub fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(found) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..found]);
        let end = item_end(&rest[found..]);
        out.extend(rest[found..found + end].chars().filter(|c| *c == '\n'));
        rest = &rest[found + end..];
    }
    out.push_str(rest);
    out
}

/// The end of the item that begins here: its closing brace, or a semicolon outside braces.
fn item_end(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether `word` stands in `line`, not as a part of a longer word.
pub fn names_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let apart = |c: Option<char>| !c.is_some_and(is_word);
        (apart(before) || !word.starts_with(is_word)) && (apart(after) || !word.ends_with(is_word))
    })
}

#[test]
fn comments_and_strings_are_no_code() {
    let text =
        "use a; // tokio\nlet b = \"tokio \\\" still\"; /* tokio /* nested */ tokio */ let c = r#\"tok\"io\"#;\n";
    let code = code(text);
    assert!(!code.contains("tok"), "{code}");
    assert!(code.contains("let b") && code.contains("let c"));
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn strings_are_found_with_their_lines() {
    let found =
        strings("// \"no\"\nlet a = \"one\";\nlet b = (r\"two\", '\"', \"three\");\nfn f<'a>(x: &'a str) {}\n\"four\"");
    let expected = [(1, "one"), (2, "two"), (2, "three"), (4, "four")];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_string())));
}

#[test]
fn what_is_compiled_for_tests_only_is_left_out() {
    let text =
        "fn a() { x }\n#[cfg(test)]\nmod tests {\n  fn b() { Instant::now(); }\n}\nfn c() {}\n#[cfg(test)]\nuse d;\n";
    let rest = without_tests(text);
    assert!(!rest.contains("Instant") && rest.contains("fn a") && rest.contains("fn c") && !rest.contains("use d"));
    assert_eq!(rest.lines().count(), text.lines().count());
}

#[test]
fn words_are_whole() {
    assert!(names_word("use tokio::net;", "tokio"));
    assert!(!names_word("use tokio_rustls;", "tokio"));
    assert!(names_word("std::fs::read", "std::fs"));
}
