//! The usage in the JSON response to a request that is passed through.

use aibridge_json::{Json, LenientText};
use aibridge_observer::decoder::{Decoder, MAX_PIECE_BYTES};
use aibridge_observer::observer::Usage;
use aibridge_observer::usage::{ExtraNames, UsageCounter};
use bytes::Bytes;
use http::HeaderMap;

/// The most bytes of a response that are buffered for its usage. A larger one, or one that is not JSON, is not read.
const MAX_USAGE_BYTES: usize = 8 << 20;

/// No additional counts: they are not recorded.
const NO_EXTRAS: ExtraNames = ExtraNames {
    prompt_audio: None,
    output_audio: None,
    reasoning: None,
    accepted_prediction: None,
    rejected_prediction: None,
};

/// Buffers a copy of a JSON response, and reads its usage.
pub(crate) struct UsageReader {
    /// `None` if the response is not read.
    body: Option<Vec<u8>>,
    decoder: Option<Decoder>,
}

impl UsageReader {
    /// Creates a reader of a response with these headers.
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        match Decoder::of(headers) {
            Ok(decoder) => Self { body: Some(Vec::new()), decoder },
            Err(_) => Self { body: None, decoder: None },
        }
    }

    /// Buffers the next part of the response.
    pub(crate) fn push(&mut self, chunk: &Bytes) {
        if self.body.is_some() && self.append(chunk).is_none() {
            self.body = None;
        }
    }

    /// Decodes and buffers `chunk`. `None` if the response is too large, not JSON or cannot be decoded.
    fn append(&mut self, chunk: &Bytes) -> Option<()> {
        let body = self.body.as_mut()?;
        match &mut self.decoder {
            None => body.extend_from_slice(chunk),
            Some(decoder) => {
                for piece in chunk.chunks(MAX_PIECE_BYTES) {
                    body.extend_from_slice(&decoder.decode(piece).ok()?);
                    if body.len() > MAX_USAGE_BYTES {
                        return None;
                    }
                }
            }
        }
        let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'{');
        (is_object && body.len() <= MAX_USAGE_BYTES).then_some(())
    }

    /// The model and the usage that the response reports.
    pub(crate) fn finish(self) -> Option<(Option<String>, Usage)> {
        let body = self.body?;
        let text = LenientText::new(&body);
        let [model, usage] = text.json()?.members(["model", "usage"]);
        let mut counter = UsageCounter::default();
        counter.read(usage);
        let usage = counter.finish(&NO_EXTRAS)?;
        Some((model.and_then(Json::non_empty_string), usage))
    }
}
