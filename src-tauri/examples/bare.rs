//! A Tauri window with one line of text and nothing else: what Hatif's own is measured beside (`cargo xtask bench ui`).

fn main() {
    tauri::Builder::default()
        .run(tauri::generate_context!("tests/bench/bare/tauri.conf.json"))
        .expect("a window can be opened");
}
