//! Encoders for the content encodings that the gateway supports. No tests.

use std::io::Write;

pub(crate) type Encode = fn(&[u8]) -> Vec<u8>;

/// The encoders, by their name in `Content-Encoding`.
pub(crate) const ENCODINGS: [(&str, Encode); 3] = [("gzip", gzip), ("br", br), ("zstd", zstd)];

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The zlib format, which `Content-Encoding` calls `deflate`.
pub(crate) fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
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

/// Encodes `texts` and flushes after each, so that a client can decode every text as soon as its piece arrives.
pub(crate) fn flushed(encoding: &str, texts: &[&str]) -> Vec<Vec<u8>> {
    let fast = flate2::Compression::fast();
    match encoding {
        "gzip" => pieces(flate2::write::GzEncoder::new(Vec::new(), fast), |encoder| encoder.get_mut(), texts),
        "deflate" => {
            pieces(flate2::write::ZlibEncoder::new(Vec::new(), fast), |encoder| encoder.get_mut(), texts)
        }
        "br" => {
            let encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 20);
            pieces(encoder, |encoder| encoder.get_mut(), texts)
        }
        "zstd" => {
            let encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
            pieces(encoder, |encoder| encoder.get_mut(), texts)
        }
        other => panic!("{other}"),
    }
}

fn pieces<W: Write>(mut encoder: W, written: fn(&mut W) -> &mut Vec<u8>, texts: &[&str]) -> Vec<Vec<u8>> {
    let piece = |text: &&str| {
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.flush().unwrap();
        std::mem::take(written(&mut encoder))
    };
    texts.iter().map(piece).collect()
}
