//! Calls a provider: connections, attempts and failover. No other module sends requests.

mod connections;
mod failover;
mod read_ahead;
pub mod refusal;
mod target;
mod tls;
mod unprocessed;
mod upload;

use crate::call::{Attempts, CallBody, TimeoutScope, Timeouts, UpstreamCall};
use crate::guard::Permit;
use crate::requested_model::ModelReader;
use crate::response::{UpstreamResponse, causes, violates_http};
use crate::trace;
use aibridge_error::Error;
use aibridge_headers::credential::{Credential, KeyFailover, key_header};
use aibridge_keypool::hint;
use aibridge_recorder::CredentialKind;
use aibridge_trust::TlsProblem;
use connections::Connections;
use http::Method;
use http::header::{self, HeaderName, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use unprocessed::is_unprocessed;
use upload::Upload;

pub use tls::ClientTls;

/// The endpoint of one provider, with its connections and keys.
#[derive(Debug)]
pub struct Upstream {
    connections: Arc<Connections>,
    base_url: Url,
    keys: KeyFailover,
    timeouts: Timeouts,
    /// Owns the tasks that drain discarded responses or prepare new connections.
    background: TaskTracker,
}

/// The reason why the connections to a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionsError {
    /// The HTTP client cannot be created.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// The reason why a request has no response.
struct SendError {
    error: Error,
    /// The provider did not process the request.
    is_unprocessed: bool,
}

/// The limits of draining a discarded response. It makes the connection reusable, which saves a handshake, and is cheap
/// because error bodies are small.
const MAX_DRAIN_BYTES: usize = 64 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

impl Upstream {
    /// The endpoint at `base_url`. No connection is opened before the first call.
    ///
    /// # Errors
    ///
    /// [`ConnectionsError`] if `tls` or the TLS configuration of this machine cannot be used.
    pub fn new(
        base_url: Url,
        keys: KeyFailover,
        timeouts: Timeouts,
        tls: &ClientTls,
    ) -> Result<Self, ConnectionsError> {
        // Fails if a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connections = Connections::new(timeouts.connect, timeouts.keep_alive, tls.config()?)?;
        Ok(Self { connections, base_url, keys, timeouts, background: TaskTracker::new() })
    }

    /// The time for which the rest of a response is read after its client has left; zero if it is dropped at once.
    pub fn drain_on_disconnect(&self) -> Duration {
        self.timeouts.drain_on_disconnect
    }

    /// The keys of the provider and their rules.
    pub fn keys(&self) -> &KeyFailover {
        &self.keys
    }

    /// Calls the provider: once with a BYOK credential, else with one key of the pool after another until the provider
    /// does not refuse the key. `attempts` is updated along the way, so it is valid even if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::CircuitOpen`] if the guard rejects the call, [`Error::KeysRateLimited`] and [`Error::KeysRejected`] if no
    /// key is left and no response is relayed, [`Error::UpstreamUnreachable`] and [`Error::UpstreamTimeout`] if there is
    /// no response.
    pub async fn call(
        &self,
        mut call: UpstreamCall,
        attempts: &mut Attempts,
    ) -> Result<UpstreamResponse, Error> {
        let deadline = Instant::now() + self.timeouts.response;
        let url =
            target::url(call.base_url.as_ref().unwrap_or(&self.base_url), &call.path, call.query.as_deref());
        let counts = call.credential.kind() == CredentialKind::Centralized;
        let mut permit = call.guard.take().map(|guard| Permit::acquire(guard, counts)).transpose()?;
        let result = match call.credential.clone() {
            Credential::Byok(key) => {
                attempts.hint = Some(hint(key.secret.expose_secret()));
                self.attempt(&mut call, &url, (&key.header, &key.secret), deadline, attempts).await
            }
            Credential::Centralized(pool) => self.fail_over(&pool, call, &url, deadline, attempts).await,
        };
        if let Some(permit) = &mut permit {
            match &result {
                Ok(response) if attempts.exhausted.is_some() => {
                    permit.on_keys_refused(response.http.status().as_u16())
                }
                Ok(response) => permit.on_response(response.http.status().as_u16()),
                Err(error) => permit.on_error(error),
            }
        }
        result.map(|response| UpstreamResponse { permit, ..response })
    }

    /// Sends the request with one credential, given by its header and secret, and once more if the provider did not process it.
    async fn attempt(
        &self,
        call: &mut UpstreamCall,
        url: &Url,
        key: (&HeaderName, &SecretString),
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<UpstreamResponse, Error> {
        let upload = match &mut call.body {
            CallBody::Once(body) => body.take().map(|body| {
                let is_pooled = matches!(call.credential, Credential::Centralized(_));
                let model =
                    if is_pooled { ModelReader::of_stream(&call.headers) } else { ModelReader::idle() };
                Upload::new(body, model)
            }),
            CallBody::Replayable(_) => None,
        };
        let mut is_last = false;
        let result = loop {
            let span = trace::upstream_span(attempts.count + 1, attempts.hint.as_deref());
            let sending = self.send(call, upload.as_ref(), url, key, deadline, attempts);
            let (result, is_unprocessed) = match sending.instrument(span.clone()).await {
                Ok(response) => (Ok(response), false),
                Err(SendError { error, is_unprocessed }) => (Err(error), is_unprocessed),
            };
            trace::set_attempt(&span, &result);
            if !is_unprocessed || std::mem::replace(&mut is_last, true) {
                break result;
            }
            if let Some(upload) = &upload
                && !upload.is_replayable()
            {
                break result;
            }
            tracing::info!("the provider did not process a request; sending it once more");
        };
        if let Some(upload) = upload {
            call.model = upload.model();
        }
        result
    }

    async fn send(
        &self,
        call: &UpstreamCall,
        upload: Option<&Upload>,
        url: &Url,
        key: (&HeaderName, &SecretString),
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<UpstreamResponse, SendError> {
        let mut request = reqwest::Request::new(call.method.clone(), url.clone());
        *request.headers_mut() = call.headers.clone();
        let (name, secret) = key;
        let Some(value) = key_header(name, secret) else {
            // Cannot happen: keys are checked when they are configured, and a client's key came in a header.
            return Err(SendError { error: Error::Internal, is_unprocessed: false });
        };
        request.headers_mut().insert(name.clone(), value);
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
        let mut tapped =
            call.tap.as_ref().map(|tap| tap.begin(attempts.count, &mut request, call.body.payload()));
        let client = self.connections.client();
        let sent = timeout_at(deadline, client.execute(request)).await;
        let is_unprocessed = matches!(&sent, Ok(Err(error)) if is_unprocessed(error, &call.method, has_body));
        let result = match (sent, upload.and_then(Upload::failure)) {
            (Ok(Ok(response)), _) => final_response(response),
            (_, Some(failure)) => Err(failure),
            (Ok(Err(error)), None) => Err(send_error(&error)),
            (Err(_), None) => Err(upload
                .and_then(Upload::timeout_error)
                .unwrap_or(Error::UpstreamTimeout(self.timeouts.response))),
        };
        if let Some(tapped) = &mut tapped {
            tapped.on_result(&result);
        }
        let response = result.map_err(|error| SendError { error, is_unprocessed })?;
        self.connections.apply_keep_alive(&response, &self.background);
        attempts.status = Some(response.status());
        let deadline = (call.timeout_scope == TimeoutScope::Whole).then_some(deadline);
        Ok(UpstreamResponse { tapped, ..UpstreamResponse::new(response, deadline, self.timeouts) })
    }

    /// Drains a response that is not relayed, in the background.
    fn discard(&self, response: Option<UpstreamResponse>) {
        let Some(UpstreamResponse { http: mut response, tapped, .. }) = response else { return };
        self.background.spawn(timeout(DRAIN_TIMEOUT, async move {
            let mut drained = 0;
            while let Ok(Some(chunk)) = response.chunk().await {
                if let Some(tapped) = &tapped {
                    tapped.on_chunk(&chunk);
                }
                drained += chunk.len();
                if drained > MAX_DRAIN_BYTES {
                    break;
                }
            }
        }));
    }
}

/// Whether requests with this method usually have a body. An empty one is announced as such (RFC 9110 §8.6).
fn expects_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// Rejects a 1xx status, which is not a final response. The HTTP client skips all but 101, which was not requested.
fn final_response(response: reqwest::Response) -> Result<reqwest::Response, Error> {
    if response.status().is_informational() { Err(Error::InvalidResponse) } else { Ok(response) }
}

fn send_error(error: &reqwest::Error) -> Error {
    let causes = causes(error);
    tracing::warn!(error = %causes, "the provider sent no response");
    if let Some(problem) = TlsProblem::find(error) {
        return Error::UpstreamTls(problem.to_string());
    }
    if violates_http(error) {
        return Error::InvalidResponse;
    }
    let reason = if error.is_timeout() {
        "the connection took too long"
    } else if error.is_connect() && causes.contains("dns") {
        "its name was not found"
    } else if error.is_connect() {
        "the connection was refused or failed"
    } else {
        "the connection broke before the response"
    };
    Error::UpstreamUnreachable(reason.to_owned())
}
