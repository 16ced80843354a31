//! Content encodings of request bodies, and their decoding as a whole.

use aibridge_error::Error;
use bytes::Bytes;
use http::{HeaderMap, header};
use std::io::{self, Read};

/// A content encoding that request bodies may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The gzip format of RFC 1952.
    Gzip,
    /// The Brotli format of RFC 7932.
    Brotli,
    /// The Zstandard format of RFC 8878.
    Zstd,
}

/// The logarithm of the largest window of `Content-Encoding: zstd`: 2^23 = 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

impl Encoding {
    /// Reads `Content-Encoding`; `None` if the body is not encoded.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedEncoding`] for several encodings or an unknown one.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut found = None;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for coding in String::from_utf8_lossy(value.as_bytes()).split(',') {
                let encoding = match coding.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => return Err(unsupported(headers)),
                };
                if found.replace(encoding).is_some() {
                    return Err(unsupported(headers));
                }
            }
        }
        Ok(found)
    }

    /// Decompresses `body` to at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::RequestTooLarge`] above the limit, [`Error::InvalidEncoding`] if the body is corrupt or incomplete.
    pub fn decode(self, body: &[u8], limit: usize) -> Result<Bytes, Error> {
        let mut text = Vec::new();
        self.read(body, limit as u64 + 1, &mut text).map_err(|_| Error::InvalidEncoding(self.name()))?;
        if text.len() > limit { Err(Error::RequestTooLarge(limit)) } else { Ok(text.into()) }
    }

    fn read(self, body: &[u8], limit: u64, text: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Gzip => flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(text),
            Self::Brotli => brotli::Decompressor::new(body, 4096).take(limit).read_to_end(text),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                decoder.take(limit).read_to_end(text)
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

fn unsupported(headers: &HeaderMap) -> Error {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let all: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    Error::UnsupportedEncoding(all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Write;

    fn encode(encoding: Encoding, text: &[u8]) -> Vec<u8> {
        match encoding {
            Encoding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Encoding::Brotli => {
                let mut body = Vec::new();
                brotli::CompressorWriter::new(&mut body, 4096, 4, 20).write_all(text).unwrap();
                body
            }
            Encoding::Zstd => zstd::encode_all(text, 3).unwrap(),
        }
    }

    #[test]
    fn decodes_up_to_the_limit() {
        let text = vec![b'x'; 100_000];
        for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
            let body = encode(encoding, &text);
            assert_eq!(encoding.decode(&body, text.len()).unwrap(), text, "{encoding:?}");
            let bomb = encoding.decode(&body, text.len() - 1);
            assert!(matches!(bomb, Err(Error::RequestTooLarge(99_999))), "{encoding:?}");
            for broken in [&body[..body.len() / 2], b"not compressed", b""] {
                let result = encoding.decode(broken, text.len());
                assert!(
                    matches!(result, Err(Error::InvalidEncoding(_))),
                    "{encoding:?} {broken:?} {result:?}"
                );
            }
        }
    }

    #[test]
    fn accepts_one_known_encoding() {
        let table: &[(&[&str], Option<Option<Encoding>>)] = &[
            (&[], Some(None)),
            (&["identity"], Some(None)),
            (&["GZIP"], Some(Some(Encoding::Gzip))),
            (&["identity, br"], Some(Some(Encoding::Brotli))),
            (&["zstd"], Some(Some(Encoding::Zstd))),
            (&["gzip, gzip"], None),
            (&["gzip", "br"], None),
            (&["deflate"], None),
            (&["nonsense"], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(Encoding::of(&headers).ok(), *expected, "{values:?}");
        }
    }
}
