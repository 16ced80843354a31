//! Compressing as clients and providers do.

use std::io::Write;

pub(crate) type Encode = fn(&[u8]) -> Vec<u8>;

/// What may stand in `Content-Encoding`.
pub(crate) const ENCODINGS: [(&str, Encode); 3] = [("gzip", gzip), ("br", br), ("zstd", zstd)];

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn br(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    brotli::CompressorWriter::new(&mut body, 4096, 4, 20).write_all(text).unwrap();
    body
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}
