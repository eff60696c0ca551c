//! What is recorded is what is found again, and nothing that was done to a file goes unnoticed.

use hatif_media::{BLOCK, Taken};
use hatif_recorder::{Event, MarkKind, MasterKey, Problem, RING, Reader, Summary, destroy, finish, record};
use proptest::prelude::*;
use std::{
    f32::consts::TAU,
    fs,
    io::{BufRead, BufReader, Cursor},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::sync_channel,
    thread,
    time::Duration,
};

const AGENT: f32 = 700.0;
const CUSTOMER: f32 = 1_300.0;

fn tone(hertz: f32, at: u64, n: usize) -> f32 {
    let t = (at * BLOCK as u64 + n as u64) as f64 / 48_000.0;
    0.5 * (f64::from(TAU * hertz) * t).sin() as f32
}

fn talk(at: u64) -> Taken {
    let mut taken = Taken::silence(at, false);
    taken.agent = std::array::from_fn(|n| tone(AGENT, at, n));
    taken.customer = std::array::from_fn(|n| tone(CUSTOMER, at, n));
    taken
}

/// Records these blocks; waits where a media thread would lose them.
fn recorded(path: &Path, key: &MasterKey, blocks: impl IntoIterator<Item = Taken>) -> Summary {
    let (told, events) = sync_channel(64);
    let mut ring = record(path.to_owned(), key.clone(), move |event| told.send(event).expect("somebody listens"))
        .expect("there is room for a thread");
    for mut taken in blocks {
        while let Err(rtrb::PushError::Full(back)) = ring.push(taken) {
            taken = back;
            thread::sleep(Duration::from_millis(1));
        }
    }
    drop(ring);
    for event in events {
        match event {
            Event::Began | Event::Stalled(_) => {}
            Event::Failed(problem) => panic!("{problem}"),
            Event::Ended(result) => return result.expect("the disk takes it"),
        }
    }
    panic!("the recording never ended")
}

fn all(reader: &mut Reader) -> Vec<[f32; 2]> {
    (0..reader.chunks()).flat_map(|n| reader.sound(n).expect("every chunk opens").1).collect()
}

/// Share of the energy of one side that lies at one frequency.
fn purity(sound: &[[f32; 2]], side: usize, hertz: f32) -> f64 {
    let turn = 2.0 * f64::from(TAU * hertz / 48_000.0).cos();
    let (mut before, mut last, mut power) = (0.0, 0.0, 0.0);
    for frame in sound {
        let sample = f64::from(frame[side]);
        power += sample * sample;
        (before, last) = (last, sample + turn * last - before);
    }
    let energy = last * last + before * before - turn * last * before;
    2.0 * energy / (sound.len() as f64 * power.max(1e-9))
}

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("recordings").join("a.hatif")
}

#[test]
fn each_side_is_found_on_its_channel_as_long_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    let summary = recorded(&path, &key, (0..523).map(talk));
    assert_eq!((summary.length, summary.gaps, summary.paused, summary.torn), (5_230, 0, 0, false));
    let mut reader = Reader::open(&path, &key).unwrap();
    let sound = all(&mut reader);
    assert_eq!(sound.len(), 523 * BLOCK);
    let middle = &sound[48_000..96_000];
    let own = [purity(middle, 0, AGENT), purity(middle, 1, CUSTOMER)];
    let others = [purity(middle, 0, CUSTOMER), purity(middle, 1, AGENT)];
    assert!(own.iter().all(|share| *share > 0.97) && others.iter().all(|share| *share < 1e-4), "{own:?} {others:?}");
    // In step with the call to a fifth of a millisecond: more would be an error of more than 0.2 at this pitch.
    let wrong: f32 = middle.iter().enumerate().map(|(n, f)| (f[0] - tone(AGENT, 100, n)).powi(2)).sum::<f32>();
    assert!((wrong / 48_000.0).sqrt() < 0.2, "{}", (wrong / 48_000.0).sqrt());
    let overview = reader.verify(&summary.digest).unwrap();
    assert_eq!(overview.peaks.len(), 53);
    assert!(overview.peaks.iter().all(|peak| peak.iter().all(|side| (120..=132).contains(side))));
}

