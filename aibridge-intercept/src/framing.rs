//! Recognising how a successful answer is framed, by its first bytes rather than by its `Content-Type`.

use crate::json_end::JsonEnd;
use http::{HeaderMap, header};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How the body of an answer is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// NDJSON: one JSON object a line.
    Lines,
    /// One value, which is read when all of it is there.
    Whole,
    /// Unknown: the body is encoded in a way that cannot be decoded.
    Unreadable,
}

/// What a `Content-Type` declares about framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    /// `text/event-stream`.
    Events,
    /// `application/x-ndjson` and its like.
    Lines,
    /// Anything else, or nothing.
    Other,
}

impl Declared {
    pub(crate) fn by(headers: &HeaderMap) -> Self {
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

/// Reads a body from its first byte until its framing is certain.
#[derive(Debug)]
pub(crate) struct Sniffer {
    may_be_stream: bool,
    declares_lines: bool,
    state: State,
    /// How many bytes of the beginning are blank, a byte order mark included.
    blank: usize,
    /// How many bytes of a byte order mark have come.
    bom: usize,
}

#[derive(Debug)]
enum State {
    /// Only blank bytes have come.
    Blank,
    /// In an object that is the whole body, or the first line of many.
    Object(JsonEnd),
    /// Behind that object.
    BehindObject { line_ended: bool },
    /// In a body that is one value, or no JSON at all.
    Whole,
}

impl Sniffer {
    /// `may_be_stream`: the client asked for a stream, or the answer is declared as one.
    pub(crate) fn new(may_be_stream: bool, declared: Declared) -> Self {
        Self {
            may_be_stream,
            declares_lines: declared == Declared::Lines,
            state: State::Blank,
            blank: 0,
            bom: 0,
        }
    }

    /// Reads on. Returns the framing if it is certain before the end of the body.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<Framing> {
        let mut rest = bytes;
        loop {
            rest = match &mut self.state {
                State::Blank => {
                    rest = self.skip_blank(rest);
                    match rest.first()? {
                        _ if !self.may_be_stream => self.state = State::Whole,
                        b'{' if self.declares_lines => return Some(Framing::Lines),
                        b'{' => self.state = State::Object(JsonEnd::default()),
                        b'[' => self.state = State::Whole,
                        _ => return Some(Framing::Events),
                    }
                    rest
                }
                State::Object(end) => {
                    let end = end.find(rest)?;
                    self.state = State::BehindObject { line_ended: false };
                    &rest[end..]
                }
                State::BehindObject { line_ended } => {
                    let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    *line_ended |= rest[..blank].contains(&b'\n');
                    match (rest.get(blank)?, *line_ended) {
                        // A NUL pads a single value; anything else is another line.
                        (0, _) | (_, false) => self.state = State::Whole,
                        (_, true) => return Some(Framing::Lines),
                    }
                    &rest[blank..]
                }
                State::Whole => return None,
            };
        }
    }

    /// The framing of a body that is over.
    pub(crate) fn at_end(&self) -> Framing {
        match self.state {
            // A stream without any event.
            State::Blank if self.may_be_stream => Framing::Events,
            _ => Framing::Whole,
        }
    }

    /// How many bytes of the beginning are blank.
    pub(crate) fn blank(&self) -> usize {
        self.blank
    }

    fn skip_blank<'a>(&mut self, mut rest: &'a [u8]) -> &'a [u8] {
        while let Some(&byte) = rest.first() {
            if self.blank == 0 && BOM.get(self.bom) == Some(&byte) {
                self.bom += 1;
                if self.bom == BOM.len() {
                    self.blank = BOM.len();
                }
            } else if (self.bom == 0 || self.bom == BOM.len()) && byte.is_ascii_whitespace() {
                self.blank += 1;
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

    fn framing(may_be_stream: bool, declared: Declared, body: &[u8], step: usize) -> (Framing, bool, usize) {
        let mut sniffer = Sniffer::new(may_be_stream, declared);
        let early = body.chunks(step).find_map(|chunk| sniffer.push(chunk));
        (early.unwrap_or(sniffer.at_end()), early.is_some(), sniffer.blank())
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
        for (body, expected, early, blank) in table {
            for step in 1..=body.len().max(1) {
                let found = framing(true, Declared::Other, body.as_bytes(), step);
                assert_eq!(found, (*expected, *early, *blank), "{body:?} in pieces of {step}");
            }
        }
        assert_eq!(framing(true, Declared::Lines, b" {\"a\"", 9), (Lines, true, 1));
        for body in ["data: {}", "{}\n{}", "", "\u{feff}x"] {
            let (found, early, _) = framing(false, Declared::Other, body.as_bytes(), 9);
            assert_eq!((found, early), (Whole, false), "{body:?}, and no stream was asked for");
        }
    }

    #[test]
    fn content_types_declare_framing() {
        for (value, expected) in [
            ("text/event-stream", Declared::Events),
            ("Text/Event-Stream ;charset=utf-8", Declared::Events),
            ("text/event-streams", Declared::Other),
            ("application/x-ndjson", Declared::Lines),
            ("application/json", Declared::Other),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(Declared::by(&headers), expected, "{value}");
        }
        assert_eq!(Declared::by(&HeaderMap::new()), Declared::Other);
    }
}
