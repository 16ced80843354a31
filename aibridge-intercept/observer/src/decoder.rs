//! Decodes a compressed response piece by piece.
//!
//! The gateway requests `identity`, but a provider may compress nevertheless. The compressed bytes are relayed as they
//! come; only the observer gets the decoded ones.

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use std::io::{self, Write};

/// The most compressed bytes that are decoded at once.
pub const MAX_PIECE_BYTES: usize = 4 << 10;

/// The most bytes that one piece may decode to. gzip reaches 1032:1; more is an attempt to fill the memory.
const MAX_DECODED_BYTES: usize = 8 << 20;

/// The largest window of `Content-Encoding: zstd`: 2^23 bytes (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The `Content-Encoding` of a response is unsupported, or its body does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content encoding of a response cannot be decoded")]
pub struct Undecodable;

/// The decoder of one response.
pub enum Decoder {
    /// The gzip format of RFC 1952.
    Gzip(MultiGzDecoder<Sink>),
    /// `deflate` before its first two bytes: RFC 1950 by the standard, RFC 1951 from some servers.
    Deflate(Vec<u8>),
    /// The zlib format of RFC 1950.
    Zlib(ZlibDecoder<Sink>),
    /// The raw deflate format of RFC 1951.
    RawDeflate(DeflateDecoder<Sink>),
    /// The Brotli format of RFC 7932.
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    /// The Zstandard format of RFC 8878.
    Zstd(zstd::stream::write::Decoder<'static, Sink>),
}

impl Decoder {
    /// The decoder for a `Content-Encoding`; `None` if the body is plain. Values that are not encodings (`identity`,
    /// `utf-8`, `none`) are ignored because some servers send them.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] for several encodings, and for registered encodings without a decoder here.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Undecodable> {
        let mut found = None;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for coding in String::from_utf8_lossy(value.as_bytes()).split(',') {
                let decoder = match coding.trim().to_ascii_lowercase().as_str() {
                    "gzip" | "x-gzip" => Self::Gzip(MultiGzDecoder::new(Sink::default())),
                    "deflate" => Self::Deflate(Vec::new()),
                    "br" => Self::Brotli(Box::new(brotli::DecompressorWriter::new(
                        Sink::default(),
                        MAX_PIECE_BYTES,
                    ))),
                    "zstd" => Self::zstd().map_err(|_| Undecodable)?,
                    "compress" | "x-compress" | "dcb" | "dcz" | "exi" | "aes128gcm" | "pack200-gzip" => {
                        return Err(Undecodable);
                    }
                    _ => continue,
                };
                if found.replace(decoder).is_some() {
                    return Err(Undecodable);
                }
            }
        }
        Ok(found)
    }

    fn zstd() -> io::Result<Self> {
        let mut decoder = zstd::stream::write::Decoder::new(Sink::default())?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Ok(Self::Zstd(decoder))
    }

    /// Decodes the next piece, of at most [`MAX_PIECE_BYTES`]. Returns all bytes that can be decoded so far.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] if the bytes are corrupt, or decode to more than the maximum.
    pub fn decode(&mut self, piece: &[u8]) -> Result<Bytes, Undecodable> {
        let start;
        let piece = match self {
            Self::Deflate(first_bytes) => {
                first_bytes.extend_from_slice(piece);
                let &[first, second, ..] = &first_bytes[..] else { return Ok(Bytes::new()) };
                start = std::mem::take(first_bytes);
                *self = if is_zlib(first, second) {
                    Self::Zlib(ZlibDecoder::new(Sink::default()))
                } else {
                    Self::RawDeflate(DeflateDecoder::new(Sink::default()))
                };
                &start[..]
            }
            _ => piece,
        };
        match self {
            Self::Gzip(decoder) => feed(decoder, piece, MultiGzDecoder::get_mut),
            Self::Zlib(decoder) => feed(decoder, piece, ZlibDecoder::get_mut),
            Self::RawDeflate(decoder) => feed(decoder, piece, DeflateDecoder::get_mut),
            Self::Brotli(decoder) => feed(&mut **decoder, piece, brotli::DecompressorWriter::get_mut),
            Self::Zstd(decoder) => feed(decoder, piece, zstd::stream::write::Decoder::get_mut),
            Self::Deflate(_) => Ok(Bytes::new()),
        }
    }
}

impl Decoder {
    /// Checks that the body ends where its encoding does. Not for zstd, because its decoder does not report the end.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] if the body is cut.
    pub fn finish(&mut self) -> Result<(), Undecodable> {
        let finished = match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zlib(decoder) => decoder.try_finish(),
            Self::RawDeflate(decoder) => decoder.try_finish(),
            Self::Brotli(decoder) => decoder.close(),
            Self::Deflate(first_bytes) if !first_bytes.is_empty() => return Err(Undecodable),
            Self::Deflate(_) | Self::Zstd(_) => Ok(()),
        };
        finished.map_err(|_| Undecodable)
    }
}

fn feed<D: Write>(
    decoder: &mut D,
    piece: &[u8],
    sink: impl Fn(&mut D) -> &mut Sink,
) -> Result<Bytes, Undecodable> {
    let written = decoder.write_all(piece).and_then(|()| decoder.flush());
    let decoded = std::mem::take(&mut sink(decoder).0);
    written.map(|()| decoded.into()).map_err(|_| Undecodable)
}

/// Whether these bytes begin the zlib format. RFC 1950 §2.2: the compression method is 8, and the two bytes are a
/// multiple of 31.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Receives decoded bytes, up to the most that one piece may have.
#[derive(Debug, Default)]
pub struct Sink(Vec<u8>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_DECODED_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
