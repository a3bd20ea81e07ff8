//! A look over a protobuf message before it is decoded.
//!
//! A body of empty messages takes many times its own length once it is decoded (two bytes become a
//! whole record), and so a limit on the body alone would not bound memory. The look takes none, ends
//! at the limit, and finds what the decoder would drop silently.

use super::refusal::{Refusal, bad};

/// How deep messages may lie in each other: as deep as the decoder goes. The deepest that is meant to
/// be, a list in an attribute of a record, lies at 8; JSON that is not refused for its depth comes to
/// less than 100.
const MAX_DEPTH: usize = 100;

/// What is known of a message: where its fields lead, and what they take.
#[derive(Debug)]
pub(super) struct Shape {
    /// What one such message takes in memory, without what its fields hold, in bytes.
    pub(super) size: usize,
    /// The fields that are no messages.
    pub(super) plain: &'static [u32],
    /// The fields that are lists of numbers, each of which takes up to eight bytes, in a list of as
    /// little as one byte each.
    pub(super) packed: &'static [u32],
    /// The fields that are messages.
    pub(super) messages: &'static [(u32, &'static Shape)],
}

/// What the look has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// What the decoded message takes in memory, in bytes: an estimate from above, but for the
    /// spare room of growing lists.
    pub(super) decoded: usize,
    /// Fields that no version of the protocol known here has. The decoder drops them. The outermost
    /// message may have none.
    pub(super) unknown: usize,
}

/// Looks over a whole message, which must take at most `limit` bytes when decoded.
pub(super) fn look(shape: &'static Shape, message: &[u8], limit: usize) -> Result<Found, Refusal> {
    let mut found = Found {
        decoded: shape.size,
        unknown: 0,
    };
    walk(shape, message, MAX_DEPTH, limit, &mut found)?;
    Ok(found)
}

fn walk(
    shape: &'static Shape,
    mut rest: &[u8],
    depth: usize,
    limit: usize,
    found: &mut Found,
) -> Result<(), Refusal> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(bad(
            "nested too deeply",
            format!(
                "the body is nested too deeply: at most {MAX_DEPTH} messages may lie in each other"
            ),
        ));
    };
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let number = u32::try_from(key >> 3).map_err(|_| malformed())?;
        if number == 0 {
            return Err(malformed());
        }
        let mut takes = 0;
        let mut inner = None;
        match key & 7 {
            0 => {
                varint(&mut rest)?;
                takes = 8;
            }
            1 => {
                skip(&mut rest, 8)?;
                takes = 8;
            }
            5 => {
                skip(&mut rest, 4)?;
                takes = 8;
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)?).map_err(|_| malformed())?;
                inner = Some(skip(&mut rest, length)?);
            }
            // Groups, which protobuf has given up and none of the protocols has ever used.
            _ => return Err(malformed()),
        }
        let message = shape.messages.iter().find(|(known, _)| *known == number);
        if let Some(bytes) = inner {
            takes = match message {
                Some((_, message)) => message.size,
                None if shape.packed.contains(&number) => bytes.len().saturating_mul(8),
                // A string or bytes, and what points to it.
                None => bytes.len().saturating_add(size_of::<String>()),
            };
        } else if shape.plain.contains(&number) {
            // It has its place in the message.
            takes = 0;
        }
        found.decoded = found.decoded.saturating_add(takes);
        if found.decoded > limit {
            return Err(Refusal::TooLarge {
                what: "the decoded batch",
                limit,
            });
        }
        match (message, inner) {
            (Some((_, message)), Some(bytes)) => walk(message, bytes, deeper, limit, found)?,
            (Some(_), None) => return Err(malformed()),
            (None, _) if shape.plain.contains(&number) || shape.packed.contains(&number) => {}
            // A batch of another protocol would decode to an empty one, and be acknowledged.
            (None, _) if depth == MAX_DEPTH => return Err(malformed()),
            (None, _) => found.unknown += 1,
        }
    }
    Ok(())
}

fn malformed() -> Refusal {
    bad(
        "not protobuf of this protocol",
        "the body is not a protobuf message of the expected type",
    )
}

/// A variable-length integer of at most ten bytes.
fn varint(rest: &mut &[u8]) -> Result<u64, Refusal> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or_else(malformed)?;
        *rest = tail;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(malformed());
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(malformed())
}

fn skip<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refusal> {
    let (skipped, tail) = rest.split_at_checked(length).ok_or_else(malformed)?;
    *rest = tail;
    Ok(skipped)
}

/// What decoded JSON takes, estimated from above by its brackets and commas: each begins something.
/// The numbers are the sizes of what a bracket or comma begins in the formats that are read here.
pub(super) fn look_at_json(json: &[u8], limit: usize) -> Result<(), Refusal> {
    let (mut takes, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => takes = takes.saturating_add(256),
            b'[' => takes = takes.saturating_add(96),
            b',' => takes = takes.saturating_add(48),
            _ => {}
        }
    }
    if takes.saturating_add(json.len()) > limit {
        return Err(Refusal::TooLarge {
            what: "the decoded batch",
            limit,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    static LEAF: Shape = Shape {
        size: 100,
        plain: &[1],
        packed: &[2],
        messages: &[],
    };
    static TREE: Shape = Shape {
        size: 10,
        plain: &[],
        packed: &[],
        messages: &[(1, &TREE), (2, &LEAF)],
    };

    #[test]
    fn empty_messages_are_counted_by_what_they_will_take() {
        let found = look(&TREE, &[0x12, 0, 0x12, 0], 1000).unwrap();
        assert_eq!(found.decoded, 210);
        let refused = look(&TREE, &[0x12, 0].repeat(11), 1000).unwrap_err();
        assert!(matches!(refused, Refusal::TooLarge { .. }));
    }

    #[test]
    fn what_the_decoder_would_drop_is_found() {
        assert_eq!(
            look(&TREE, &[0x12, 4, 0x08, 1, 0x38, 1], 1000)
                .unwrap()
                .unknown,
            1
        );
        assert!(look(&LEAF, &[0x08, 1, 0x38, 1], 1000).is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| {
            let mut message = Vec::new();
            for _ in 0..depth {
                let mut outer = vec![0x0a];
                let mut length = message.len();
                while length >= 0x80 {
                    outer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
                    length >>= 7;
                }
                outer.push(u8::try_from(length).unwrap());
                outer.append(&mut message);
                message = outer;
            }
            message
        };
        assert!(look(&TREE, &nested(MAX_DEPTH - 1), 1 << 20).is_ok());
        let refused = look(&TREE, &nested(MAX_DEPTH), 1 << 20).unwrap_err();
        assert!(refused.to_string().contains("deep"), "{refused}");
        assert!(look(&TREE, &nested(100_000), 1 << 30).is_err());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [
            &b"\x0a"[..],                                    // no length
            b"\x0a\x05a",                                    // too short
            b"\x0b",                                         // a group
            b"\x00\x00",                                     // field 0
            b"\x08\x01",                                     // a number where a message is
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", // beyond 64 bits
            b"plain text",
        ] {
            assert!(
                matches!(look(&TREE, bytes, 1000), Err(Refusal::Bad { .. })),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn json_is_counted_outside_of_its_strings() {
        assert!(look_at_json(br#"{"a": "{{{{[[[[,,,,\"{{{{"}"#, 300).is_ok());
        assert!(look_at_json(br"{},{},{}", 300).is_err());
    }
}
