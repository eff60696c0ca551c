//! Runs hatif-sip on real transports.
