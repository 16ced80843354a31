//! The only place that calls a provider.

mod failover;
mod read_ahead;
pub(crate) mod refusal;

use crate::answer::{Answer, causes};
use crate::call::{Attempts, Call, CallBody, Patience, Timeouts};
use crate::credential::{Credential, KeyFailover};
use crate::error::Error;
use crate::guard::Permit;
use crate::trace;
use aibridge_keypool::hint;
use aibridge_recorder::CredentialKind;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// One provider's endpoint with its connections and keys.
#[derive(Debug)]
pub struct Upstream {
    client: reqwest::Client,
    base_url: Url,
    keys: KeyFailover,
    timeouts: Timeouts,
    /// Owns the draining of discarded answers.
    drains: TaskTracker,
}

/// A discarded answer is drained so that its connection can be used again, but only if that is cheap: error bodies
/// are small, and a connection costs a handshake.
const DRAIN_AT_MOST: usize = 64 * 1024;
const DRAIN_FOR_AT_MOST: Duration = Duration::from_secs(2);

/// Idle connections kept per provider; more than a burst needs, far fewer than there are ports.
const IDLE_CONNECTIONS: usize = 512;

/// Shorter than most servers keep an idle connection: one that is used just when they close it costs a request.
const IDLE_FOR: Duration = Duration::from_secs(30);

impl Upstream {
    /// Prepares to call the provider at `base_url`. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the TLS configuration of this machine cannot be used.
    pub fn new(base_url: Url, keys: KeyFailover, timeouts: Timeouts) -> Result<Self, reqwest::Error> {
        // Installed once per process; that another one is there already is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_FOR)
            .build()?;
        Ok(Self { client, base_url, keys, timeouts, drains: TaskTracker::new() })
    }

    /// The rules about keys.
    pub fn keys(&self) -> &KeyFailover {
        &self.keys
    }

    /// Calls the provider: once with a BYOK credential, else with one key of the pool after another until there is
    /// an answer that is not about the key. `attempts` tells how far it got, even if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::CircuitOpen`] if it is not to be called, [`Error::KeysRateLimited`] and [`Error::KeysRejected`] if no
    /// key is left and no answer can be relayed, [`Error::UpstreamUnreachable`] and [`Error::UpstreamTimeout`] if there is no answer.
    pub async fn call(&self, mut call: Call, attempts: &mut Attempts) -> Result<Answer, Error> {
        let deadline = Instant::now() + self.timeouts.response;
        let url = self.url(&call);
        let counts = call.credential.kind() == CredentialKind::Centralized;
        let mut permit = call.guard.take().map(|guard| Permit::ask(guard, counts)).transpose()?;
        let answered = match call.credential.clone() {
            Credential::Byok(secret) => {
                attempts.hint = Some(hint(secret.expose_secret()));
                self.attempt(&mut call, &url, &secret, deadline, attempts).await
            }
            Credential::Centralized(pool) => self.fail_over(&pool, call, &url, deadline, attempts).await,
        };
        if let Some(permit) = &mut permit {
            match &answered {
                Ok(answer) if attempts.exhausted.is_some() => {
                    permit.refused(answer.response.status().as_u16())
                }
                Ok(answer) => permit.answered(answer.response.status().as_u16()),
                Err(error) => permit.failed(error),
            }
        }
        answered.map(|answer| Answer { permit, ..answer })
    }

    async fn attempt(
        &self,
        call: &mut Call,
        url: &Url,
        secret: &SecretString,
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<Answer, Error> {
        let span = trace::upstream(attempts.count + 1, attempts.hint.as_deref());
        let answered = self.send(call, url, secret, deadline, attempts).instrument(span.clone()).await;
        trace::attempted(&span, &answered);
        answered
    }

    async fn send(
        &self,
        call: &mut Call,
        url: &Url,
        secret: &SecretString,
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<Answer, Error> {
        let mut request = reqwest::Request::new(call.method.clone(), url.clone());
        *request.headers_mut() = call.headers.clone();
        let Some((name, value)) = self.keys.authorization(secret) else {
            // Keys are checked when they are configured, and a client's came in a header.
            return Err(Error::Internal);
        };
        request.headers_mut().insert(name, value);
        trace::inject(request.headers_mut());
        *request.body_mut() = match &mut call.body {
            CallBody::Replayable(payload) if payload.is_empty() => None,
            CallBody::Replayable(payload) => Some(payload.clone().into()),
            CallBody::Once(body) => body.take(),
        };
        attempts.count += 1;
        let mut tapped = call.tap.as_ref().map(|tap| tap.begin(attempts.count, &mut request, &call.body));
        let answered = match timeout_at(deadline, self.client.execute(request)).await {
            Ok(answered) => answered.map_err(|error| unreachable_because(&error)),
            Err(_) => Err(Error::UpstreamTimeout(self.timeouts.response)),
        };
        if let Some(tapped) = &mut tapped {
            tapped.answered(&answered);
        }
        let response = answered?;
        attempts.status = Some(response.status());
        let deadline = (call.patience == Patience::Whole).then_some(deadline);
        Ok(Answer { response, deadline, timeouts: self.timeouts, permit: None, over: None, tapped })
    }

    /// Only the path is parsed: the host is the provider's, and known.
    fn url(&self, call: &Call) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&[self.base_url.path().trim_end_matches('/'), &call.path].concat());
        url.set_query(call.query.as_deref());
        url
    }

    fn discard(&self, answer: Option<Answer>) {
        let Some(Answer { mut response, tapped, .. }) = answer else { return };
        self.drains.spawn(timeout(DRAIN_FOR_AT_MOST, async move {
            let mut drained = 0;
            while let Ok(Some(chunk)) = response.chunk().await {
                if let Some(tapped) = &tapped {
                    tapped.chunk(&chunk);
                }
                drained += chunk.len();
                if drained > DRAIN_AT_MOST {
                    break;
                }
            }
        }));
    }
}

fn unreachable_because(error: &reqwest::Error) -> Error {
    let causes = causes(error);
    tracing::warn!(error = %causes, "no answer from the provider");
    let reason = if error.is_timeout() {
        "the connection took too long"
    } else if error.is_connect() && causes.contains("dns") {
        "its name was not found"
    } else if error.is_connect() {
        "the connection was refused or failed"
    } else {
        "the connection broke before it answered"
    };
    Error::UpstreamUnreachable(reason.to_owned())
}
