//! Any `retry-after-ms` and `retry-after` give a wait of at most a year, or none.
#![no_main]

use aibridge_keypool::retry_after;
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, SystemTime};

const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

fuzz_target!(|input: (Option<&str>, Option<&str>, u32)| {
    let (milliseconds, seconds, now) = input;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now.into());
    if let Some(wait) = retry_after(milliseconds, seconds, now) {
        assert!(wait <= YEAR, "{input:?}");
    }
    if let Some(exact) = milliseconds.and_then(|text| text.parse::<u32>().ok()) {
        let expected = Duration::from_millis(exact.into());
        assert_eq!(retry_after(milliseconds, seconds, now).map(|wait| wait.as_millis()), Some(expected.as_millis()));
    }
});
