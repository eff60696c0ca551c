//! The page's typed bindings are generated from the Rust types and checked in; this fails when they are stale.
//! `HATIF_WRITE_BINDINGS=1 cargo test --test bindings` writes them anew.

use specta_typescript::Typescript;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/src/backend/bindings.ts");

#[test]
fn bindings_are_not_stale() {
    let made = std::env::temp_dir().join(format!("hatif-bindings-{}.ts", std::process::id()));
    hatif_shell::bindings().export(Typescript::default(), &made).expect("the types can be written as TypeScript");
    let fresh = std::fs::read_to_string(&made).expect("just written");
    std::fs::remove_file(&made).expect("just written");
    if std::env::var_os("HATIF_WRITE_BINDINGS").is_some() {
        std::fs::write(PATH, &fresh).expect("ui/src/backend is there");
    }
    let kept = std::fs::read_to_string(PATH).expect("ui/src/backend/bindings.ts is there");
    assert!(kept == fresh, "ui/src/backend/bindings.ts is stale: HATIF_WRITE_BINDINGS=1 cargo test --test bindings");
}
