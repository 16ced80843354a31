//! Decodes the frames of a Zstandard body (RFC 8878), and detects where they end.

use super::{MAX_PIECE_BYTES, Sink};
use ::zstd::stream::raw::{DParameter, Decoder, Operation};
use std::io::{self, Write};

/// The largest window of `Content-Encoding: zstd`: 2^23 bytes (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The length of the magic number with which each frame begins. The decoder refuses the first byte that differs from it.
const MAGIC_BYTES: usize = 4;

/// The decoder of a Zstandard body. A write of bytes after the last frame returns 0.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    buffer: Box<[u8]>,
    sink: Sink,
    /// A whole frame was decoded.
    has_frame: bool,
    /// Number of bytes that were decoded since the start, or since the end of the last frame.
    bytes_of_frame: usize,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        let buffer = vec![0; MAX_PIECE_BYTES].into_boxed_slice();
        Ok(Self { decoder, buffer, sink: Sink::default(), has_frame: false, bytes_of_frame: 0 })
    }

    pub(super) fn sink(&mut self) -> &mut Sink {
        &mut self.sink
    }

    /// Checks that the last frame is complete.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.is_after_frames() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Whether the bytes after the last whole frame, if any, do not begin another one.
    fn is_after_frames(&self) -> bool {
        self.has_frame && self.bytes_of_frame < MAGIC_BYTES
    }
}

impl Write for Zstd {
    /// Decodes bytes of one frame, and returns their number.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut read = 0;
        loop {
            let status = match self.decoder.run_on_buffers(&bytes[read..], &mut self.buffer) {
                Err(_) if self.is_after_frames() => return Ok(0),
                status => status?,
            };
            read += status.bytes_read;
            self.sink.write_all(&self.buffer[..status.bytes_written])?;
            self.bytes_of_frame += status.bytes_read;
            if status.remaining == 0 {
                self.decoder.reinit()?;
                (self.has_frame, self.bytes_of_frame) = (true, 0);
                return Ok(read);
            }
            if read == bytes.len() && status.bytes_written < self.buffer.len() {
                return Ok(read);
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
