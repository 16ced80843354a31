//! The only failover loop: one request with one key of the pool after another.

use super::Upstream;
use super::read_ahead::read_ahead;
use super::refusal::{Refusal, brings_credential};
use crate::answer::Answer;
use crate::call::{Attempts, Call, PoolExhausted};
use crate::error::{Error, whole_seconds};
use aibridge_keypool::{Exhaustion, Key, KeyPool, Walker, retry_after};
use http::{HeaderMap, StatusCode, header};
use reqwest::Url;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What the keys of a walk were answered: of all refusals one is kept, to be relayed if no key is left.
#[derive(Default)]
struct Refusals {
    most_telling: Option<Kept>,
    /// Whether there was one that did not reject its key by name.
    has_other_than_rejections: bool,
}

struct Kept {
    answer: Answer,
    refusal: Refusal,
    hint: String,
}

impl Refusals {
    /// Adds an answer, and returns the one that is not needed any more.
    fn add(&mut self, new: Kept) -> Option<Answer> {
        self.has_other_than_rejections |= new.refusal != Refusal::Rejected;
        match &self.most_telling {
            Some(kept) if rank(kept.answer.response.status()) > rank(new.answer.response.status()) => {
                Some(new.answer)
            }
            _ => self.most_telling.replace(new).map(|kept| kept.answer),
        }
    }

    fn into_answer(self) -> Option<Answer> {
        self.most_telling.map(|kept| kept.answer)
    }
}

/// How much a refusal tells the client: when to come back, what is not allowed, what is not paid. Of a key that is not
/// accepted, which is not its own, it can make nothing.
fn rank(status: StatusCode) -> u8 {
    match status {
        StatusCode::TOO_MANY_REQUESTS => 3,
        StatusCode::FORBIDDEN => 2,
        StatusCode::PAYMENT_REQUIRED => 1,
        _ => 0,
    }
}

impl Upstream {
    /// Calls the provider with one key of `pool` after another, until there is an answer that is not about the key.
    pub(super) async fn fail_over(
        &self,
        pool: &KeyPool,
        mut call: Call,
        url: &Url,
        deadline: Instant,
        attempts: &mut Attempts,
    ) -> Result<Answer, Error> {
        let mut walker = match call.model.take() {
            Some(model) => pool.walk_for(model),
            None => pool.walk(),
        };
        let mut refusals = Refusals::default();
        while let Some(key) = walker.next_key() {
            attempts.hint = Some(key.hint().to_owned());
            let answer = match self.attempt(&mut call, url, key.secret(), deadline, attempts).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.discard(refusals.into_answer());
                    return Err(error);
                }
            };
            let (answer, refusal) = read_refusal(answer).await;
            let Some(mut refusal) = refusal else {
                if answer.response.status().is_success() {
                    key.succeeded();
                }
                self.discard(refusals.into_answer());
                return Ok(answer);
            };
            if brings_credential(url) {
                refusal = refusal.of_request();
            }
            report(&key, refusal, answer.response.headers());
            tracing::info!(
                key = key.hint(), status = %answer.response.status(), reason = ?refusal,
                "the provider refused this key, trying the next"
            );
            self.discard(refusals.add(Kept { answer, refusal, hint: key.hint().to_owned() }));
        }
        self.no_key_left(&walker, refusals, attempts)
    }

    /// The most telling answer of the walk. The gateway answers itself if there is none, or if the provider does not
    /// accept the keys: the client's credential is not at fault.
    fn no_key_left(
        &self,
        walker: &Walker,
        refusals: Refusals,
        attempts: &mut Attempts,
    ) -> Result<Answer, Error> {
        match refusals.most_telling {
            Some(Kept { mut answer, refusal, hint }) if refusals.has_other_than_rejections => {
                let status = answer.response.status();
                attempts.hint = Some(hint);
                attempts.status = Some(status);
                attempts.exhausted = Some(match refusal {
                    Refusal::Quota => PoolExhausted::Quota,
                    Refusal::TooLarge => PoolExhausted::TooLarge,
                    Refusal::RateLimited => PoolExhausted::RateLimited,
                    Refusal::Rejected | Refusal::Unauthorized => PoolExhausted::Rejected,
                    Refusal::Forbidden => PoolExhausted::Forbidden,
                });
                let headers = answer.response.headers_mut();
                if status == StatusCode::TOO_MANY_REQUESTS
                    && !headers.contains_key(header::RETRY_AFTER)
                    && let Some(soonest) = walker.shortest_cooldown()
                {
                    headers.insert(header::RETRY_AFTER, whole_seconds(soonest).into());
                }
                Ok(answer)
            }
            rejected => {
                self.discard(rejected.map(|kept| kept.answer));
                let why = walker.exhaustion();
                attempts.exhausted = Some(match why {
                    Exhaustion::RateLimited { .. } => PoolExhausted::RateLimited,
                    Exhaustion::Rejected => PoolExhausted::Rejected,
                });
                Err(self.keys.exhausted(why))
            }
        }
    }
}

/// The answer as it came, and what it says about its key.
async fn read_refusal(answer: Answer) -> (Answer, Option<Refusal>) {
    let status = answer.response.status();
    if !Refusal::is_possible(status) {
        return (answer, None);
    }
    let (answer, body) = read_ahead(answer).await;
    let refusal = Refusal::of(status, answer.response.headers(), &body);
    (answer, refusal)
}

fn report(key: &Key, refusal: Refusal, headers: &HeaderMap) {
    match refusal {
        Refusal::Quota => key.out_of_quota(),
        Refusal::TooLarge => key.request_too_large(),
        Refusal::RateLimited => key.rate_limited(cooldown(headers)),
        Refusal::Rejected => key.rejected(),
        Refusal::Unauthorized => key.unauthorized(),
        Refusal::Forbidden => key.forbidden(),
    }
}

/// How long a 429 asks to be left alone, if it says so.
fn cooldown(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(text("retry-after-ms"), text("retry-after"), SystemTime::now())
}
