//! Reading HTTP/1.1 from a byte stream: heads, and bodies in every framing.

use bytes::{Buf, Bytes, BytesMut};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// The maximum number of headers; no test sends more.
const MAX_HEADERS: usize = 256;

/// Bytes reserved for each read, so that a full buffer does not grow by a few bytes at a time.
const READ: usize = 16 * 1024;

/// Header names and values in wire order and spelling.
pub(crate) type Headers = Vec<(String, String)>;

/// The reading side of a connection.
pub(crate) struct Incoming<R> {
    reader: R,
    buffer: BytesMut,
}

/// The state of a body that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Ended,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Data(Bytes),
    /// The body is complete.
    End,
    /// The connection ended and the body is not complete.
    Truncated,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: BytesMut::new() }
    }

    /// The next head with its empty line, or `None` if the connection ends before the head is complete.
    pub(crate) async fn head(&mut self) -> Option<Bytes> {
        loop {
            if let Some(end) = self.buffer.windows(HEAD_END.len()).position(|window| window == HEAD_END) {
                return Some(self.buffer.split_to(end + HEAD_END.len()).freeze());
            }
            if !matches!(self.more().await, Ok(1..)) {
                return None;
            }
        }
    }

    /// The next piece of a body, as soon as one arrives.
    pub(crate) async fn part(&mut self, body: &mut Body) -> Part {
        loop {
            if let Some(part) = body.advance(&mut self.buffer) {
                return part;
            }
            match self.more().await {
                Ok(1..) => {}
                Ok(0) if *body == Body::UntilClose => {
                    *body = Body::Ended;
                    return Part::End;
                }
                Ok(0) | Err(_) => return Part::Truncated,
            }
        }
    }

    /// Waits until the connection ends. Data that still arrives is buffered.
    pub(crate) async fn wait_eof(&mut self) {
        while matches!(self.more().await, Ok(1..)) {}
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ);
        self.reader.read_buf(&mut self.buffer).await
    }
}

impl Body {
    /// The framing of a request body.
    pub(crate) fn of_request(headers: &Headers) -> Self {
        Self::framed(headers).unwrap_or(Self::Ended)
    }

    /// The framing of a response body.
    pub(crate) fn of_response(status: u16, headers: &Headers) -> Self {
        match status {
            100..=199 | 204 | 304 => Self::Ended,
            _ => Self::framed(headers).unwrap_or(Self::UntilClose),
        }
    }

    fn framed(headers: &Headers) -> Option<Self> {
        if find(headers, "transfer-encoding").is_some() {
            return Some(Self::ChunkSize);
        }
        let length = find(headers, "content-length")?;
        Some(Self::Length(length.parse().unwrap_or_else(|_| panic!("Content-Length: {length}"))))
    }

    /// Takes the next part out of `buffer`, or returns `None` if more bytes are needed.
    fn advance(&mut self, buffer: &mut BytesMut) -> Option<Part> {
        loop {
            match *self {
                Self::Ended => return Some(Part::End),
                Self::Length(0) | Self::ChunkData(0) => {
                    *self = if *self == Self::Length(0) { Self::Ended } else { Self::ChunkEnd };
                }
                _ if buffer.is_empty() => return None,
                Self::Length(left) => return Some(Part::Data(self.data(left, Self::Length, buffer))),
                Self::ChunkData(left) => return Some(Part::Data(self.data(left, Self::ChunkData, buffer))),
                Self::UntilClose => return Some(Part::Data(buffer.split().freeze())),
                Self::ChunkSize => *self = chunk_size(buffer)?,
                Self::ChunkEnd => {
                    assert!(line(buffer)?.is_empty(), "a chunk is longer than its size");
                    *self = Self::ChunkSize;
                }
                Self::Trailers => {
                    if line(buffer)?.is_empty() {
                        *self = Self::Ended;
                    }
                }
            }
        }
    }

    fn data(&mut self, left: u64, state: fn(u64) -> Self, buffer: &mut BytesMut) -> Bytes {
        let data = buffer.split_to(buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))).freeze();
        *self = state(left - data.len() as u64);
        data
    }
}

fn chunk_size(buffer: &mut BytesMut) -> Option<Body> {
    match httparse::parse_chunk_size(buffer) {
        Ok(httparse::Status::Complete((line, size))) => {
            buffer.advance(line);
            Some(if size == 0 { Body::Trailers } else { Body::ChunkData(size) })
        }
        Ok(httparse::Status::Partial) => None,
        Err(_) => panic!("no chunk size: {:?}", String::from_utf8_lossy(&buffer[..buffer.len().min(40)])),
    }
}

fn line(buffer: &mut BytesMut) -> Option<Bytes> {
    let end = buffer.windows(2).position(|pair| pair == b"\r\n")?;
    let line = buffer.split_to(end).freeze();
    buffer.advance(2);
    Some(line)
}

/// The first value of the header `name`. Case is ignored.
pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Parses the head of a request: method, target and headers.
pub(crate) fn parse_request(head: &[u8]) -> (String, String, Headers) {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(head);
    assert!(parsed.is_ok_and(|status| status.is_complete()), "no request: {}", String::from_utf8_lossy(head));
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    (method.to_owned(), target.to_owned(), owned(request.headers))
}

/// Parses the head of a response: status and headers.
pub(crate) fn parse_response(head: &[u8]) -> (u16, Headers) {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(head);
    assert!(
        parsed.is_ok_and(|status| status.is_complete()),
        "no response: {}",
        String::from_utf8_lossy(head)
    );
    (response.code.unwrap_or_default(), owned(response.headers))
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(wire: &[u8], mut body: Body) -> (String, Part, Body) {
        let mut incoming = Incoming::new(wire);
        let mut text = Vec::new();
        loop {
            match incoming.part(&mut body).await {
                Part::Data(data) => text.extend_from_slice(&data),
                end => return (String::from_utf8(text).expect("text"), end, body),
            }
        }
    }

    #[tokio::test]
    async fn bodies_are_read_in_every_framing() {
        let cases: [(&str, Body, &str, Part); 8] = [
            ("abcX", Body::Length(3), "abc", Part::End),
            ("ab", Body::Length(3), "ab", Part::Truncated),
            ("", Body::Length(0), "", Part::End),
            ("2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\n", Body::ChunkSize, "abc", Part::End),
            ("2\r\nab\r\n0\r\n", Body::ChunkSize, "ab", Part::Truncated),
            ("5\r\nab", Body::ChunkSize, "ab", Part::Truncated),
            ("abc", Body::UntilClose, "abc", Part::End),
            ("abc", Body::Ended, "", Part::End),
        ];
        for (wire, body, text, end) in cases {
            let (read_text, read_end, _) = read(wire.as_bytes(), body).await;
            assert_eq!((read_text.as_str(), &read_end), (text, &end), "{wire:?} as {body:?}");
        }
    }

    #[tokio::test]
    async fn bytes_after_a_head_are_kept() {
        let mut incoming = Incoming::new(&b"GET /a?b HTTP/1.1\r\nX-Y: 1\r\n\r\nrest"[..]);
        let head = incoming.head().await.expect("a head");
        let (method, target, headers) = parse_request(&head);
        assert_eq!((method.as_str(), target.as_str()), ("GET", "/a?b"));
        assert_eq!(headers, [("X-Y".to_owned(), "1".to_owned())]);
        assert_eq!(&incoming.buffer[..], b"rest");
        assert_eq!(incoming.head().await, None);
    }
}
