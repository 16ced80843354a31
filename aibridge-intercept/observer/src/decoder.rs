//! Decodes a compressed response piece by piece.
//!
//! The gateway requests `identity`, but a provider may compress nevertheless. The compressed bytes are relayed as they
//! come; only the observer gets the decoded ones. Bytes after the end of the compressed data are ignored, because some
//! servers send them.

mod gzip;
mod zstd;

use bytes::Bytes;
use flate2::write::{DeflateDecoder, ZlibDecoder};
use gzip::Gzip;
use http::{HeaderMap, header};
use std::io::{self, Write};
use zstd::Zstd;

/// The most compressed bytes that are decoded at once.
pub const MAX_PIECE_BYTES: usize = 4 << 10;

/// The most bytes that one piece may decode to. gzip reaches 1032:1; more is an attempt to fill the memory.
const MAX_DECODED_BYTES: usize = 8 << 20;

/// The `Content-Encoding` of a response is unsupported, or its body does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content encoding of a response cannot be decoded")]
pub struct Undecodable;

/// The decoder of one response.
pub struct Decoder {
    format: Format,
    /// The compressed data is over.
    has_ended: bool,
}

enum Format {
    Gzip(Box<Gzip>),
    /// `deflate` before its first two bytes: RFC 1950 by the standard, RFC 1951 from some servers.
    Deflate(Vec<u8>),
    /// The zlib format of RFC 1950.
    Zlib(ZlibDecoder<Sink>),
    /// The raw deflate format of RFC 1951.
    RawDeflate(DeflateDecoder<Sink>),
    /// The Brotli format of RFC 7932.
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    Zstd(Box<Zstd>),
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
                let format = match coding.trim().to_ascii_lowercase().as_str() {
                    "gzip" | "x-gzip" => Format::Gzip(Box::new(Gzip::new())),
                    "deflate" => Format::Deflate(Vec::new()),
                    "br" => Format::Brotli(Box::new(brotli::DecompressorWriter::new(
                        Sink::default(),
                        MAX_PIECE_BYTES,
                    ))),
                    "zstd" => Format::Zstd(Box::new(Zstd::new().map_err(|_| Undecodable)?)),
                    "compress" | "x-compress" | "dcb" | "dcz" | "exi" | "aes128gcm" | "pack200-gzip" => {
                        return Err(Undecodable);
                    }
                    _ => continue,
                };
                if found.replace(format).is_some() {
                    return Err(Undecodable);
                }
            }
        }
        Ok(found.map(|format| Self { format, has_ended: false }))
    }

    /// Decodes the next piece, of at most [`MAX_PIECE_BYTES`]. Returns all bytes that can be decoded so far.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] if the bytes are corrupt, or decode to more than the maximum.
    pub fn decode(&mut self, piece: &[u8]) -> Result<Bytes, Undecodable> {
        if self.has_ended {
            return Ok(Bytes::new());
        }
        let start;
        let piece = match &mut self.format {
            Format::Deflate(first_bytes) => {
                first_bytes.extend_from_slice(piece);
                let &[first, second, ..] = &first_bytes[..] else { return Ok(Bytes::new()) };
                start = std::mem::take(first_bytes);
                self.format = if is_zlib(first, second) {
                    Format::Zlib(ZlibDecoder::new(Sink::default()))
                } else {
                    Format::RawDeflate(DeflateDecoder::new(Sink::default()))
                };
                &start[..]
            }
            _ => piece,
        };
        let (decoded, has_ended) = match &mut self.format {
            Format::Gzip(decoder) => feed(&mut **decoder, piece, Gzip::sink),
            Format::Zlib(decoder) => feed(decoder, piece, ZlibDecoder::get_mut),
            Format::RawDeflate(decoder) => feed(decoder, piece, DeflateDecoder::get_mut),
            Format::Brotli(decoder) => feed(&mut **decoder, piece, brotli::DecompressorWriter::get_mut),
            Format::Zstd(decoder) => feed(&mut **decoder, piece, Zstd::sink),
            Format::Deflate(_) => return Ok(Bytes::new()),
        }
        .map_err(|_| Undecodable)?;
        self.has_ended = has_ended;
        Ok(decoded)
    }

    /// Checks that the body does not end before its compressed data.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] if the body is cut.
    pub fn finish(&mut self) -> Result<(), Undecodable> {
        let finished = match &mut self.format {
            _ if self.has_ended => Ok(()),
            Format::Gzip(decoder) => decoder.finish(),
            Format::Zlib(decoder) => decoder.try_finish(),
            Format::RawDeflate(decoder) => decoder.try_finish(),
            Format::Brotli(decoder) => decoder.close(),
            Format::Zstd(decoder) => decoder.finish(),
            Format::Deflate(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        finished.map_err(|_| Undecodable)
    }
}

/// Decodes `piece`. Returns the decoded bytes, and whether the compressed data ends before the piece does.
fn feed<D: Write>(
    decoder: &mut D,
    mut piece: &[u8],
    sink: impl Fn(&mut D) -> &mut Sink,
) -> io::Result<(Bytes, bool)> {
    let mut has_ended = false;
    while !piece.is_empty() && !has_ended {
        let length = decoder.write(piece)?;
        has_ended = length == 0;
        piece = &piece[length..];
    }
    decoder.flush()?;
    Ok((std::mem::take(&mut sink(decoder).0).into(), has_ended))
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
