//! A journal whose files were changed in any way is recovered: what is read is intact and in order, and it goes on.
#![no_main]

#[path = "../../../aibridge-server/journal/tests/journal/model.rs"]
#[allow(dead_code, reason = "the tests of the journal use the rest")]
mod model;
#[path = "../../../aibridge-server/journal/tests/journal/recovery.rs"]
mod recovery;
#[path = "../../../aibridge-server/journal/tests/journal/support.rs"]
#[allow(dead_code, reason = "the tests of the journal use the rest")]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| recovery::recover(data));
