//! The cookie of a session.

use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

/// The name of the cookie. Over TLS, the prefix makes browsers bind it to this host and to TLS.
const NAME: &str = "aibridge-session";
const SECURE_NAME: &str = "__Host-aibridge-session";

/// The attributes of the cookie: no script reads it, and no request of another site carries it.
const ATTRIBUTES: &str = "Path=/; HttpOnly; SameSite=Strict";

/// The most cookies of a request that are compared. A browser sends one; further ones are ignored.
const MAX_COOKIES: usize = 4;

/// Returns the `Set-Cookie` value for the session `id`. With `is_secure`, the browser uses TLS.
pub fn session_cookie(id: &SecretString, is_secure: bool) -> Option<HeaderValue> {
    cookie(id.expose_secret(), "", is_secure)
}

/// Returns the `Set-Cookie` value that removes the cookie.
pub fn expired_cookie(is_secure: bool) -> Option<HeaderValue> {
    cookie("", "; Max-Age=0", is_secure)
}

fn cookie(value: &str, end: &str, is_secure: bool) -> Option<HeaderValue> {
    let (name, secure) = if is_secure { (SECURE_NAME, "; Secure") } else { (NAME, "") };
    let mut cookie = HeaderValue::try_from(format!("{name}={value}; {ATTRIBUTES}{secure}{end}")).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

/// The values of the session cookies of a request.
pub(crate) fn session_ids(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ours = pairs.filter(|(name, value)| matches!(*name, NAME | SECURE_NAME) && !value.is_empty());
    ours.map(|(_, value)| value).take(MAX_COOKIES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_protected() {
        let plain = session_cookie(&"id".into(), false).expect("a value");
        assert_eq!(plain, "aibridge-session=id; Path=/; HttpOnly; SameSite=Strict");
        let secure = session_cookie(&"id".into(), true).expect("a value");
        assert_eq!(secure, "__Host-aibridge-session=id; Path=/; HttpOnly; SameSite=Strict; Secure");
        let expired = expired_cookie(true).expect("a value");
        assert_eq!(expired, "__Host-aibridge-session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let headers = |lines: &[&'static str]| {
            let line = |line: &&'static str| (header::COOKIE, HeaderValue::from_static(line));
            lines.iter().map(line).collect::<HeaderMap>()
        };
        let ids =
            |lines: &[&'static str]| session_ids(&headers(lines)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(ids(&["a=b; aibridge-session=1 ;c"]), ["1"]);
        assert_eq!(ids(&["aibridge-session=1", "__Host-aibridge-session=2"]), ["1", "2"]);
        assert_eq!(ids(&["aibridge-session=", "xaibridge-session=1", "aibridge-session"]), [""; 0]);
    }
}
