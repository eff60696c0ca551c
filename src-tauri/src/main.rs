// A window program on Windows: no console beside it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    hatif_shell::run();
}
