//! The connections to one provider, and the lifetime of idle ones.

use arc_swap::ArcSwap;
use http::HeaderMap;
use parking_lot::Mutex;
use reqwest::{Client, Response};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// The unread bytes of a response over HTTP/2: enough for 10 MB/s with a round trip of 50 ms.
const STREAM_WINDOW: u32 = 512 << 10;

/// The unread bytes of all responses on an HTTP/2 connection, the most that HTTP/2 allows. The responses of slow clients
/// stay unread, and a smaller window would make them stop the others on the connection.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// The time between two pings on an HTTP/2 connection with open requests, and the time within which each is answered.
/// Otherwise the connection is lost: it is silent, and every request to the provider would join it.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The most idle connections per provider: enough for a burst, and far fewer than there are ports.
const MAX_IDLE_CONNECTIONS: usize = 512;

/// An idle connection is closed this much earlier than by the provider: a request that meets the provider's close fails.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

/// The HTTP client of one provider.
///
/// reqwest has one idle timeout for all connections of a client, and a provider is one host. When a provider announces a
/// shorter timeout (`Keep-Alive: timeout=5`), a new client with that timeout replaces the current one. The timeout never
/// grows, and the header has whole seconds, so this happens a few times at most.
#[derive(Debug)]
pub(super) struct Connections {
    client: ArcSwap<Client>,
    connect_timeout: Duration,
    keep_alive: Mutex<Duration>,
    /// The TLS configuration; `None` for the defaults of the client.
    tls: Option<ClientConfig>,
}

impl Connections {
    pub(super) fn new(
        connect_timeout: Duration,
        keep_alive: Duration,
        tls: Option<ClientConfig>,
    ) -> Result<Arc<Self>, reqwest::Error> {
        let client = ArcSwap::from_pointee(build(connect_timeout, keep_alive, tls.as_ref())?);
        Ok(Arc::new(Self { client, connect_timeout, keep_alive: Mutex::new(keep_alive), tls }))
    }

    pub(super) fn client(&self) -> Arc<Client> {
        self.client.load_full()
    }

    /// Applies the keep-alive timeout that `response` announces. A new client reads the certificates of this machine, so
    /// it is built on a blocking thread, which `tasks` owns.
    pub(super) fn apply_keep_alive(self: &Arc<Self>, response: &Response, tasks: &TaskTracker) {
        let Some(keep_alive) = announced_keep_alive(response.headers()) else { return };
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
        match build(self.connect_timeout, keep_alive, self.tls.as_ref()) {
            Ok(client) => {
                *current = keep_alive;
                self.client.store(Arc::new(client));
            }
            Err(error) => {
                tracing::warn!(%error, "could not shorten the idle timeout of the connections to a provider; keeping the old one")
            }
        }
    }
}

fn build(
    connect_timeout: Duration,
    keep_alive: Duration,
    tls: Option<&ClientConfig>,
) -> Result<Client, reqwest::Error> {
    let builder = match tls {
        Some(tls) => Client::builder().tls_backend_preconfigured(tls.clone()),
        None => Client::builder(),
    };
    builder
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // The gateway retries itself, so that every request is counted and dumped.
        .retry(reqwest::retry::never())
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .pool_idle_timeout(keep_alive)
        .build()
}

/// The idle timeout that the `timeout` parameter of `Keep-Alive` announces, with a margin.
fn announced_keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = value.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("timeout")
            .then(|| value.trim().trim_matches('"').parse::<u32>().ok())?
    })?;
    let timeout = Duration::from_secs(seconds.into());
    Some(timeout.saturating_sub(KEEP_ALIVE_MARGIN).max(timeout / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn reads_the_announced_timeout_with_a_margin() {
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
            assert_eq!(announced_keep_alive(&headers), milliseconds.map(Duration::from_millis), "{value}");
        }
        assert_eq!(announced_keep_alive(&HeaderMap::new()), None);
    }
}
