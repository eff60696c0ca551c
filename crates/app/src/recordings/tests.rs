//! What has been kept long enough is destroyed, by rule and with an entry in the ledger; what is held stays.

use super::*;
use hatif_core::call::Peer;
use std::{
    fs,
    sync::mpsc::{Receiver, sync_channel},
};

fn library(folder: &Path) -> (Recordings, Receiver<Told>) {
    let (tell, told) = sync_channel(64);
    let tell: Tell = Arc::new(move |event| drop(tell.try_send(event)));
    (Recordings::new(folder, folder.to_owned(), tell), told)
}

fn row(name: &str, held: bool) -> Recording {
    let peer = Peer { name: None, address: "600".into(), uri: String::new() };
    let end = RecordingEnd {
        length: Duration::from_secs(3),
        paused: Duration::ZERO,
        gaps: Duration::ZERO,
        torn: false,
        bytes: 4,
        digest: [0; 32],
    };
    Recording {
        name: name.into(),
        interaction: 1,
        account_label: "Office".into(),
        direction: Direction::Incoming,
        peer,
        started: UNIX_EPOCH + present::DAY * 100,
        end: Some(end),
        held,
        comments: 0,
    }
}

#[test]
fn what_is_too_old_is_destroyed_and_stands_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (mut library, told) = library(folder.path());
    let now = UNIX_EPOCH + present::DAY * 200;
    assert!(library.expire(now).is_empty(), "without a rule everything is kept");
    library.keep_days = 30;
    let asked = library.expire(now);
    let before = UNIX_EPOCH + present::DAY * 170;
    assert!(matches!(&asked[..], [Effect::Store(RecordingsCommand::FindOlder(at))] if *at == before));

    let name = "0123456789abcdef0123456789abcdef";
    let file = recorder::file(&folder.path().join("recordings"), name).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, [0; 200]).unwrap();
    // The key is asked for first.
    let asked = library.stored(RecordingsEvent::Older(vec![row(name, false)]));
    let [Effect::Store(RecordingsCommand::Key { fresh })] = &asked[..] else { panic!("the key is asked for") };
    library.stored(RecordingsEvent::Key { key: Some(fresh.clone()), head: None });
    let deleted = told.recv().unwrap();
    assert!(matches!(&deleted, Told::Deleted(gone, Deed::Expired, Ok(())) if gone == name));
    assert!(!file.exists());
    let effects = library.told(deleted);
    assert!(matches!(&effects[0], Effect::Store(RecordingsCommand::Delete(gone)) if gone == name));
    let Told::Head(head) = told.recv().unwrap() else { panic!("the ledger grows") };
    assert_eq!(head.count, 1);
    library.ask(Asked::Log { recording: name.into() });
    let Told::Show(shown) = told.recv().unwrap() else { panic!("the log is shown") };
    assert!(matches!(*shown, Shown::Log { entries, .. } if entries[0].deed == view::DeedView::Expired));
}

#[test]
fn what_is_held_is_deleted_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (mut library, _told) = library(folder.path());
    let name = "0123456789abcdef0123456789abcdef";
    library.ask(Asked::Delete { recording: name.into() });
    let answer = RecordingsEvent::Row { name: name.into(), recording: Some(Box::new(row(name, true))) };
    let effects = library.stored(answer);
    let [Effect::Show(Shown::Failed { text, .. })] = &effects[..] else { panic!("it is refused") };
    assert_eq!(text.code, "recording.held");
    assert!(present::recording(&row(name, true), 30).expires_ms.is_none());
}
