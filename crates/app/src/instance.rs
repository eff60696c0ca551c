//! The name of this installation (RFC 5626 4.1): made once, kept in a file beside the database. It says nothing of the
//! computer or its user, only that two registrations come from one phone.

use std::{fs, path::Path};

const FILE: &str = "instance";

/// `urn:uuid:…`. Where it cannot be kept it holds for this run.
pub fn of(data: &Path) -> String {
    let path = data.join(FILE);
    if let Some(kept) = fs::read_to_string(&path).ok().filter(|text| is_urn(text.trim())) {
        return kept.trim().to_owned();
    }
    let made = urn(rand::random());
    let written = fs::create_dir_all(data).and_then(|()| fs::write(&path, &made));
    if let Err(error) = written {
        tracing::info!(kind = ?error.kind(), "the installation's name is kept for this run only");
    }
    made
}

/// A random UUID (RFC 9562 5.4).
fn urn(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// It goes into a SIP header as it is.
fn is_urn(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else { return false };
    uuid.len() == 36 && uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_nonsense_is_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let first = of(&data);
        assert!(is_urn(&first) && first.as_bytes()[23] == b'4', "{first}");
        assert_eq!(of(&data), first);
        for nonsense in ["", "urn:uuid:", "urn:uuid:>\r\nContact: <sip:evil>aaaaaaaaaaaaaaaa", "\u{fffd}"] {
            fs::write(data.join(FILE), nonsense).expect("written");
            let made = of(&data);
            assert!(is_urn(&made) && made != first, "{made}");
        }
    }
}
