//! The connections to one provider, and how long an idle one is kept.

use arc_swap::ArcSwap;
use http::HeaderMap;
use parking_lot::Mutex;
use reqwest::{Client, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Idle connections kept per provider; more than a burst needs, far fewer than there are ports.
const IDLE_CONNECTIONS: usize = 512;

/// How much earlier than the provider an idle connection is closed: a request that meets the provider's close is lost.
const MARGIN: Duration = Duration::from_secs(1);

/// The HTTP client of one provider.
///
/// reqwest has one idle time for all connections of a client, and a provider is one host. So when a provider announces a
/// shorter time (`Keep-Alive: timeout=5`), another client with that time takes over for all its connections. The time only
/// gets shorter, and is a number of whole seconds in the header, so this happens a few times at most.
#[derive(Debug)]
pub(super) struct Connections {
    client: ArcSwap<Client>,
    connect_timeout: Duration,
    keep_alive: Mutex<Duration>,
}

impl Connections {
    pub(super) fn new(connect_timeout: Duration, keep_alive: Duration) -> Result<Arc<Self>, reqwest::Error> {
        let client = ArcSwap::from_pointee(build(connect_timeout, keep_alive)?);
        Ok(Arc::new(Self { client, connect_timeout, keep_alive: Mutex::new(keep_alive) }))
    }

    pub(super) fn client(&self) -> Arc<Client> {
        self.client.load_full()
    }

    /// Keeps idle connections no longer than the provider that sent `response` does. A new client reads the certificates
    /// of this machine, so it is built on a thread of its own, which `tasks` owns.
    pub(super) fn heed(self: &Arc<Self>, response: &Response, tasks: &TaskTracker) {
        let Some(keep_alive) = announced(response.headers()) else { return };
        if keep_alive >= *self.keep_alive.lock() {
            return;
        }
        let connections = self.clone();
        tasks.spawn_blocking(move || connections.shorten(keep_alive));
    }

    fn shorten(&self, keep_alive: Duration) {
        let mut current = self.keep_alive.lock();
        if keep_alive >= *current {
            return;
        }
        match build(self.connect_timeout, keep_alive) {
            Ok(client) => {
                *current = keep_alive;
                self.client.store(Arc::new(client));
            }
            Err(error) => {
                tracing::warn!(%error, "could not shorten the idle time of connections to a provider")
            }
        }
    }
}

fn build(connect_timeout: Duration, keep_alive: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // The gateway decides itself, so that every request that is sent is counted and dumped.
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(keep_alive)
        .build()
}

/// How long to keep an idle connection, by the `timeout` parameter of `Keep-Alive`.
fn announced(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = value.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("timeout")
            .then(|| value.trim().trim_matches('"').parse::<u32>().ok())?
    })?;
    let timeout = Duration::from_secs(seconds.into());
    Some(timeout.saturating_sub(MARGIN).max(timeout / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_announced_time_is_read_with_a_margin() {
        let table = [
            ("timeout=5", Some(4000)),
            ("timeout=5, max=1000", Some(4000)),
            ("max=1000 , Timeout = \"60\"", Some(59_000)),
            ("timeout=1", Some(500)),
            ("timeout=0", Some(0)),
            ("timeout=-1", None),
            ("timeout=", None),
            ("timeout", None),
            ("max=5", None),
        ];
        for (value, milliseconds) in table {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("keep-alive"),
                HeaderValue::from_static(value),
            )]);
            assert_eq!(announced(&headers), milliseconds.map(Duration::from_millis), "{value}");
        }
        assert_eq!(announced(&HeaderMap::new()), None);
    }
}
