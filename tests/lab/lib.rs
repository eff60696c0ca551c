//! The interop lab: real counterparts on loopback, for the tests in `tests/interop`.