#[test]
fn what_is_paused_is_silence_and_marked_and_what_is_lost_too() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    let blocks = (0..600).filter(|at| !(500..550).contains(at)).map(|at| match at {
        200..400 => Taken::silence(at, true),
        _ => talk(at),
    });
    let summary = recorded(&path, &key, blocks);
    assert_eq!((summary.length, summary.gaps, summary.paused), (6_000, 500, 2_000));
    let mut reader = Reader::open(&path, &key).unwrap();
    let marks: Vec<_> = reader.overview().unwrap().marks.iter().map(|m| (m.kind, m.at, m.length)).collect();
    assert_eq!(marks, [(MarkKind::Pause, 2_000, 2_000), (MarkKind::Gap, 5_000, 500)]);
    let sound = all(&mut reader);
    assert_eq!(sound.len(), 600 * BLOCK);
    // The codec's filters ring for a moment.
    let quiet = sound[220 * BLOCK..400 * BLOCK - 480].iter().flatten().fold(0.0f32, |peak, s| peak.max(s.abs()));
    assert!(quiet < 0.001, "{quiet}");
}

#[test]
fn it_is_heard_from_anywhere_as_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    recorded(&path, &key, (0..1_000).map(talk));
    let mut reader = Reader::open(&path, &key).unwrap();
    let whole = all(&mut reader);
    for sample in [0, 1, 37_000, 300_000, 479_999, 1 << 40] {
        let n = reader.chunk_at(sample).unwrap();
        let (begin, sound) = reader.sound(n).unwrap();
        assert!(begin <= sample);
        let same = &whole[begin as usize..][..sound.len()];
        let wrong: f32 = same.iter().zip(&sound).map(|(a, b)| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sum();
        assert!((wrong / sound.len() as f32).sqrt() < 0.02, "from {sample}: {wrong}");
    }
}

#[test]
fn exports_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    recorded(&path, &key, (0..250).map(talk));
    let mut reader = Reader::open(&path, &key).unwrap();
    let mut wav = Cursor::new(Vec::new());
    reader.write_wav(&mut wav).unwrap();
    let wav = hound::WavReader::new(Cursor::new(wav.into_inner())).unwrap();
    assert_eq!((wav.spec().channels, wav.duration()), (2, 250 * BLOCK as u32));
    let mut opus = Vec::new();
    reader.write_opus(&mut opus).unwrap();
    let mut packets = ogg::PacketReader::new(Cursor::new(opus));
    let (mut count, mut ended) = (0, false);
    while let Some(packet) = packets.read_packet().unwrap() {
        count += 1;
        ended = packet.last_in_stream();
    }
    assert_eq!((count, ended), (2 + 126, true), "head, tags, 2.5 s and the look-ahead");
}

#[test]
fn only_its_key_opens_it_and_nothing_of_it_lies_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    recorded(&path, &key, (0..200).map(talk));
    assert_eq!(Reader::open(&path, &MasterKey::random()).err(), Some(Problem::Key));
    let bytes = fs::read(&path).unwrap();
    for plain in [&b"OggS"[..], b"Opus"] {
        assert!(!bytes.windows(4).any(|window| window == plain));
    }
    let mut seen = [0u32; 256];
    bytes[25..].iter().for_each(|byte| seen[usize::from(*byte)] += 1);
    let most = seen.iter().max().unwrap();
    assert!(*most < bytes.len() as u32 / 256 * 2, "no byte stands out: {most} of {}", bytes.len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[test]
fn a_destroyed_recording_opens_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    recorded(&path, &key, (0..100).map(talk));
    // Another name for the same bytes: what is left on the disk when only the name has gone.
    let left = folder.path().join("left");
    fs::hard_link(&path, &left).unwrap();
    destroy(&path).unwrap();
    assert!(!path.exists());
    assert_eq!(Reader::open(&left, &key).err(), Some(Problem::Key));
    destroy(&path).unwrap();
}

