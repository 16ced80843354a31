//! Creates an access token that expires in a day, and checks it as a gateway does.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_tokens::{NewToken, TokenHash};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let now = Timestamp::now();
    let NewToken { row, hash, secret } =
        NewToken::new("ada", &["research".to_owned()], Some(Duration::from_secs(86_400)), false, now)?;
    println!("shown once:    {}", secret.expose_secret());
    println!("in lists:      {}", row.hint);
    let presented = TokenHash::of(&secret).ok_or("not an access token")?;
    println!("hash matches:  {}", presented.matches(hash.as_bytes()));
    println!("admitted now:  {}", row.admits(now));
    println!("in two days:   {}", row.admits(now + SignedDuration::from_hours(48)));
    Ok(())
}
