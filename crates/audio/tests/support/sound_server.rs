//! A private sound server without hardware.
