//! The words of call control: transfers, lamps, mailboxes, messages.

use super::wire;
use hatif_core::{call as c, ids, sip as port, text::Text};
use hatif_sip as s;

pub fn peer(peer: s::Peer) -> c::Peer {
    c::Peer { name: peer.name, address: peer.address, uri: peer.uri }
}

pub fn headers(headers: s::CallHeaders) -> port::CallHeaders {
    port::CallHeaders {
        queue: headers.queue,
        dialled: headers.dialled,
        target: headers.target,
        replaces: headers.replaces.map(|call| ids::CallId(call.0)),
        answer_after: headers.answer_after,
        verified: match headers.verified {
            s::Verified::Unknown => port::Verified::Unknown,
            s::Verified::Passed => port::Verified::Passed,
            s::Verified::Failed => port::Verified::Failed,
        },
        extra: headers.extra,
    }
}

pub fn package(package: port::Package) -> s::Package {
    match package {
        port::Package::Dialog => s::Package::Dialog,
        port::Package::Presence => s::Package::Presence,
        port::Package::MessageSummary => s::Package::MessageSummary,
    }
}

pub fn lamp(lamp: s::Lamp) -> port::Lamp {
    match lamp {
        s::Lamp::Unknown => port::Lamp::Unknown,
        s::Lamp::Free => port::Lamp::Free,
        s::Lamp::Ringing { caller } => port::Lamp::Ringing { caller: caller.map(peer) },
        s::Lamp::Busy => port::Lamp::Busy,
        s::Lamp::Away => port::Lamp::Away,
    }
}

pub fn progress(progress: s::TransferProgress) -> port::TransferProgress {
    use port::TransferProgress as P;
    match progress {
        s::TransferProgress::Accepted => P::Accepted,
        s::TransferProgress::Ringing => P::Ringing,
        s::TransferProgress::Done => P::Done,
        s::TransferProgress::Failed(failure) => P::Failed(match failure {
            s::TransferFailure::Refused { status } => Text::new("transfer.refused").with("status", status.to_string()),
            s::TransferFailure::Target { status } => target_said(status),
            s::TransferFailure::TimedOut => Text::new("transfer.timed_out"),
            s::TransferFailure::NoWord => Text::new("transfer.no_word"),
            s::TransferFailure::Impossible => Text::new("transfer.impossible"),
            s::TransferFailure::BadTarget => Text::new("call.bad_target"),
        }),
    }
}

/// What the target of a transfer answered.
fn target_said(status: u16) -> Text {
    match status {
        403 => Text::new("call.forbidden"),
        404 | 604 => Text::new("call.not_found"),
        408 | 487 => Text::new("call.no_answer"),
        410 => Text::new("call.gone"),
        480 => Text::new("call.unavailable"),
        484 => Text::new("call.incomplete"),
        486 | 600 => Text::new("call.busy"),
        603 => Text::new("call.rejected"),
        status => Text::new("transfer.failed").with("status", status.to_string()),
    }
}

pub fn not_watched(failure: s::RequestFailure) -> Text {
    use s::RequestFailure as F;
    match failure {
        F::Status(403 | 603) => Text::new("watch.forbidden"),
        F::Status(404 | 604) => Text::new("watch.not_found"),
        F::Status(405 | 489 | 501) => Text::new("watch.unsupported"),
        F::Status(status) => Text::new("watch.failed").with("status", status.to_string()),
        F::TimedOut => Text::new("watch.timed_out"),
        F::Wire(failure) => wire(failure),
        F::Terminated => Text::new("watch.ended"),
        F::BadTarget | F::TooLong => Text::new("call.bad_target"),
    }
}

pub fn not_delivered(failure: s::RequestFailure) -> Text {
    use s::RequestFailure as F;
    match failure {
        F::Status(404 | 604) => Text::new("call.not_found"),
        F::Status(480) => Text::new("call.unavailable"),
        F::Status(405 | 415 | 488 | 501) => Text::new("message.unsupported"),
        F::Status(status) => Text::new("message.failed").with("status", status.to_string()),
        F::TimedOut | F::Terminated => Text::new("message.timed_out"),
        F::Wire(failure) => wire(failure),
        F::BadTarget => Text::new("call.bad_target"),
        F::TooLong => Text::new("message.too_long"),
    }
}
