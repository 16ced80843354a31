//! The sessions of logged-in users. A session keeps the access token, which every request checks again, so it ends within a
//! second of the token's revocation. It is found by the hash of a random id that only the browser has.

use crate::cookie;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;

/// The longest time of a session without a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

/// The longest time of a session from its log-in.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The most sessions. A further log-in ends the least recently used session.
const MAX_SESSIONS: usize = 1000;

/// The sessions of the page.
pub struct BrowserSessions {
    clock: Clock,
    sessions: Mutex<HashMap<IdHash, Session>>,
}

/// The SHA-256 of a session id. An id is 256 random bits, so the hash needs no salt.
type IdHash = [u8; 32];

struct Session {
    token: SecretString,
    began_at: Instant,
    used_at: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used_at) >= IDLE_TIMEOUT || now.duration_since(self.began_at) >= LIFETIME
    }
}

impl BrowserSessions {
    /// Creates an empty set of sessions. `clock` measures their time.
    pub fn new(clock: Clock) -> Self {
        Self { clock, sessions: Mutex::default() }
    }

    /// Begins a session for the bearer of `token`, and returns its id; `None` if the system has no randomness.
    pub fn begin(&self, token: SecretString) -> Option<SecretString> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).ok()?;
        let id = BASE64_URL_SAFE_NO_PAD.encode(bits);
        let now = self.clock.now();
        let mut sessions = self.sessions.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| !session.is_over(now));
        }
        if sessions.len() >= MAX_SESSIONS {
            let idlest = sessions.iter().min_by_key(|(_, session)| session.used_at).map(|(hash, _)| *hash);
            idlest.map(|hash| sessions.remove(&hash));
        }
        sessions.insert(hash(&id), Session { token, began_at: now, used_at: now });
        Some(id.into())
    }

    /// Returns the access token of the session that the cookies of a request name; `None` if there is no such session, or if
    /// it is over.
    pub fn find(&self, headers: &HeaderMap) -> Option<SecretString> {
        let now = self.clock.now();
        let mut sessions = self.sessions.lock();
        cookie::session_ids(headers).find_map(|id| {
            let hash = hash(id);
            let session = sessions.get_mut(&hash)?;
            if session.is_over(now) {
                sessions.remove(&hash);
                return None;
            }
            session.used_at = now;
            Some(session.token.clone())
        })
    }

    /// Ends the sessions that the cookies of a request name.
    pub fn end(&self, headers: &HeaderMap) {
        let mut sessions = self.sessions.lock();
        cookie::session_ids(headers).for_each(|id| drop(sessions.remove(&hash(id))));
    }
}

fn hash(id: &str) -> IdHash {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use secrecy::ExposeSecret;

    fn headers(id: &SecretString) -> HeaderMap {
        let cookie = format!("other=1; aibridge-session={}", id.expose_secret());
        HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::try_from(cookie).expect("a value"))])
    }

    fn begin(sessions: &BrowserSessions, token: &str) -> HeaderMap {
        headers(&sessions.begin(token.into()).expect("an id"))
    }

    #[test]
    fn a_session_ends_when_it_is_idle_too_old_or_logged_out() {
        let (clock, time) = Clock::mock();
        let sessions = BrowserSessions::new(clock);
        let token =
            |headers: &HeaderMap| sessions.find(headers).map(|token| token.expose_secret().to_owned());
        let (idle, active) = (begin(&sessions, "aib_1"), begin(&sessions, "aib_2"));
        assert_eq!(token(&idle).as_deref(), Some("aib_1"));
        for _ in 0..23 {
            time.increment(Duration::from_secs(60 * 60));
            assert_eq!(token(&active).as_deref(), Some("aib_2"), "it is used every hour");
        }
        assert_eq!(token(&idle), None);
        time.increment(Duration::from_secs(60 * 60));
        assert_eq!(token(&active), None, "a day is over");
        let ended = begin(&sessions, "aib_3");
        sessions.end(&ended);
        assert_eq!(token(&ended), None);
        assert!(sessions.sessions.lock().is_empty(), "what is over is forgotten");
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let (clock, time) = Clock::mock();
        let sessions = BrowserSessions::new(clock);
        let all: Vec<HeaderMap> = (0..=MAX_SESSIONS)
            .map(|_| {
                time.increment(Duration::from_millis(1));
                begin(&sessions, "aib_x")
            })
            .collect();
        assert_eq!(sessions.sessions.lock().len(), MAX_SESSIONS);
        assert!(sessions.find(&all[0]).is_none() && sessions.find(&all[1]).is_some());
    }

    #[test]
    fn the_id_itself_is_not_kept() {
        let sessions = BrowserSessions::new(Clock::new());
        let id = sessions.begin("aib_1".into()).expect("an id");
        assert_eq!(id.expose_secret().len(), 43);
        let kept = *sessions.sessions.lock().keys().next().expect("a session");
        assert_eq!(kept, hash(id.expose_secret()));
    }
}
