//! Calls a provider with a pool of two keys, and fails over when the first one is rate-limited.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_keypool::{KeyPool, KeyPoolError, retry_after};
use secrecy::{ExposeSecret, SecretString};
use std::time::SystemTime;

/// A response of the provider: its status and its `Retry-After` header.
type Response = (u16, Option<&'static str>);

/// Stands for an HTTP call. The provider limits the rate of the first key.
fn call(key: &SecretString) -> Response {
    if key.expose_secret() == "sk-first-0123456789abcdef" { (429, Some("20")) } else { (200, None) }
}

fn main() -> Result<(), KeyPoolError> {
    let keys = vec!["sk-first-0123456789abcdef".into(), "sk-second-0123456789abcdef".into()];
    let pool = KeyPool::new(keys, quanta::Clock::new())?;
    let mut walk = pool.walk_for("gpt-5");
    while let Some(key) = walk.next_key() {
        let (status, wait) = call(key.secret());
        println!("{}: {status}", key.hint());
        match status {
            429 => key.rate_limited(retry_after(None, wait, SystemTime::now())),
            401 => key.rejected(),
            _ => {
                key.succeeded();
                return Ok(());
            }
        }
    }
    println!("no key left: {:?}", walk.exhaustion());
    Ok(())
}
