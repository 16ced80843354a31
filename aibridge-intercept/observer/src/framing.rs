//! Detects the framing of a successful response by its first bytes rather than by its `Content-Type`.

use aibridge_json::ValueEnd;
use http::{HeaderMap, header};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The way in which the body of a response is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A stream of server-sent events.
    Events,
    /// NDJSON: one JSON object a line.
    Lines,
    /// One value, which is read when it is complete.
    Whole,
    /// Unknown, because the content encoding cannot be decoded.
    Unreadable,
}

/// The framing that a `Content-Type` declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredFraming {
    /// `text/event-stream`, the type of server-sent events.
    Events,
    /// `application/x-ndjson` or a similar type.
    Lines,
    /// Any other type, or none.
    Other,
}

impl DeclaredFraming {
    /// The framing that the `Content-Type` of these headers declares.
    pub fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        let media_type = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is = |name: &&str| media_type.eq_ignore_ascii_case(name.as_bytes());
        const LINES: [&str; 5] = [
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
            "application/x-jsonlines",
            "application/stream+json",
        ];
        if is(&"text/event-stream") {
            Self::Events
        } else if LINES.iter().any(is) {
            Self::Lines
        } else {
            Self::Other
        }
    }
}

/// Reads the start of a body until its framing is certain.
#[derive(Debug)]
pub struct FramingDetector {
    may_be_stream: bool,
    declares_lines: bool,
    state: State,
    /// The number of leading whitespace bytes, including a byte order mark.
    whitespace: usize,
    /// The number of bytes of a byte order mark that have arrived.
    bom: usize,
}

#[derive(Debug)]
enum State {
    /// Only whitespace has arrived.
    Whitespace,
    /// In an object that is the whole body, or the first line of several.
    Object(ValueEnd),
    /// After that object.
    AfterObject { line_ended: bool },
    /// In a body that is one value, or is not JSON.
    Whole,
}

impl FramingDetector {
    /// A detector. `may_be_stream`: the client asked for a stream, or the response declares one.
    pub fn new(may_be_stream: bool, declared: DeclaredFraming) -> Self {
        Self {
            may_be_stream,
            declares_lines: declared == DeclaredFraming::Lines,
            state: State::Whitespace,
            whitespace: 0,
            bom: 0,
        }
    }

    /// Reads the next bytes. Returns the framing once it is certain.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Framing> {
        let mut rest = bytes;
        loop {
            rest = match &mut self.state {
                State::Whitespace => {
                    rest = self.skip_whitespace(rest);
                    match rest.first()? {
                        _ if !self.may_be_stream => self.state = State::Whole,
                        b'{' if self.declares_lines => return Some(Framing::Lines),
                        b'{' => self.state = State::Object(ValueEnd::default()),
                        b'[' => self.state = State::Whole,
                        _ => return Some(Framing::Events),
                    }
                    rest
                }
                State::Object(end) => {
                    let end = end.find(rest)?;
                    self.state = State::AfterObject { line_ended: false };
                    &rest[end..]
                }
                State::AfterObject { line_ended } => {
                    let whitespace = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    *line_ended |= rest[..whitespace].contains(&b'\n');
                    match (rest.get(whitespace)?, *line_ended) {
                        // A NUL pads a single value; anything else is another line.
                        (0, _) | (_, false) => self.state = State::Whole,
                        (_, true) => return Some(Framing::Lines),
                    }
                    &rest[whitespace..]
                }
                State::Whole => return None,
            };
        }
    }

    /// The framing of a body that has ended.
    pub fn at_end(&self) -> Framing {
        match self.state {
            // A stream without events.
            State::Whitespace if self.may_be_stream => Framing::Events,
            _ => Framing::Whole,
        }
    }

    /// The number of leading whitespace bytes, including a byte order mark.
    pub fn whitespace(&self) -> usize {
        self.whitespace
    }

    fn skip_whitespace<'a>(&mut self, mut rest: &'a [u8]) -> &'a [u8] {
        while let Some(&byte) = rest.first() {
            if self.whitespace == 0 && BOM.get(self.bom) == Some(&byte) {
                self.bom += 1;
                if self.bom == BOM.len() {
                    self.whitespace = BOM.len();
                }
            } else if (self.bom == 0 || self.bom == BOM.len()) && byte.is_ascii_whitespace() {
                self.whitespace += 1;
            } else {
                break;
            }
            rest = &rest[1..];
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn framing(
        may_be_stream: bool,
        declared: DeclaredFraming,
        body: &[u8],
        step: usize,
    ) -> (Framing, bool, usize) {
        let mut detector = FramingDetector::new(may_be_stream, declared);
        let early = body.chunks(step).find_map(|chunk| detector.push(chunk));
        (early.unwrap_or(detector.at_end()), early.is_some(), detector.whitespace())
    }

    #[test]
    fn the_first_bytes_decide() {
        use Framing::{Events, Lines, Whole};
        let table: &[(&str, Framing, bool, usize)] = &[
            ("data: {}", Events, true, 0),
            (": ping\n", Events, true, 0),
            ("\u{feff}data: 1", Events, true, 3),
            ("\u{feff}\r\n {\"a\":1}", Whole, false, 6),
            ("\n\n<html>", Events, true, 2),
            ("[{},\n{}]", Whole, false, 0),
            ("{\"a\":\"}\\\"\",\n \"b\":[{}]}\n\n ", Whole, false, 0),
            ("{\"a\":1}\n{", Lines, true, 0),
            ("{\"a\":1} \r\n\n{\"b\":2}\n", Lines, true, 0),
            ("{\"a\":1}{\"b\":2}\n{}", Whole, false, 0),
            ("{\"a\":1}\n\0\0", Whole, false, 0),
            ("{\"a\":", Whole, false, 0),
            ("", Events, false, 0),
            (" \n", Events, false, 2),
        ];
        for (body, expected, early, whitespace) in table {
            for step in 1..=body.len().max(1) {
                let found = framing(true, DeclaredFraming::Other, body.as_bytes(), step);
                assert_eq!(found, (*expected, *early, *whitespace), "{body:?} in pieces of {step}");
            }
        }
        assert_eq!(framing(true, DeclaredFraming::Lines, b" {\"a\"", 9), (Lines, true, 1));
        for body in ["data: {}", "{}\n{}", "", "\u{feff}x"] {
            let (found, early, _) = framing(false, DeclaredFraming::Other, body.as_bytes(), 9);
            assert_eq!((found, early), (Whole, false), "{body:?}, for a request without stream");
        }
    }

    #[test]
    fn content_types_declare_framing() {
        for (value, expected) in [
            ("text/event-stream", DeclaredFraming::Events),
            ("Text/Event-Stream ;charset=utf-8", DeclaredFraming::Events),
            ("text/event-streams", DeclaredFraming::Other),
            ("application/x-ndjson", DeclaredFraming::Lines),
            ("application/json", DeclaredFraming::Other),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(DeclaredFraming::of(&headers), expected, "{value}");
        }
        assert_eq!(DeclaredFraming::of(&HeaderMap::new()), DeclaredFraming::Other);
    }
}
