//! What a final response means to a person (RFC 3261 21, RFC 3326).

use crate::{
    io::EndReason,
    text::{Request, decode, split_list},
    transaction::Failure,
};

/// Why our call ended, by the final response to its INVITE. `rang`: whether the far side had rung before.
pub fn of_status(status: u16, rang: bool) -> EndReason {
    match status {
        401 | 407 => EndReason::Unauthorized,
        403 => EndReason::Forbidden,
        404 | 604 => EndReason::NotFound,
        408 | 480 | 487 if rang => EndReason::NoAnswer,
        408 => EndReason::TimedOut,
        410 => EndReason::Gone,
        415 | 488 | 606 => EndReason::NoCommonCodec,
        416 => EndReason::BadTarget,
        480 => EndReason::TemporarilyUnavailable,
        484 => EndReason::AddressIncomplete,
        486 | 600 => EndReason::Busy,
        502 | 504 => EndReason::Unreachable,
        500..600 => EndReason::ServerError,
        603 | 607 | 608 => EndReason::Rejected,
        status => EndReason::Other { status },
    }
}

/// Why our call ended when no final response came.
pub fn of_failure(failure: Failure) -> EndReason {
    match failure {
        Failure::TimedOut => EndReason::TimedOut,
        Failure::Wire(failure) => EndReason::Wire(failure),
    }
}

/// Why a ringing call was cancelled: another phone may have taken it (RFC 3326).
pub fn of_cancel(cancel: &Request) -> EndReason {
    for header in cancel.headers.iter().filter(|h| h.is("Reason")) {
        for item in split_list(&decode(&header.value)) {
            let lower = item.to_ascii_lowercase();
            let cause_200 = lower
                .split(';')
                .any(|p| p.split_once('=').is_some_and(|(n, v)| n.trim() == "cause" && v.trim() == "200"));
            if lower.trim_start().starts_with("sip") && cause_200 || lower.contains("completed elsewhere") {
                return EndReason::AnsweredElsewhere;
            }
        }
    }
    EndReason::Missed
}

/// The status that a transferor is told of a call that ended so (RFC 3515 2.4.5).
pub fn to_sipfrag(reason: EndReason, status: Option<u16>) -> u16 {
    match (status.filter(|s| *s >= 300), reason) {
        (Some(status), _) => status,
        (None, EndReason::Cancelled | EndReason::LocalHangUp) => 487,
        (None, EndReason::TimedOut | EndReason::NoAnswer) => 408,
        (None, EndReason::NoCommonCodec | EndReason::NotEncrypted) => 488,
        (None, EndReason::BadTarget) => 404,
        (None, _) => 503,
    }
}
