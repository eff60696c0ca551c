//! What a person types or pastes as a number: what is dialled is short, plain and means the same when it is typed again.

#![no_main]

use hatif_core::dial;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    if let Ok(target) = dial::target(typed) {
        assert!(!target.is_empty() && target.len() <= 256);
        assert!(!target.contains(|c: char| c.is_control() || c.is_whitespace() || dial::is_bidi_control(c)), "{target:?}");
        assert_eq!(dial::target(&target).as_ref(), Ok(&target));
    }
    if let Some(digits) = dial::dtmf(typed) {
        assert!((1..=64).contains(&digits.len()));
        assert_eq!(dial::dtmf(&digits).as_ref(), Some(&digits));
    }
});
