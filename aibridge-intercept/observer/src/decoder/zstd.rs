//! Decodes the frames of a Zstandard body (RFC 8878), and detects where they end.

use super::{MAX_PIECE_BYTES, Sink};
use ::zstd::stream::raw::{DParameter, Decoder, Operation};
use std::io::{self, Write};

/// The largest window of `Content-Encoding: zstd`: 2^23 bytes (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The decoder of a Zstandard body. A write of bytes after the last frame returns 0.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    buffer: Box<[u8]>,
    sink: Sink,
    /// A whole frame was decoded.
    has_frame: bool,
    /// No byte was decoded since the start, or since the end of the last frame.
    is_between_frames: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        let buffer = vec![0; MAX_PIECE_BYTES].into_boxed_slice();
        Ok(Self { decoder, buffer, sink: Sink::default(), has_frame: false, is_between_frames: true })
    }

    pub(super) fn sink(&mut self) -> &mut Sink {
        &mut self.sink
    }

    /// Checks that the last frame is complete.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.is_after_frames() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn is_after_frames(&self) -> bool {
        self.has_frame && self.is_between_frames
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
            self.is_between_frames &= status.bytes_written == 0;
            if status.remaining == 0 {
                self.decoder.reinit()?;
                (self.has_frame, self.is_between_frames) = (true, true);
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
