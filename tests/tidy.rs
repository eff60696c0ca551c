//! The rules of the house, as tests. Each rule is a function over text that returns what it found wrong; each has a
//! test beside it that shows it catching a bad example. Here they meet the real files.

mod tidy {
    pub mod catalogue;
    pub mod edges;
    pub mod files;
    pub mod page;
    pub mod rust;
    pub mod versions;
    pub mod words;
}

use tidy::{
    catalogue, edges,
    files::{self, File},
    page, versions, words,
};

/// Fails with all that was found, one line each.
fn nothing(found: Vec<String>) {
    assert!(found.is_empty(), "\n\n{}\n", found.join("\n"));
}

/// The rule over every file that `wanted` names. A rule that meets no file guards nothing, and fails.
fn over(files: &[File], wanted: impl Fn(&File) -> bool, rule: impl Fn(&File) -> Vec<String>) {
    let files: Vec<&File> = files.iter().filter(|file| wanted(file)).collect();
    assert!(!files.is_empty(), "no file is there for this rule");
    nothing(files.into_iter().flat_map(rule).collect());
}

fn in_crates(file: &File) -> bool {
    file.is("rs") && (file.path.starts_with("crates/") || file.path.starts_with("src-tauri/"))
}

fn style(file: &File) -> bool {
    file.path.starts_with("ui/") && (file.is("svelte") || file.is("css"))
}

#[test]
fn crates_depend_only_in_the_permitted_direction() {
    let manifests: Vec<File> = files::all().into_iter().filter(|file| file.path.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() > 9, "the manifests of the workspace are found");
    nothing(manifests.iter().flat_map(edges::siblings).collect());
}

#[test]
fn each_border_hides_its_library() {
    let every = files::all();
    over(&every, |file| file.is("rs") || file.path.ends_with("Cargo.toml"), edges::libraries);
    over(&every, |file| file.path.starts_with("ui/src/"), edges::page_host);
}

#[test]
fn the_pure_crates_touch_nothing_outside() {
    let pure = ["crates/core/src/", "crates/sip/src/", "crates/media/src/", "crates/turn/src/"];
    for folder in pure {
        over(&files::all(), |file| file.is("rs") && file.path.starts_with(folder), edges::purity);
    }
}

#[test]
fn queues_are_bounded() {
    over(&files::all(), in_crates, edges::unbounded);
}

#[test]
fn catalogues_say_the_same_things() {
    nothing(catalogue::differences(&catalogue::load()));
}

#[test]
fn every_sentence_is_used_and_every_used_sentence_is_there() {
    let every = files::all();
    let english = catalogue::load().remove("en").expect("ui/src/i18n/en.json is there");
    nothing(catalogue::usage(&english, &every));
}

#[test]
fn every_message_of_the_application_has_its_words() {
    let every = files::all();
    let rust: Vec<&File> = every.iter().filter(|file| in_crates(file) && !file.is_test()).collect();
    assert!(!rust.is_empty());
    for (language, sentences) in catalogue::load() {
        nothing(catalogue::messages(&language, &sentences, &rust));
    }
}

#[test]
fn styles_know_no_left_and_right() {
    over(&files::all(), style, page::physical);
}

#[test]
fn markup_holds_no_literal_text() {
    over(&files::all(), |file| file.path.starts_with("ui/src/") && file.is("svelte"), page::literal_text);
}

#[test]
fn names_say_what_a_thing_is() {
    over(&files::all(), |file| file.is("rs") || file.is("ts") || file.is("svelte"), words::names);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    over(&files::all(), words::is_hand_written, words::length);
}

#[test]
fn files_say_what_they_are_for() {
    over(&files::all(), |file| file.is("rs") && !file.path.ends_with("/tests.rs"), words::purpose);
}

#[test]
fn no_test_is_left_out() {
    over(&files::all(), |file| file.is("rs") || file.is("ts") || file.is("mjs"), words::left_out);
}

#[test]
fn versions_are_exact() {
    over(&files::all(), |file| file.path.ends_with("Cargo.toml"), versions::cargo);
    over(&files::all(), |file| file.path == "package.json", versions::npm);
}
