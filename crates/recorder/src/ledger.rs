//! The ledger: what was done to every recording, in a file that only grows.
//!
//! ```text
//! count · milliseconds · name · deed · detail · SHA-256 over the line's own fields and the hash before · Ed25519 of it
//! ```
//!
//! A line's hash holds the hash before, so a line that was changed, cut out or put elsewhere breaks the chain, and who has
//! not the keyring's key can't sign another. The end of it, the [`Head`], is kept in the keyring too: a ledger of last
//! week in the place of today's is whole, and shorter than its head says. An entry is on the disk before anybody is told.

use crate::{MasterKey, Problem, key::hex};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A longer ledger is none of ours: some five hundred thousand entries.
const MAX_BYTES: u64 = 256 << 20;
/// Of a detail; it is ours, and short.
const MAX_DETAIL: usize = 128;

/// What was done to a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    Began,
    /// The detail is the SHA-256 of the file.
    Ended,
    /// It was torn away and is finished now; the detail as of [`Deed::Ended`].
    Finished,
    Paused,
    Resumed,
    Played,
    /// In the clear; the detail is the format.
    Exported,
    Verified,
    /// Kept beyond its time.
    Held,
    Released,
    Deleted,
    /// Deleted because its time was over.
    Expired,
}

const DEEDS: [(Deed, &str); 12] = [
    (Deed::Began, "began"),
    (Deed::Ended, "ended"),
    (Deed::Finished, "finished"),
    (Deed::Paused, "paused"),
    (Deed::Resumed, "resumed"),
    (Deed::Played, "played"),
    (Deed::Exported, "exported"),
    (Deed::Verified, "verified"),
    (Deed::Held, "held"),
    (Deed::Released, "released"),
    (Deed::Deleted, "deleted"),
    (Deed::Expired, "expired"),
];

impl Deed {
    fn word(self) -> &'static str {
        DEEDS.iter().find(|(deed, _)| *deed == self).map_or("", |(_, word)| *word)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub at: SystemTime,
    /// The recording's.
    pub name: String,
    pub deed: Deed,
    pub detail: String,
}

/// Where a ledger ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// Entries so far.
    pub count: u64,
    /// Hash of the last.
    pub hash: [u8; 32],
}

impl Head {
    /// As the keyring keeps it.
    pub fn to_text(self) -> String {
        format!("{} {}", self.count, hex(&self.hash))
    }

    pub fn from_text(text: &str) -> Option<Head> {
        let (count, hash) = text.split_once(' ')?;
        Some(Head { count: count.parse().ok()?, hash: unhex(hash)? })
    }
}

/// A ledger that is written to.
pub struct Ledger {
    file: File,
    key: Ed25519KeyPair,
    head: Head,
}

impl Ledger {
    /// Goes on where the file ends; a last line that was torn away is cut off.
    pub fn open(path: &Path, master: &MasterKey) -> Result<Ledger, Problem> {
        if let Some(folder) = path.parent() {
            crate::writer::create_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let text = read_whole(&mut file)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
        }
        // Whatever it says: a chain that is broken stays so, and is found.
        let last = text[..whole].split(|byte| *byte == b'\n').rev().nth(1).unwrap_or_default();
        let head = parse(&String::from_utf8_lossy(last)).map_or(Head::default(), |line| line.head);
        file.seek(SeekFrom::End(0))?;
        Ok(Ledger { file, key: signer(master)?, head })
    }

    /// Down to the disk.
    pub fn append(&mut self, entry: &Entry) -> Result<Head, Problem> {
        let count = self.head.count + 1;
        let fields = fields(count, entry);
        let hash = chained(&self.head.hash, &fields);
        let line = format!("{fields}\t{}\t{}\n", hex(&hash), hex(self.key.sign(&hash).as_ref()));
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.head = Head { count, hash };
        Ok(self.head)
    }
}

/// Every entry, oldest first, if the ledger is as it was written and reaches `head`, what the keyring knows of its end.
///
/// # Errors
/// [`Problem::Changed`] if anything in it was changed, cut out or put elsewhere, or its end is missing.
pub fn read(path: &Path, master: &MasterKey, head: Option<Head>) -> Result<Vec<Entry>, Problem> {
    let key = signer(master)?;
    let key = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref().to_vec());
    let text = match File::open(path) {
        Ok(mut file) => read_whole(&mut file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let text = String::from_utf8(text).map_err(|_| Problem::Changed)?;
    let mut entries = Vec::new();
    let mut last = Head::default();
    let mut reached = head.is_none_or(|head| head.count == 0);
    for line in text.split_inclusive('\n') {
        // A last line that was torn away was told to nobody.
        let Some(line) = line.strip_suffix('\n') else { break };
        let line = parse(line).ok_or(Problem::Changed)?;
        if line.head.count != last.count + 1 || chained(&last.hash, line.fields) != line.head.hash {
            return Err(Problem::Changed);
        }
        key.verify(&line.head.hash, &line.signature).map_err(|_| Problem::Changed)?;
        last = line.head;
        reached |= head == Some(last);
        entries.push(line.entry);
    }
    if reached { Ok(entries) } else { Err(Problem::Changed) }
}

struct Line<'a> {
    fields: &'a str,
    entry: Entry,
    head: Head,
    signature: Vec<u8>,
}

