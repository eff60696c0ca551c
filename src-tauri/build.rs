//! Tells Tauri which commands exist, so that the page may call those and nothing else.

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    tauri_build::try_build(
        tauri_build::Attributes::new()
            .capabilities_path_pattern("./src-tauri/capabilities/**/*")
            .app_manifest(tauri_build::AppManifest::new().commands(&["ready", "send"])),
    )
    .expect("the Tauri configuration is valid");
}