#[test]
fn a_file_that_can_not_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, "in the way").unwrap();
    let (told, events) = sync_channel(8);
    let ring = record(blocked.join("a.hatif"), MasterKey::random(), move |event| told.send(event).unwrap()).unwrap();
    assert!(matches!(events.recv().unwrap(), Event::Failed(Problem::Disk(_))));
    assert!(events.recv().is_err());
    drop(ring);
}

/// Bytes of a file's whole chunks, and how many there are.
fn whole(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap_or_default();
    let (mut at, mut count) = (97, 0);
    while let Some(length) = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes) {
        at += 5 + length as usize;
        count += usize::from(at <= bytes.len());
    }
    count
}

/// A recording whose process was killed has all but the last second, and an end after it was found.
#[test]
fn a_killed_process_loses_less_than_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::random();
    for blocks in [80u64, 119, 163, 240, 401] {
        let path = folder.path().join(format!("{blocks}.hatif"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_hatif-recorder-child"))
            .args([path.to_str().unwrap(), &key.to_hex(), &blocks.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "given\n");
        // It goes on by itself: no command, no block more.
        while whole(&path) < blocks as usize / 80 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(Reader::open(&path, &key).unwrap().overview(), Err(Problem::Unfinished)));
        let summary = finish(&path, &key).unwrap();
        assert!(summary.torn && summary.length + 1_000 > blocks * 10, "{} of {} ms", summary.length, blocks * 10);
        let mut reader = Reader::open(&path, &key).unwrap();
        assert!(reader.verify(&summary.digest).is_ok());
        let sound = all(&mut reader);
        assert!(purity(&sound[24_000..], 0, AGENT) > 0.95);
        assert_eq!(finish(&path, &key).unwrap(), summary, "once finished, it stays as it is");
    }
}

/// Wherever a file is cut, what stands before the cut plays.
#[test]
fn every_truncation_is_found_and_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (path(&folder), MasterKey::random());
    let whole = recorded(&path, &key, (0..400).map(talk));
    let bytes = fs::read(&path).unwrap();
    for cut in (0..bytes.len()).step_by(211) {
        let torn = folder.path().join("torn.hatif");
        fs::write(&torn, &bytes[..cut]).unwrap();
        if cut < 97 {
            assert_eq!(finish(&torn, &key).err(), Some(Problem::Foreign));
            continue;
        }
        assert_eq!(Reader::open(&torn, &key).unwrap().verify(&whole.digest).err(), Some(Problem::Unfinished));
        let summary = finish(&torn, &key).unwrap();
        assert!(summary.torn);
        assert!(Reader::open(&torn, &key).unwrap().verify(&summary.digest).is_ok());
        let share = cut as u64 * 4_000 / bytes.len() as u64;
        assert!(summary.length + 1_100 > share, "{} at {share}", summary.length);
    }
}

/// What was done to the bytes of a recording.
#[derive(Clone, Debug)]
enum Damage {
    Flip {
        at: usize,
        bit: u8,
    },
    Cut {
        from: usize,
        length: usize,
    },
    Swap {
        a: usize,
        b: usize,
    },
    Repeat {
        chunk: usize,
    },
    Drop {
        chunk: usize,
    },
    Truncate {
        to: usize,
    },
    Append {
        bytes: Vec<u8>,
    },
    /// A chunk of the same number out of another recording with the same key.
    Transplant {
        chunk: usize,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 0u8..8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (any::<usize>(), 1usize..2_000).prop_map(|(from, length)| Damage::Cut { from, length }),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Damage::Swap { a, b }),
        any::<usize>().prop_map(|chunk| Damage::Repeat { chunk }),
        any::<usize>().prop_map(|chunk| Damage::Drop { chunk }),
        any::<usize>().prop_map(|to| Damage::Truncate { to }),
        proptest::collection::vec(any::<u8>(), 1..64).prop_map(|bytes| Damage::Append { bytes }),
        any::<usize>().prop_map(|chunk| Damage::Transplant { chunk }),
    ]
}