fn parse(line: &str) -> Option<Line<'_>> {
    let (rest, signature) = line.rsplit_once('\t')?;
    let (fields, hash) = rest.rsplit_once('\t')?;
    let mut parts = fields.splitn(5, '\t');
    let count = parts.next()?.parse().ok()?;
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(parts.next()?.parse().ok()?))?;
    let name = parts.next()?.to_owned();
    let word = parts.next()?;
    let deed = DEEDS.iter().find(|(_, known)| *known == word)?.0;
    let detail = parts.next()?.to_owned();
    let signature: [u8; 64] = unhex(signature)?;
    let entry = Entry { at, name, deed, detail };
    Some(Line { fields, entry, head: Head { count, hash: unhex(hash)? }, signature: signature.to_vec() })
}

fn fields(count: u64, entry: &Entry) -> String {
    let millis = entry.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_DETAIL).collect::<String>();
    format!(
        "{count}\t{millis}\t{}\t{}\t{}",
        plain(entry.name.as_str()),
        entry.deed.word(),
        plain(entry.detail.as_str())
    )
}

fn chained(before: &[u8; 32], fields: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"hatif ledger 1").chain_update(before).chain_update(fields).finalize().into()
}

/// The key that signs, made of the keyring's: whoever has none of the two has neither.
fn signer(master: &MasterKey) -> Result<Ed25519KeyPair, Problem> {
    Ed25519KeyPair::from_seed_unchecked(&*master.derive(b"hatif ledger ed25519")).map_err(|_| Problem::Key)
}

fn read_whole(file: &mut File) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(Problem::Foreign) } else { Ok(bytes) }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const DEED: [Deed; 5] = [Deed::Began, Deed::Ended, Deed::Played, Deed::Exported, Deed::Deleted];

    fn entry(n: usize) -> Entry {
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + n as u64);
        Entry { at, name: format!("{n:032x}"), deed: DEED[n % DEED.len()], detail: format!("detail {n}") }
    }

    fn written(path: &Path, key: &MasterKey, from: usize, to: usize) -> Head {
        let mut ledger = Ledger::open(path, key).unwrap();
        let heads: Vec<Head> = (from..to).map(|n| ledger.append(&entry(n)).unwrap()).collect();
        heads.last().copied().unwrap_or_default()
    }

    #[test]
    fn what_was_written_is_read_over_several_runs() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("recordings").join("ledger"), MasterKey::random());
        assert_eq!(read(&path, &key, None).unwrap(), []);
        written(&path, &key, 0, 3);
        let head = written(&path, &key, 3, 7);
        assert_eq!(read(&path, &key, Some(head)).unwrap(), (0..7).map(entry).collect::<Vec<_>>());
        assert_eq!(Head::from_text(&head.to_text()), Some(head));
        assert_eq!((Head::from_text(""), Head::from_text("1 zz")), (None, None));
        // The keyring may know less: the process ended between the two.
        assert_eq!(read(&path, &key, Some(written(&path, &key, 7, 8))).unwrap().len(), 8);
        assert_eq!(read(&path, &key, Some(head)).unwrap().len(), 8);
        assert_eq!(read(&path, &MasterKey::random(), None).err(), Some(Problem::Changed));
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_chain_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("ledger"), MasterKey::random());
        let head = written(&path, &key, 0, 2);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(b"3\t17000");
        fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path, &key, Some(head)).unwrap().len(), 2);
        let head = written(&path, &key, 2, 4);
        assert_eq!(read(&path, &key, Some(head)).unwrap(), (0..4).map(entry).collect::<Vec<_>>());
    }

    /// Every flipped byte, every line left out, doubled, swapped or taken over, every lost end.
    #[test]
    fn nothing_can_be_changed_in_it_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("ledger"), MasterKey::random());
        let old = written(&path, &key, 0, 6);
        let before = fs::read(&path).unwrap();
        let head = written(&path, &key, 6, 10);
        let bytes = fs::read(&path).unwrap();
        let judged = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read(&path, &key, Some(head)).err()
        };
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(judged(&flipped), Some(Problem::Changed), "byte {at}");
        }
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for n in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(n);
            assert_eq!(judged(&fewer.concat()), Some(Problem::Changed), "without line {n}");
            let mut doubled = lines.clone();
            doubled.insert(n, lines[n]);
            assert_eq!(judged(&doubled.concat()), Some(Problem::Changed), "line {n} twice");
            let mut swapped = lines.clone();
            swapped.swap(n, (n + 1) % lines.len());
            assert_eq!(judged(&swapped.concat()), Some(Problem::Changed), "line {n} elsewhere");
        }
        // Rolled back to what was whole then; only the keyring knows better.
        assert_eq!(judged(&before), Some(Problem::Changed));
        assert_eq!(read(&path, &key, Some(old)).unwrap().len(), 6);
        // Written anew by somebody who has not the key.
        let other = folder.path().join("other");
        written(&other, &MasterKey::random(), 0, 10);
        assert_eq!(judged(&fs::read(&other).unwrap()), Some(Problem::Changed));
        assert_eq!(judged(&bytes), None);
        assert_eq!(judged(b""), Some(Problem::Changed));
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&path, &key, Some(head)).err(), Some(Problem::Changed));
    }
}
