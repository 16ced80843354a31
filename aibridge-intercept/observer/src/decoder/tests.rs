//! Tests of the decoders with every encoding, cut in pieces, and with hostile bodies.

use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;

fn decoder(values: &[&'static str]) -> Result<Option<Decoder>, Undecodable> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
    }
    Decoder::of(&headers)
}

/// Encodes two texts with a flush after each. Returns the bytes written for each.
fn encode<W: Write>(mut encoder: W, written: fn(&W) -> &Vec<u8>, texts: [&[u8]; 2]) -> [Vec<u8>; 2] {
    let mut pieces = texts.map(|text| {
        encoder.write_all(text).unwrap();
        encoder.flush().unwrap();
        written(&encoder).clone()
    });
    pieces[1].drain(..pieces[0].len());
    pieces
}

fn encoded(encoding: &str, texts: [&[u8]; 2]) -> [Vec<u8>; 2] {
    let fast = Compression::fast();
    match encoding {
        "gzip" => encode(GzEncoder::new(Vec::new(), fast), GzEncoder::get_ref, texts),
        "zlib" => encode(ZlibEncoder::new(Vec::new(), fast), ZlibEncoder::get_ref, texts),
        "deflate" => encode(DeflateEncoder::new(Vec::new(), fast), DeflateEncoder::get_ref, texts),
        "br" => {
            let encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 20);
            encode(encoder, brotli::CompressorWriter::get_ref, texts)
        }
        _ => {
            let encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
            encode(encoder, ::zstd::stream::write::Encoder::get_ref, texts)
        }
    }
}

#[test]
fn decodes_all_available_bytes() {
    for (name, encoding) in
        [("gzip", "gzip"), ("zlib", "deflate"), ("deflate", "deflate"), ("br", "br"), ("zstd", "zstd")]
    {
        let texts = [&b"data: 1\n\n"[..], b"data: [DONE]\n\n"];
        let pieces = encoded(name, texts);
        for step in [1, 7, MAX_PIECE_BYTES] {
            let mut decoder = decoder(&[encoding]).unwrap().unwrap();
            for (piece, text) in pieces.iter().zip(texts) {
                let decoded: Vec<_> = piece.chunks(step).map(|part| decoder.decode(part).unwrap()).collect();
                assert_eq!(decoded.concat(), text, "{name} in pieces of {step}");
            }
        }
    }
}

#[test]
fn rejects_corrupt_and_excessive_bodies() {
    for encoding in ["gzip", "br", "zstd"] {
        let broken = decoder(&[encoding]).unwrap().unwrap().decode(b"{\"id\":\"not compressed at all\"}");
        assert_eq!(broken, Err(Undecodable), "{encoding}");
    }
    let bomb = vec![0; 64 << 20];
    for encoding in ["br", "zstd"] {
        let [piece, _] = encoded(encoding, [&bomb, b""]);
        let mut decoder = decoder(&[encoding]).unwrap().unwrap();
        let decoded: Result<Vec<_>, _> =
            piece.chunks(MAX_PIECE_BYTES).map(|part| decoder.decode(part)).collect();
        assert_eq!(decoded, Err(Undecodable), "{encoding}");
    }
}

#[test]
fn ignores_values_that_are_not_encodings() {
    let table: &[(&[&str], Result<bool, Undecodable>)] = &[
        (&[], Ok(false)),
        (&["identity"], Ok(false)),
        (&["utf-8"], Ok(false)),
        (&["none", ""], Ok(false)),
        (&["nonsense"], Ok(false)),
        (&["GZIP"], Ok(true)),
        (&["identity, br"], Ok(true)),
        (&["deflate"], Ok(true)),
        (&["gzip, gzip"], Err(Undecodable)),
        (&["gzip", "br"], Err(Undecodable)),
        (&["compress"], Err(Undecodable)),
    ];
    for (values, expected) in table {
        assert_eq!(decoder(values).map(|decoder| decoder.is_some()), *expected, "{values:?}");
    }
}

/// `text` as a whole body in every encoding, with the value of its `Content-Encoding`.
fn whole_bodies(text: &[u8]) -> [(&'static str, Vec<u8>); 5] {
    let fast = Compression::fast();
    let mut gzip = GzEncoder::new(Vec::new(), fast);
    gzip.write_all(text).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), fast);
    zlib.write_all(text).unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), fast);
    deflate.write_all(text).unwrap();
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 20);
    brotli.write_all(text).unwrap();
    [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("br", brotli.into_inner()),
        ("zstd", ::zstd::encode_all(text, 3).unwrap()),
    ]
}

const TEXT: &[u8] = br#"{"id":"a","choices":[{"message":{"content":"hello, world"}}]}"#;

#[test]
fn reports_a_body_that_is_cut() {
    for (encoding, body) in whole_bodies(TEXT) {
        for (length, expected) in
            [(body.len(), Ok(())), (body.len() / 2, Err(Undecodable)), (1, Err(Undecodable))]
        {
            let mut decoder = decoder(&[encoding]).unwrap().unwrap();
            decoder.decode(&body[..length]).unwrap();
            assert_eq!(decoder.finish(), expected, "{encoding}: {length} of {} bytes", body.len());
        }
    }
}

#[test]
fn reports_a_second_part_that_is_cut() {
    for (encoding, body) in whole_bodies(TEXT).into_iter().filter(|(name, _)| ["gzip", "zstd"].contains(name))
    {
        for length in [body.len() / 2, body.len() - 1] {
            for step in [1, MAX_PIECE_BYTES] {
                let mut decoder = decoder(&[encoding]).unwrap().unwrap();
                for piece in [&body, &body[..length]].concat().chunks(step) {
                    decoder.decode(piece).unwrap();
                }
                assert_eq!(decoder.finish(), Err(Undecodable), "{encoding}: {length} bytes, step {step}");
            }
        }
    }
}

#[test]
fn ignores_bytes_after_the_compressed_data() {
    let long = b"stray bytes ".repeat(1000);
    for (encoding, body) in whole_bodies(TEXT) {
        for stray in [&b""[..], b"\n", b"\0\0\0\0\0\0\0\0", b"\x1f", b"junk", &long] {
            let sent = [&body, stray].concat();
            for step in [1, 7, MAX_PIECE_BYTES] {
                let about = format!("{encoding} {} stray bytes in pieces of {step}", stray.len());
                let mut decoder = decoder(&[encoding]).unwrap().unwrap();
                let decoded: Vec<_> = sent.chunks(step).map(|part| decoder.decode(part).unwrap()).collect();
                assert_eq!(decoded.concat(), TEXT, "{about}");
                assert_eq!(decoder.finish(), Ok(()), "{about}");
            }
        }
    }
}

#[test]
fn decodes_all_members_and_frames() {
    for (encoding, body) in whole_bodies(TEXT).into_iter().filter(|(name, _)| ["gzip", "zstd"].contains(name))
    {
        for step in [1, MAX_PIECE_BYTES] {
            let mut decoder = decoder(&[encoding]).unwrap().unwrap();
            let twice = body.repeat(2);
            let decoded: Vec<_> = twice.chunks(step).map(|part| decoder.decode(part).unwrap()).collect();
            assert_eq!((decoded.concat(), decoder.finish()), (TEXT.repeat(2), Ok(())), "{encoding}");
        }
    }
}
