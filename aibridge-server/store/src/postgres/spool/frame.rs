//! The frame format of spool files: a header with length and checksum, then the payload.

use std::io::{self, Read};

/// Size of the header: the length of the payload and its CRC-32, both 32 bits little-endian.
const HEADER: usize = 8;

/// Maximum length of a payload: the largest recorded request body, with room for repeated escaping.
const LONGEST: u32 = 1 << 30;

/// Size in bytes of the frame of a payload of `len` bytes.
pub(super) fn size(len: usize) -> u64 {
    (HEADER + len) as u64
}

/// Appends a frame to `buffer`.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] if the payload is longer than 1 GiB.
pub(super) fn push(buffer: &mut Vec<u8>, payload: &[u8]) -> io::Result<()> {
    let len = u32::try_from(payload.len()).ok().filter(|len| *len <= LONGEST);
    let len = len.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "records of more than 1 GiB"))?;
    buffer.extend_from_slice(&len.to_le_bytes());
    buffer.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    buffer.extend_from_slice(payload);
    Ok(())
}

/// Reads the payload of a frame; `None` if the data is not a complete frame.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let (mut len, mut crc) = ([0; 4], [0; 4]);
    if !fill(from, &mut len)? || !fill(from, &mut crc)? {
        return Ok(None);
    }
    let (len, crc) = (u32::from_le_bytes(len), u32::from_le_bytes(crc));
    if len == 0 || len > LONGEST {
        return Ok(None);
    }
    let mut payload = Vec::new();
    from.take(len.into()).read_to_end(&mut payload)?; // a torn length reserves nothing
    let whole = payload.len() as u64 == u64::from(len) && crc32fast::hash(&payload) == crc;
    Ok(whole.then_some(payload))
}

/// Fills `buffer`; returns whether there were enough bytes.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_a_broken_one_does_not() {
        let mut whole = Vec::new();
        push(&mut whole, b"records").expect("a frame");
        assert_eq!(whole.len() as u64, size(7));
        assert_eq!(read(&mut &whole[..]).expect("no error").as_deref(), Some(&b"records"[..]));
        for cut in 0..whole.len() {
            assert_eq!(read(&mut &whole[..cut]).expect("no error"), None, "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(read(&mut &flipped[..]).expect("no error"), None, "flipped at {at}");
        }
        assert_eq!(read(&mut &[0; 64][..]).expect("no error"), None, "a hole in the file is no frame");
    }
}
