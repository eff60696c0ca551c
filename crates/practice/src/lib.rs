//! The built-in practice line.
