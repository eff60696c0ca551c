//! SQLite on its own thread, and the OS keyring.
