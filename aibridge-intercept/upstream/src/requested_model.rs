//! The model that a request asks for, read on the side from a body that is not parsed otherwise.

use crate::payload::Payload;
use aibridge_headers::mask;
use aibridge_json::StreamedMember;
use aibridge_observer::decoder::{Decoder, MAX_PIECE_BYTES};
use http::{HeaderMap, header};

/// The most bytes of the text of a model name that are kept. Keys compare the first 512 bytes of a name, each of which may
/// be an escape of 6 bytes.
const MAX_NAME_BYTES: usize = 3 << 10;

/// The most bytes of a buffered body, decompressed, that are searched for its model on the async thread.
const MAX_BUFFERED_BYTES: usize = 1 << 20;

/// The most bytes of a streamed body that are searched for its model.
const MAX_STREAMED_BYTES: usize = 64 << 20;

/// The model that a request asks for, which decides the scope of a rate limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedModel {
    /// The request names this model: a rate limit applies to it alone.
    Named(String),
    /// The request names no model: a rate limit applies to the key.
    Unnamed,
    /// The name may be in a part of the body that was not read. A rate limit then cools nothing: otherwise a client could
    /// hide the name and so take the key from others.
    Unread,
}

impl RequestedModel {
    /// The model in a buffered body, which `headers` describe.
    pub fn in_payload(payload: &Payload, headers: &HeaderMap) -> Self {
        let mut reader = ModelReader::new(headers, MAX_BUFFERED_BYTES);
        payload.pieces().for_each(|piece| reader.push(piece));
        reader.finish();
        reader.model()
    }
}

impl From<Option<String>> for RequestedModel {
    fn from(model: Option<String>) -> Self {
        model.map_or(Self::Unnamed, Self::Named)
    }
}

/// Reads the `model` member of a JSON body that passes in pieces.
pub(crate) struct ModelReader {
    decoder: Option<Decoder>,
    member: StreamedMember,
    /// The number of decompressed bytes that may still be read.
    remaining: usize,
    /// Whether the body has ended, so that no name can follow.
    is_complete: bool,
}

impl ModelReader {
    /// A reader of the body that arrives after `headers`.
    pub(crate) fn of_stream(headers: &HeaderMap) -> Self {
        Self::new(headers, MAX_STREAMED_BYTES)
    }

    /// A reader that finds nothing, for a request without a key that can cool.
    pub(crate) fn idle() -> Self {
        let member = StreamedMember::new("model", 0);
        Self { decoder: None, member, remaining: 0, is_complete: false }
    }

    fn new(headers: &HeaderMap, limit: usize) -> Self {
        let (decoder, remaining) = match Decoder::of(headers) {
            // An audio file comes with a form, one of whose fields is the model.
            _ if is_form(headers) => (None, 0),
            Ok(None) => (None, limit),
            // A few bytes may decompress to many, on an async thread.
            Ok(decoder) => (decoder, limit.min(MAX_BUFFERED_BYTES)),
            Err(_) => (None, 0),
        };
        Self { decoder, member: StreamedMember::new("model", MAX_NAME_BYTES), remaining, is_complete: false }
    }

    /// Reads the next piece of the body.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let Some(mut decoder) = self.decoder.take() else { return self.read(bytes) };
        for piece in bytes.chunks(MAX_PIECE_BYTES) {
            if self.remaining == 0 || self.member.is_over() {
                break;
            }
            match decoder.decode(piece) {
                Ok(text) => self.read(&text),
                Err(_) => self.remaining = 0,
            }
        }
        self.decoder = Some(decoder);
    }

    fn read(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(self.remaining)];
        self.member.push(text);
        self.remaining -= text.len();
    }

    /// Reads the end of the body.
    pub(crate) fn finish(&mut self) {
        let is_whole = self.decoder.as_mut().is_none_or(|decoder| decoder.finish().is_ok());
        self.is_complete = is_whole && self.remaining > 0;
    }

    /// The model, if the body was read so far that no other name can follow: the last of duplicate members counts.
    pub(crate) fn model(&self) -> RequestedModel {
        if !self.member.is_over() && !self.is_complete {
            return RequestedModel::Unread;
        }
        // The name is shown in lists of cooling keys, so a token in it is masked.
        self.member.value().map(|name| mask::text(name).into_owned()).into()
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes().trim_ascii_start());
    [&b"multipart/"[..], b"application/x-www-form-urlencoded"]
        .iter()
        .any(|form| kind.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderValue;
    use std::io::Write;

    fn named(name: &str) -> RequestedModel {
        RequestedModel::Named(name.to_owned())
    }

    fn in_payload(body: impl Into<Bytes>, encoding: Option<&'static str>) -> RequestedModel {
        let encoding = encoding.map(|name| (header::CONTENT_ENCODING, HeaderValue::from_static(name)));
        RequestedModel::in_payload(&Payload::from(body.into()), &encoding.into_iter().collect())
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_has_a_model_or_none_or_was_not_read() {
        let large = |model: &str| format!(r#"{{"input":"{}"{model}}}"#, " ".repeat(MAX_BUFFERED_BYTES));
        assert_eq!(in_payload(r#"{"model":"m"}"#, None), named("m"));
        assert_eq!(in_payload(gzip(br#"{"model":"m"}"#), Some("gzip")), named("m"));
        assert_eq!(in_payload(r#"{"model":"aib_abcdefghijklmnopqrstuvwxyz"}"#, None), named("aib_...wxyz"));
        for body in ["", "{}", "[]", "text", r#"{"input":"#] {
            assert_eq!(in_payload(body, None), RequestedModel::Unnamed, "{body}");
        }
        assert_eq!(in_payload(large(r#","model":"m""#), None), RequestedModel::Unread);
        assert_eq!(in_payload(gzip(large("").as_bytes()), Some("gzip")), RequestedModel::Unread);
        assert_eq!(in_payload("junk", Some("gzip")), RequestedModel::Unread);
        assert_eq!(in_payload("junk", Some("compress")), RequestedModel::Unread);
    }

    #[test]
    fn the_model_of_a_form_is_not_read() {
        for kind in
            ["multipart/form-data; boundary=x", "Multipart/Form-Data", "application/x-www-form-urlencoded"]
        {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect();
            let body = Payload::from(Bytes::from("--x\r\n"));
            assert_eq!(RequestedModel::in_payload(&body, &headers), RequestedModel::Unread, "{kind}");
        }
    }

    #[test]
    fn a_stream_has_no_model_only_after_its_end() {
        let mut reader = ModelReader::of_stream(&HeaderMap::new());
        reader.push(br#"{"input":"#);
        assert_eq!(reader.model(), RequestedModel::Unread);
        reader.push(br#""x","model":"other","#);
        assert_eq!(reader.model(), RequestedModel::Unread, "another member may replace the name");
        reader.push(br#""model":"m"}"#);
        assert_eq!(reader.model(), named("m"));
    }
}