/// A file's head and chunks.
fn pieces(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![bytes[..97].to_vec()];
    let mut at = 97;
    while at < bytes.len() {
        let length = 5 + u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
        pieces.push(bytes[at..at + length].to_vec());
        at += length;
    }
    pieces
}

fn damaged(bytes: &[u8], other: &[u8], damage: &Damage) -> Vec<u8> {
    let mut pieces = pieces(bytes);
    let chunks = pieces.len() - 1;
    let mut out = bytes.to_vec();
    match damage {
        Damage::Flip { at, bit } => out[at % bytes.len()] ^= 1 << bit,
        Damage::Cut { from, length } => {
            let from = from % bytes.len();
            out.drain(from..(from + length).min(bytes.len()));
        }
        Damage::Truncate { to } => out.truncate(to % bytes.len()),
        Damage::Append { bytes } => out.extend(bytes),
        Damage::Swap { a, b } => {
            pieces.swap(1 + a % chunks, 1 + b % chunks);
            out = pieces.concat();
        }
        Damage::Repeat { chunk } => {
            let chunk = 1 + chunk % chunks;
            pieces.insert(chunk, pieces[chunk].clone());
            out = pieces.concat();
        }
        Damage::Drop { chunk } => {
            pieces.remove(1 + chunk % chunks);
            out = pieces.concat();
        }
        Damage::Transplant { chunk } => {
            let chunk = 1 + chunk % chunks;
            pieces[chunk] = self::pieces(other)[chunk].clone();
            out = pieces.concat();
        }
    }
    out
}

/// 10,000 of them, judged by the file alone, without the digest that the database keeps.
#[test]
fn no_damage_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::random();
    let (one, two) = (folder.path().join("1.hatif"), folder.path().join("2.hatif"));
    let summary = recorded(&one, &key, (0..250).map(talk));
    recorded(&two, &key, (0..250).map(talk));
    let (bytes, other) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let path = folder.path().join("damaged.hatif");
    proptest!(ProptestConfig { cases: 10_000, failure_persistence: None, ..Default::default() }, |(what in damage())| {
        let after = damaged(&bytes, &other, &what);
        prop_assume!(after != bytes);
        fs::write(&path, &after).unwrap();
        let found = Reader::open(&path, &key).and_then(|mut reader| reader.overview().map(|_| ()));
        prop_assert!(found.is_err(), "{what:?}");
        // Hostile bytes are no reason to fall over.
        if let Ok(mut reader) = Reader::open(&path, &key) {
            let _ = reader.sound(0);
        }
    });
    // An older whole state of the file in its place: only the database knows better.
    fs::write(&path, &other).unwrap();
    let mut reader = Reader::open(&path, &key).unwrap();
    assert!(reader.overview().is_ok());
    assert_eq!(reader.verify(&summary.digest).err(), Some(Problem::Changed));
}

#[test]
fn a_full_ring_loses_and_never_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let (told, events) = sync_channel(8);
    let mut ring = record(path(&folder), MasterKey::random(), move |event| told.send(event).unwrap()).unwrap();
    // Faster than the thread looks: some of it is lost, and says so.
    let lost = (0..10 * RING as u64).filter(|at| ring.push(Taken::silence(*at, false)).is_err()).count();
    drop(ring);
    let end = events.iter().find_map(|event| if let Event::Ended(end) = event { Some(end) } else { None });
    let summary = end.unwrap().unwrap();
    assert!(lost as u64 * 10 >= summary.gaps && summary.length + summary.gaps > 0);
    assert_eq!(summary.length % 10, 0);
}
