//! Hatif and baresip, called directly, without a PBX between: both ways, by what each hears.

use crate::{hum, microphone};
use hatif_lab::{Baresip, Cli, baresip, cli, ports};

const OURS: u32 = 700;
const THEIRS: u32 = 500;

fn options(codecs: &'static str) -> baresip::Options {
    baresip::Options { tone: THEIRS, codecs, ..Default::default() }
}

#[test]
fn calls_baresip_and_both_hear_each_other() {
    for codecs in ["opus/48000/2", "g722", "pcma", "pcmu"] {
        let folder = tempfile::tempdir().unwrap();
        let peer = Baresip::start(options(codecs));
        let tones = [OURS, 900, 1100];
        let mut cli = Cli::playing(Some(&microphone(&folder, &tones, 1.0)));
        let account = cli.add_direct(ports::free(2));
        let call = cli.call(&peer.address(), account);
        cli.wait_call(call, "active");
        cli.wait_heard(THEIRS, 1.0);
        peer.wait_heard(1100, 0.7);
        assert_eq!(peer.heard().unwrap().order_of(&tones), tones, "{codecs}");
        cli.hang_up(call);
        peer.wait_for("CALL_CLOSED");
        cli.quit();
    }
}

#[test]
fn is_called_by_baresip_and_both_hear_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = Baresip::start(options("opus/48000/2,pcma"));
    let port = ports::free(2);
    let mut phone =
        Cli::start(cli::Options { play: Some(hum(&folder, OURS)), auto_answer: true, ..Default::default() });
    phone.add_direct(port);
    peer.command("dial", &format!("sip:hatif@127.0.0.1:{port}"));
    let call = phone.wait_incoming(0)["id"].as_u64().unwrap();
    phone.wait_call(call, "active");
    phone.wait_heard(THEIRS, 1.0);
    peer.wait_heard(OURS, 1.0);
    peer.command("hangup", "");
    let ended = phone.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.remote_hang_up", "{ended}");
}

/// What is said here after a hold is heard at the other end in `asterisk::a_hold_at_one_end_...`: baresip 1.0 itself
/// does not take up its recording again.
#[test]
fn baresip_holds_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = Baresip::start(options("pcma"));
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    let account = cli.add_direct(ports::free(2));
    let call = cli.call(&peer.address(), account);
    cli.wait_call(call, "active");
    cli.wait_heard(THEIRS, 0.5);
    peer.wait_heard(OURS, 0.5);
    let mark = cli.events.mark();
    peer.command("hold", "");
    cli.wait_call_for(mark, call, "active", |state| state["hold"] == "remote");
    cli.wait_tail(THEIRS, false);
    let mark = cli.events.mark();
    peer.command("resume", "");
    cli.wait_call_for(mark, call, "active", |state| state["hold"] == "none");
    cli.wait_tail(THEIRS, true);
    cli.hang_up(call);
}

#[test]
fn without_a_common_codec_there_is_no_call_and_a_reason() {
    let mut peer = Baresip::start(options("gsm"));
    let mut cli = Cli::playing(None);
    let port = ports::free(2);
    let account = cli.add_direct(port);
    let call = cli.call(&peer.address(), account);
    let ended = cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.no_common_codec", "{ended}");
    peer.command("dial", &format!("sip:hatif@127.0.0.1:{port}"));
    let closed = peer.events.wait_for("the end of its own call", 0, |event| {
        event["type"] == "CALL_CLOSED" && event["direction"] == "outgoing"
    });
    assert!(closed["param"].to_string().contains("488"), "{closed}");
    assert!(cli.is_alive());
}
