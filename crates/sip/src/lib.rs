//! SIP and SDP as a pure machine in virtual time.
