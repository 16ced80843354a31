//! The only place that calls a provider.

mod connections;
mod failover;
mod read_ahead;
pub(crate) mod refusal;
mod target;
mod unprocessed;
mod upload;

use crate::answer::{Answer, breaks_http, causes};
use crate::call::{Attempts, Call, CallBody, TimeoutScope, Timeouts};
use crate::credential::{Credential, KeyFailover};
use crate::error::Error;
use crate::guard::Permit;
use crate::trace;
use aibridge_keypool::hint;
use aibridge_recorder::CredentialKind;
use connections::Connections;
use http::Method;
use http::header::{self, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use unprocessed::is_unprocessed;
use upload::Upload;

/// One provider's endpoint with its connections and keys.
#[derive(Debug)]
pub struct Upstream {
    connections: Arc<Connections>,
    base_url: Url,
    keys: KeyFailover,
    timeouts: Timeouts,
    /// Owns the draining of discarded answers, and what prepares new connections.
    drains: TaskTracker,
}

/// A request that was sent, and why it has no answer.
struct Unanswered {
    error: Error,
    /// The provider did not process it.
    is_unprocessed: bool,
}

/// A discarded answer is drained so that its connection can be used again, but only if that is cheap: error bodies
/// are small, and a connection costs a handshake.
const DRAIN_AT_MOST: usize = 64 * 1024;
const DRAIN_FOR_AT_MOST: Duration = Duration::from_secs(2);

impl Upstream {
    /// Prepares to call the provider at `base_url`. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the TLS configuration of this machine cannot be used.
    pub fn new(base_url: Url, keys: KeyFailover, timeouts: Timeouts) -> Result<Self, reqwest::Error> {
        // Installed once per process; that another one is there already is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connections = Connections::new(timeouts.connect, timeouts.keep_alive)?;
        Ok(Self { connections, base_url, keys, timeouts, drains: TaskTracker::new() })
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
    /// key is left and no answer is relayed, [`Error::UpstreamUnreachable`] and [`Error::UpstreamTimeout`] if there is
    /// no answer.
    pub async fn call(&self, mut call: Call, attempts: &mut Attempts) -> Result<Answer, Error> {
        let deadline = Instant::now() + self.timeouts.response;
        let url = target::url(&self.base_url, &call.path, call.query.as_deref());
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
        let upload = match &mut call.body {
            CallBody::Once(body) => body.take().map(Upload::new),
            CallBody::Replayable(_) => None,
        };
        let mut is_last = false;
        loop {
            let span = trace::upstream(attempts.count + 1, attempts.hint.as_deref());
            let sending = self.send(call, upload.as_ref(), url, secret, deadline, attempts);
            let (answered, is_unprocessed) = match sending.instrument(span.clone()).await {
                Ok(answer) => (Ok(answer), false),
                Err(Unanswered { error, is_unprocessed }) => (Err(error), is_unprocessed),
            };
            trace::attempted(&span, &answered);
            if !is_unprocessed || std::mem::replace(&mut is_last, true) {
                return answered;
            }
            if let Some(upload) = &upload
                && !upload.is_replayable()
            {
                return answered;
            }
            tracing::info!("the provider did not process a request, sending it once more");
        }
    }

    async fn send(
        &self,
        call: &Call,
        upload: Option<&Upload>,
        url: &Url,
        secret: &SecretString,
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<Answer, Unanswered> {
        let mut request = reqwest::Request::new(call.method.clone(), url.clone());
        *request.headers_mut() = call.headers.clone();
        let Some((name, value)) = self.keys.authorization(secret) else {
            // Keys are checked when they are configured, and a client's came in a header.
            return Err(Unanswered { error: Error::Internal, is_unprocessed: false });
        };
        request.headers_mut().insert(name, value);
        trace::inject(request.headers_mut());
        *request.body_mut() = match &call.body {
            CallBody::Replayable(payload) if payload.is_empty() => None,
            CallBody::Replayable(payload) => Some(payload.clone().into()),
            CallBody::Once(_) => upload.map(Upload::body),
        };
        if request.body().is_none() && expects_body(&call.method) {
            request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let has_body = request.body().is_some();
        attempts.count += 1;
        let mut tapped = call.tap.as_ref().map(|tap| tap.begin(attempts.count, &mut request, &call.body));
        let client = self.connections.client();
        let sent = timeout_at(deadline, client.execute(request)).await;
        let is_unprocessed = matches!(&sent, Ok(Err(error)) if is_unprocessed(error, &call.method, has_body));
        let answered = match (sent, upload.and_then(Upload::failure)) {
            (Ok(Ok(response)), _) => final_answer(response),
            (_, Some(failure)) => Err(failure),
            (Ok(Err(error)), None) => Err(unreachable_because(&error)),
            (Err(_), None) => Err(upload
                .and_then(Upload::too_slow)
                .unwrap_or(Error::UpstreamTimeout(self.timeouts.response))),
        };
        if let Some(tapped) = &mut tapped {
            tapped.answered(&answered);
        }
        let response = answered.map_err(|error| Unanswered { error, is_unprocessed })?;
        self.connections.heed(&response, &self.drains);
        attempts.status = Some(response.status());
        let deadline = (call.timeout_scope == TimeoutScope::Whole).then_some(deadline);
        Ok(Answer { response, deadline, timeouts: self.timeouts, permit: None, over: None, tapped })
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

/// Methods whose requests have a body as a rule: one of length 0 is announced (RFC 9110 §8.6).
fn expects_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// A 1xx is no answer. The HTTP client skips those that announce one, and returns only 101, which nobody asked for.
fn final_answer(response: reqwest::Response) -> Result<reqwest::Response, Error> {
    if response.status().is_informational() { Err(Error::AnswerInvalid) } else { Ok(response) }
}

fn unreachable_because(error: &reqwest::Error) -> Error {
    let causes = causes(error);
    tracing::warn!(error = %causes, "no answer from the provider");
    if breaks_http(error) {
        return Error::AnswerInvalid;
    }
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
