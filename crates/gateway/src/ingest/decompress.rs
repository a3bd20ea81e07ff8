//! Decompression, within a limit that holds before memory is taken.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use super::refusal::{Refusal, bad};

/// How many members a body of gzip may have. Senders send one, and what is put together of files has
/// one for each; an empty one takes 20 bytes, and thousands of times the work of 20 other bytes.
const MEMBERS: usize = 100;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// Not at all.
    None,
    /// Snappy's block format, whose head has the length of the whole.
    Snappy,
    /// Gzip (RFC 1952), of which nobody knows the length before the end.
    Gzip,
}

impl Compression {
    /// How long the body is after decompression, if it can be known before: gzip says it nowhere that
    /// could be relied on.
    pub(super) fn length(self, body: &[u8]) -> Option<usize> {
        match self {
            Self::None => Some(body.len()),
            Self::Snappy => snap::raw::decompress_len(body).ok(),
            Self::Gzip => None,
        }
    }
}

/// The body as it was before it was compressed, of at most `limit` bytes.
pub(super) fn decompress(
    compression: Compression,
    body: Bytes,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let too_large = Refusal::TooLarge {
        what: "the decompressed body",
        limit,
    };
    match compression {
        Compression::None if body.len() > limit => Err(too_large),
        Compression::None => Ok(body),
        Compression::Snappy => {
            let length = snap::raw::decompress_len(&body).map_err(not_snappy)?;
            if length > limit {
                return Err(too_large);
            }
            // No element of the format yields more than 64 bytes, and none is shorter than two: a
            // length beyond that is a lie, and takes no memory.
            if length > body.len().saturating_mul(32) {
                return Err(bad(
                    "not compressed as it says",
                    "the body is not compressed with snappy: it is too short for what it says it holds",
                ));
            }
            let plain = snap::raw::Decoder::new().decompress_vec(&body);
            plain.map(Bytes::from).map_err(not_snappy)
        }
        Compression::Gzip => {
            let (mut plain, mut rest, mut members) = (Vec::new(), &*body, 0);
            // One byte more than may be, so that what is too long does not look like what fits.
            let most = limit.saturating_add(1);
            while (members == 0 || !rest.is_empty()) && plain.len() < most {
                members += 1;
                if members > MEMBERS {
                    return Err(bad(
                        "not compressed as it says",
                        format!(
                            "the body is compressed in too many pieces: at most {MEMBERS} members of gzip are \
                         read"
                        ),
                    ));
                }
                let room = u64::try_from(most - plain.len()).unwrap_or(u64::MAX);
                let mut member = GzDecoder::new(rest);
                if let Err(error) = member.by_ref().take(room).read_to_end(&mut plain) {
                    return Err(bad(
                        "not compressed as it says",
                        format!("the body is not compressed with gzip: {error}"),
                    ));
                }
                rest = member.into_inner();
            }
            if plain.len() > limit {
                return Err(too_large);
            }
            Ok(plain.into())
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it goes into map_err")]
fn not_snappy(error: snap::Error) -> Refusal {
    bad(
        "not compressed as it says",
        format!("the body is not compressed with snappy: {error}"),
    )
}

/// Compresses in snappy's block format.
pub(super) fn snappy(plain: &[u8]) -> Result<Bytes, Refusal> {
    let compressed = snap::raw::Encoder::new().compress_vec(plain);
    // Only what is longer than 4 GiB cannot be compressed, and no limit lets that come here.
    compressed.map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "a batch cannot be compressed");
        bad(
            "too large to be compressed",
            "the batch cannot be compressed: send smaller batches",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let plain = Bytes::from_static(b"a line, a line, a line");
        for (compression, body) in [
            (Compression::None, plain.clone()),
            (Compression::Snappy, snappy(&plain).unwrap()),
            (Compression::Gzip, gzip(&plain)),
        ] {
            assert_eq!(decompress(compression, body, plain.len()).unwrap(), plain);
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_takes_memory() {
        let bomb = vec![0; 1 << 24];
        for (compression, body) in [
            (Compression::Snappy, snappy(&bomb).unwrap()),
            (Compression::Gzip, gzip(&bomb)),
        ] {
            let refused = decompress(compression, body, 1 << 20).unwrap_err();
            assert!(matches!(refused, Refusal::TooLarge { limit, .. } if limit == 1 << 20));
        }
    }

    #[test]
    fn members_of_gzip_follow_each_other_and_their_number_is_bounded() {
        let joined = [gzip(b"a "), gzip(b""), gzip(b"line")].concat();
        let plain = decompress(Compression::Gzip, joined.clone().into(), 6);
        assert_eq!(plain.unwrap(), "a line");
        let refused = decompress(Compression::Gzip, joined.into(), 5).unwrap_err();
        assert!(matches!(refused, Refusal::TooLarge { .. }));
        let empty = gzip(b"");
        for (members, taken) in [(MEMBERS, true), (MEMBERS + 1, false), (500_000, false)] {
            let body = Bytes::from(empty.repeat(members));
            let plain = decompress(Compression::Gzip, body, 1 << 20);
            assert_eq!(plain.is_ok(), taken, "{members}");
        }
        let trailing = [&*gzip(b"a"), b"xyz"].concat();
        assert!(decompress(Compression::Gzip, trailing.into(), 10).is_err());
    }

    #[test]
    fn a_length_that_the_body_cannot_hold_is_refused() {
        // Says that it holds 16 MiB, in six bytes.
        let liar = Bytes::from_static(&[0x80, 0x80, 0x80, 0x08, 0x00, 0x61]);
        let refused = decompress(Compression::Snappy, liar, 32 << 20).unwrap_err();
        assert!(matches!(refused, Refusal::Bad { .. }));
    }

    #[test]
    fn what_is_not_compressed_is_refused() {
        for compression in [Compression::Snappy, Compression::Gzip] {
            for body in [&b""[..], b"{\"streams\": []}", b"\x1f\x8b\x08", b"\xff"] {
                let body = Bytes::from_static(body);
                let refused = decompress(compression, body, 1 << 20).unwrap_err();
                assert!(matches!(refused, Refusal::Bad { .. }), "{compression:?}");
            }
        }
    }
}
