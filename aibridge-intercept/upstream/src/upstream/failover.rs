//! The failover loop: the same request with one key of the pool after another.

use super::Upstream;
use super::read_ahead::read_ahead;
use super::refusal::{Refusal, has_credential_parameter};
use crate::call::{Attempts, PoolExhausted, UpstreamCall};
use crate::requested_model::RequestedModel;
use crate::response::UpstreamResponse;
use aibridge_error::{Error, whole_seconds};
use aibridge_keypool::{Exhaustion, Key, KeyPool, Walker, retry_after};
use http::{HeaderMap, StatusCode, header};
use reqwest::Url;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The refusals of the keys so far. The most informative one is kept, to be relayed if no key is left.
#[derive(Default)]
struct Refusals {
    most_informative: Option<RefusedResponse>,
    /// Whether a refusal was something else than [`Refusal::Rejected`].
    has_other_than_rejections: bool,
}

struct RefusedResponse {
    response: UpstreamResponse,
    refusal: Refusal,
    hint: String,
}

impl Refusals {
    /// Adds a refusal, and returns the response that is no longer needed.
    fn add(&mut self, new: RefusedResponse) -> Option<UpstreamResponse> {
        self.has_other_than_rejections |= new.refusal != Refusal::Rejected;
        match &self.most_informative {
            Some(previous) if rank(previous.response.http.status()) > rank(new.response.http.status()) => {
                Some(new.response)
            }
            _ => self.most_informative.replace(new).map(|replaced| replaced.response),
        }
    }

    fn into_response(self) -> Option<UpstreamResponse> {
        self.most_informative.map(|refused| refused.response)
    }
}

/// The rank of a refusal for the client: a rate limit names the time of a retry, then come a forbidden request and a lack
/// of credit. The rejection of a key is last, because the client cannot change the key.
fn rank(status: StatusCode) -> u8 {
    match status {
        StatusCode::TOO_MANY_REQUESTS => 3,
        StatusCode::FORBIDDEN => 2,
        StatusCode::PAYMENT_REQUIRED => 1,
        _ => 0,
    }
}

impl Upstream {
    /// Calls the provider with one key of `pool` after another, until the provider does not refuse the key.
    pub(super) async fn fail_over(
        &self,
        pool: &KeyPool,
        mut call: UpstreamCall,
        url: &Url,
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<UpstreamResponse, Error> {
        let mut walker = match &call.model {
            RequestedModel::Named(model) => pool.walk_for(model),
            RequestedModel::Unnamed | RequestedModel::Unread => pool.walk(),
        };
        let mut refusals = Refusals::default();
        while let Some(key) = walker.next_key() {
            attempts.hint = Some(key.hint().to_owned());
            let credential = (self.keys.auth_header(), key.secret());
            let response = match self.attempt(&mut call, url, credential, deadline, attempts).await {
                Ok(response) => response,
                Err(error) => {
                    self.discard(refusals.into_response());
                    return Err(error);
                }
            };
            let (response, refusal) = read_refusal(response).await;
            let Some(mut refusal) = refusal else {
                if response.http.status().is_success() {
                    key.succeeded();
                }
                self.discard(refusals.into_response());
                return Ok(response);
            };
            if has_credential_parameter(url) {
                refusal = refusal.without_key_fault();
            }
            if call.has_separate_limits {
                refusal = refusal.without_rate_limit();
            }
            match &call.model {
                RequestedModel::Named(model) => walker.set_model(model),
                RequestedModel::Unnamed => {}
                RequestedModel::Unread => refusal = refusal.without_model(),
            }
            report(&key, refusal, response.http.headers());
            tracing::info!(
                key = key.hint(), status = %response.http.status(), reason = ?refusal,
                "the provider refused this key; trying the next one"
            );
            self.discard(refusals.add(RefusedResponse { response, refusal, hint: key.hint().to_owned() }));
        }
        self.no_key_left(&walker, refusals, attempts)
    }

    /// Returns the most informative response. Without one, or if the provider only rejected keys, returns an error of the
    /// gateway's own: the client's credential is not at fault.
    fn no_key_left(
        &self,
        walker: &Walker,
        refusals: Refusals,
        attempts: &mut Attempts,
    ) -> Result<UpstreamResponse, Error> {
        match refusals.most_informative {
            Some(RefusedResponse { mut response, refusal, hint }) if refusals.has_other_than_rejections => {
                let status = response.http.status();
                attempts.hint = Some(hint);
                attempts.status = Some(status);
                attempts.exhausted = Some(match refusal {
                    Refusal::Quota => PoolExhausted::Quota,
                    Refusal::TooLarge => PoolExhausted::TooLarge,
                    Refusal::RateLimited | Refusal::OtherLimit => PoolExhausted::RateLimited,
                    Refusal::Rejected | Refusal::Unauthorized => PoolExhausted::Rejected,
                    Refusal::Forbidden => PoolExhausted::Forbidden,
                });
                let headers = response.http.headers_mut();
                if status == StatusCode::TOO_MANY_REQUESTS
                    && !headers.contains_key(header::RETRY_AFTER)
                    && let Some(soonest) = walker.shortest_cooldown()
                {
                    headers.insert(header::RETRY_AFTER, whole_seconds(soonest).into());
                }
                Ok(response)
            }
            rejected => {
                self.discard(rejected.map(|refused| refused.response));
                let reason = walker.exhaustion();
                attempts.exhausted = Some(match reason {
                    Exhaustion::RateLimited { .. } => PoolExhausted::RateLimited,
                    Exhaustion::Rejected => PoolExhausted::Rejected,
                });
                Err(self.keys.exhausted(reason))
            }
        }
    }
}

/// Reads whether a response refuses the key. Returns the response as it came.
async fn read_refusal(response: UpstreamResponse) -> (UpstreamResponse, Option<Refusal>) {
    let status = response.http.status();
    if !Refusal::is_possible(status) {
        return (response, None);
    }
    let (response, body) = read_ahead(response).await;
    let refusal = Refusal::of(status, response.http.headers(), &body);
    (response, refusal)
}

fn report(key: &Key, refusal: Refusal, headers: &HeaderMap) {
    match refusal {
        Refusal::Quota => key.out_of_quota(),
        Refusal::TooLarge | Refusal::OtherLimit => key.request_too_large(),
        Refusal::RateLimited => key.rate_limited(cooldown(headers)),
        Refusal::Rejected => key.rejected(),
        Refusal::Unauthorized => key.unauthorized(),
        Refusal::Forbidden => key.forbidden(),
    }
}

/// The cooldown that a 429 requests, if any.
fn cooldown(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(text("retry-after-ms"), text("retry-after"), SystemTime::now())
}
