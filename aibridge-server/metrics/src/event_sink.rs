//! Counts interceptions and passthrough requests as their events arrive.

use crate::metrics::Metrics;
use aibridge_intercept::ResponseSummary;
use aibridge_intercept::call::{Attempts, PoolExhausted};
use aibridge_intercept::events::{EventSink, InterceptionEvent, OpenInterception, Timeline};
use aibridge_recorder::{CredentialKind, ErrorType, Interception, Outcome};
use http::Method;
use prometheus::IntGauge;

/// The label of a response that names no model, as in records.
const UNKNOWN_MODEL: &str = "unknown";

impl EventSink for Metrics {
    fn on_open(&self, interception: &Interception) -> Option<Box<dyn OpenInterception>> {
        let Interception { provider_name, model, route, .. } = interception;
        let gauge =
            self.interceptions.inflight.with_label_values(&[provider_name, self.models.label(model), route]);
        gauge.inc();
        Some(Box::new(InFlight(gauge)))
    }

    fn on_event(&self, event: &InterceptionEvent<'_>) {
        match *event {
            InterceptionEvent::Started { interception, has_prompt: true } => {
                self.responses.prompts.with_label_values(&[&interception.provider_name]).inc();
            }
            InterceptionEvent::Started { has_prompt: false, .. } => {}
            InterceptionEvent::StartRefused { interception } => self.count(interception, "failed"),
            InterceptionEvent::ResponseRead { interception, summary, charged } => {
                self.count_response(summary);
                if let Some(charged) = charged {
                    let Interception { provider_name, model, .. } = interception;
                    self.count_cost(provider_name, model, charged.cost_nano_usd);
                }
            }
            InterceptionEvent::BudgetWarning { scope, percent } => {
                self.money.warnings.with_label_values(&[scope, &percent.to_string()]).inc();
            }
            InterceptionEvent::Undecodable { interception } => {
                self.undecodable.with_label_values(&[&interception.provider_name]).inc();
            }
            InterceptionEvent::Ended { interception, outcome, attempts, timeline } => {
                self.end(interception, outcome, attempts, timeline);
            }
            InterceptionEvent::PassedThrough { provider, route, method, credential, attempts } => {
                self.passthrough.with_label_values(&[provider, route, method_label(method)]).inc();
                self.count_attempts(provider, credential, attempts);
            }
            // The counter has the tokens that are recorded.
            InterceptionEvent::PassthroughUsage { .. } => {}
            InterceptionEvent::PassthroughCost { provider, model, cost_nano_usd } => {
                self.count_cost(provider, model.unwrap_or(UNKNOWN_MODEL), cost_nano_usd);
            }
            InterceptionEvent::LimitExceeded { limit } => self.limited.with_label_values(&[limit]).inc(),
        }
    }
}

/// Decrements the gauge when the interception ends, with any outcome.
struct InFlight(IntGauge);

impl OpenInterception for InFlight {}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    fn end(&self, interception: &Interception, outcome: Outcome, attempts: &Attempts, timeline: &Timeline) {
        self.count(interception, outcome.as_str());
        let provider = interception.provider_name.as_str();
        let series = [provider, interception.route.as_str()];
        self.interceptions.duration.with_label_values(&series).observe(timeline.elapsed().as_secs_f64());
        self.interceptions.overhead.with_label_values(&series).observe(timeline.overhead().as_secs_f64());
        // A blocking response is sent after its end is recorded, which is now.
        let blocking = || (outcome == Outcome::Completed).then(|| timeline.elapsed());
        if let Some(first_byte) = timeline.first_byte().or_else(blocking) {
            self.interceptions.first_byte.with_label_values(&series).observe(first_byte.as_secs_f64());
        }
        if outcome == Outcome::Failed(ErrorType::CircuitOpen) {
            let model = self.models.label(&interception.model);
            self.circuits.rejects.with_label_values(&[provider, &interception.route, model]).inc();
        }
        self.count_attempts(provider, interception.credential_kind, attempts);
    }

    fn count(&self, interception: &Interception, status: &str) {
        let Interception { provider_name, model, route, client, .. } = interception;
        let series = [provider_name, self.models.label(model), status, route, "POST", client];
        self.interceptions.total.with_label_values(&series).inc();
    }

    fn count_response(&self, summary: &ResponseSummary) {
        if let Some(usage) = &summary.usage {
            let counts = [
                ("input", usage.input),
                ("output", usage.output),
                ("cache_read_input", usage.cache_read),
                ("cache_write_input", usage.cache_write),
            ];
            for (kind, count) in counts {
                self.responses.tokens.with_label_values(&[kind]).inc_by(u64::try_from(count).unwrap_or(0));
            }
        }
        for tool in &summary.tools {
            self.responses.tools.with_label_values(&[self.tools.label(&tool.name)]).inc();
        }
    }

    fn count_cost(&self, provider: &str, model: &str, cost_nano_usd: Option<i64>) {
        let series = [provider, self.models.label(model)];
        match cost_nano_usd {
            Some(cost) => {
                self.money.cost.with_label_values(&series).inc_by(u64::try_from(cost).unwrap_or(0));
            }
            None => self.money.unpriced.with_label_values(&series).inc(),
        }
    }

    /// Counts the keys that one call tried, if it used the key pool.
    fn count_attempts(&self, provider: &str, credential: CredentialKind, attempts: &Attempts) {
        if credential == CredentialKind::Byok || (attempts.count == 0 && attempts.exhausted.is_none()) {
            return;
        }
        self.keys.attempts.with_label_values(&[provider]).observe(f64::from(attempts.count));
        if let Some(exhausted) = attempts.exhausted {
            let outcome = match exhausted {
                PoolExhausted::RateLimited => "rate_limited",
                PoolExhausted::Quota => "quota",
                PoolExhausted::TooLarge => "too_large",
                PoolExhausted::Rejected => "rejected",
                PoolExhausted::Forbidden => "forbidden",
            };
            self.keys.exhaustions.with_label_values(&[provider, outcome]).inc();
        }
    }
}

/// Returns the label of a method. Clients can invent methods, so unknown ones share `other`.
fn method_label(method: &Method) -> &str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}
