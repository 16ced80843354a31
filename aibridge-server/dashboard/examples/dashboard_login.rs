//! A user logs in to the dashboard after failures, and uses the session until it is over. The time is simulated.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_dashboard::{BrowserSessions, LoginThrottle, files, parse_login, session_cookie};
use http::{HeaderMap, header};
use quanta::Clock;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let page = files::find("/dashboard/sessions").ok_or("the page is missing")?;
    println!("the page: {}, {} bytes, {}", page.content_type, page.content.len(), page.etag);

    let (clock, time) = Clock::mock();
    let (sessions, throttle) = (BrowserSessions::new(clock.clone()), LoginThrottle::new(clock));
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for failure in 1..=5 {
        throttle.add_failure(address);
        println!("after failure {failure}: wait {:?}", throttle.remaining(address));
    }
    time.increment(throttle.remaining(address));

    // The server checks the token before it begins a session.
    let token = parse_login(br#"{"token":" aib_example "}"#).map_err(|_| "not a log-in")?;
    let id = sessions.begin(token).ok_or("no randomness")?;
    throttle.forget(address);
    let cookie = session_cookie(&id, true).ok_or("not a cookie")?;
    let cookie = cookie.to_str()?;
    let (pair, attributes) = cookie.split_once("; ").ok_or("no attributes")?;
    println!("cookie: {}=...; {attributes}", pair.split('=').next().unwrap_or_default());

    let mut request = HeaderMap::new();
    request.insert(header::COOKIE, pair.parse()?);
    for hours in [1, 1, 3] {
        time.increment(Duration::from_secs(hours * 60 * 60));
        println!("{hours} h later, logged in: {}", sessions.find(&request).is_some());
    }
    Ok(())
}
