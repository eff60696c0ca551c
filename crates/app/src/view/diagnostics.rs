//! What a person who helps from afar needs to know, beside what the snapshot says.

use serde::{Deserialize, Serialize};
use specta::Type;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DiagnosticsView {
    /// `linux x86_64`
    pub system: String,
    /// The codecs that are offered, best first, by their names in SDP.
    pub codecs: Vec<String>,
    /// The last lines of the log at INFO and above, oldest first, at most 500. No number, name, address or secret is in
    /// them.
    pub log: Vec<LogLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct LogLine {
    /// Unix time in milliseconds.
    #[specta(type = u32)]
    pub at_ms: f64,
    pub level: LogLevel,
    /// The part of Hatif that says it: `hatif_audio::slot`.
    pub part: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Info,
    Warning,
    Error,
}
