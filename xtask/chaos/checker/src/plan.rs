//! A planned request, its response and its expected rows. All of them follow from the seed and the number of the request.

use fastrand::Rng;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// The text that marks the number of a request in its prompt.
const MARK: &str = "request number ";

/// The text that fills prompts. It is ASCII, so that characters and bytes are the same.
const FILLER: &str = "the quick brown fox jumps over the lazy dog ";

/// The prompt size, in bytes, above which a prompt is large: its latency and its refusals are counted apart.
const LARGE_PROMPT: usize = 1_000_000;

/// The smallest and the largest usual request body, in bytes.
const SIZES: (f64, f64) = (1_000.0, 300_000.0);

/// A request, its response and its expected rows.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The number of the request. The prompt contains it, and so does `User-Agent`.
    pub number: u64,
    /// Whether the request calls the Responses API; otherwise it calls Chat Completions.
    pub responses: bool,
    /// Whether the response is a stream.
    pub stream: bool,
    /// The bytes of the prompt, which is recorded.
    pub prompt_bytes: usize,
    /// The bytes of an earlier message, which is not recorded.
    history: usize,
    /// Input, cached and output tokens.
    pub tokens: [u64; 3],
    /// The number of tool calls that the model selects.
    pub tools: usize,
    /// Whether the response contains reasoning.
    pub reasoning: bool,
    /// The number of text events of a stream.
    pub events: usize,
    /// The time between two events.
    pub pace: Duration,
}

impl Plan {
    /// The request `number` of a run with `seed`.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let size = (SIZES.0.ln() + rng.f64() * (SIZES.1 / SIZES.0).ln()).exp() as usize;
        let prompt_bytes = if rng.u8(..4) == 0 { size } else { 64 };
        let input = rng.u64(100..100_000);
        let tokens = [input, rng.u64(0..100), rng.u64(1..10_000)];
        Self {
            number,
            responses: rng.bool(),
            stream: rng.bool(),
            prompt_bytes,
            history: size.saturating_sub(prompt_bytes),
            tokens,
            tools: rng.usize(..4),
            reasoning: rng.bool(),
            events: rng.usize(1..12),
            pace: Duration::from_millis(if rng.u8(..8) == 0 { rng.u64(1..20) } else { 0 }),
        }
    }

    /// The same request with a prompt of `bytes`.
    pub fn with_prompt(mut self, bytes: usize) -> Self {
        self.prompt_bytes = bytes;
        self
    }

    /// The first `bytes` of the prompt.
    pub fn prompt_start(&self, bytes: usize) -> String {
        let prompt = self.clone().with_prompt(self.prompt_bytes.min(bytes)).prompt();
        prompt.chars().take(bytes).collect()
    }

    /// The prompt. The number of the request comes first.
    pub fn prompt(&self) -> String {
        let mut text = format!("{MARK}{} ", self.number);
        text.push_str(&filler(self.prompt_bytes.saturating_sub(text.len())));
        text
    }

    /// The number in the body of a request.
    pub fn number_in(body: &[u8]) -> Option<u64> {
        let at = memchr::memmem::find(body, MARK.as_bytes())? + MARK.len();
        let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// Whether the prompt is larger than those of usual requests.
    pub fn has_large_prompt(&self) -> bool {
        self.prompt_bytes > LARGE_PROMPT
    }

    /// Whether the provider responds without pauses, so that the latency is comparable with that of others.
    pub fn has_no_pauses(&self) -> bool {
        self.pace.is_zero()
    }

    /// The path of the request.
    pub fn route(&self) -> &'static str {
        if self.responses { "/openai/v1/responses" } else { "/openai/v1/chat/completions" }
    }

    /// The `User-Agent` of the request, which is recorded before anything is sent to the provider.
    pub fn user_agent(&self) -> String {
        format!("chaos/{}", self.number)
    }

    /// The number in a recorded `User-Agent`.
    pub fn number_of_agent(user_agent: &str) -> Option<u64> {
        user_agent.strip_prefix("chaos/")?.parse().ok()
    }

    /// The body of the request.
    pub fn body(&self) -> String {
        let mut body = String::with_capacity(self.prompt_bytes + self.history + 400);
        let (list, kind) = if self.responses { ("input", "input_text") } else { ("messages", "text") };
        body.push_str("{\"model\":\"gpt-5-chaos\",\"");
        let _ = write!(body, "{list}\":[");
        if self.history > 0 {
            let _ = write!(body, "{{\"role\":\"user\",\"content\":\"{}\"}},", filler(self.history));
        }
        let _ = write!(
            body,
            "{{\"role\":\"user\",\"content\":[{{\"type\":\"{kind}\",\"text\":\"{}\"}}]}}]",
            self.prompt()
        );
        if self.stream {
            body.push_str(",\"stream\":true");
            if !self.responses {
                body.push_str(",\"stream_options\":{\"include_usage\":true}");
            }
        }
        body.push('}');
        body
    }

    /// The id, name and arguments of each tool call, in the order of their ids.
    pub fn tool_calls(&self) -> Vec<(String, String, Value)> {
        let call = |at| {
            (
                format!("call_{}_{at}", self.number),
                format!("tool_{at}"),
                json!({"number": self.number, "at": at}),
            )
        };
        (0..self.tools).map(call).collect()
    }

    /// The usage object of the response.
    pub fn usage(&self) -> Value {
        let [input, cached, output] = self.tokens;
        let names = match self.responses {
            true => ["input_tokens", "output_tokens", "input_tokens_details"],
            false => ["prompt_tokens", "completion_tokens", "prompt_tokens_details"],
        };
        json!({names[0]: input, names[1]: output, names[2]: {"cached_tokens": cached}, "total_tokens": input + output})
    }
}

fn filler(bytes: usize) -> String {
    let mut text = FILLER.repeat(bytes / FILLER.len() + 1);
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_again_by_its_body_and_its_user_agent() {
        for number in 0..64 {
            let plan = Plan::new(7, number);
            let body = plan.body();
            assert_eq!(Plan::number_in(body.as_bytes()), Some(number));
            assert_eq!(Plan::number_of_agent(&plan.user_agent()), Some(number));
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["stream"] == true, plan.stream);
            assert_eq!(Plan::new(7, number).body(), plan.body());
        }
        assert_ne!(Plan::new(7, 1).body(), Plan::new(8, 1).body());
    }

    #[test]
    fn a_large_prompt_has_its_size() {
        assert_eq!(Plan::new(1, 2).with_prompt(1 << 20).prompt().len(), 1 << 20);
    }
}
