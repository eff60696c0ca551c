//! hatif-app: the application without a window.

pub mod command;
pub mod view;
