//! Parameters as they are written in URLs and forms.

/// Appends `name=value&…`, as `application/x-www-form-urlencoded` has it
/// (<https://url.spec.whatwg.org/#urlencoded-serializing>).
pub(super) fn append(target: &mut Vec<u8>, parameters: &[(&'static str, String)]) {
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            target.push(b'&');
        }
        encode(target, name);
        target.push(b'=');
        encode(target, value);
    }
}

/// How long that is about: twice the values, for which a buffer seldom has to grow.
pub(super) fn about(parameters: &[(&'static str, String)]) -> usize {
    let lengths = parameters.iter();
    let lengths = lengths.map(|(name, value)| name.len() + 2 + value.len() * 2);
    lengths.sum()
}

fn encode(target: &mut Vec<u8>, text: &str) {
    const PLAIN: Plain = plain(b"*-._");
    escape(target, text, &PLAIN, |byte| {
        if byte == b' ' {
            [b'+', 0, 0]
        } else {
            escaped(byte)
        }
    });
}

/// Appends `text` with everything percent-encoded that is not a letter, a digit or one of `-._=`.
pub(super) fn append_escaped(target: &mut Vec<u8>, text: &str) {
    const PLAIN: Plain = plain(b"-._=");
    escape(target, text, &PLAIN, escaped);
}

/// Which bytes stay as they are.
type Plain = [bool; 256];

/// Letters, digits and these.
const fn plain(signs: &[u8]) -> Plain {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
        let is = (byte as u8).is_ascii_alphanumeric();
        plain[byte] = is;
        byte += 1;
    }
    let mut at = 0;
    while at < signs.len() {
        plain[signs[at] as usize] = true;
        at += 1;
    }
    plain
}

/// Appends `text`, of which `instead` says what stands for a byte that is not plain: up to a 0. What is
/// plain is copied in one go as far as it goes.
fn escape(target: &mut Vec<u8>, text: &str, plain: &Plain, instead: impl Fn(u8) -> [u8; 3]) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| !plain[usize::from(*byte)]) {
        let (before, from) = rest.split_at(at);
        target.extend_from_slice(before);
        if let [byte, after @ ..] = from {
            let instead = instead(*byte);
            let length = if instead[1] == 0 { 1 } else { 3 };
            target.extend_from_slice(&instead[..length]);
            rest = after;
        }
    }
    target.extend_from_slice(rest);
}

/// `%` and two digits.
const fn escaped(byte: u8) -> [u8; 3] {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    [
        b'%',
        DIGITS[(byte >> 4) as usize],
        DIGITS[(byte & 15) as usize],
    ]
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parameters_are_encoded_as_the_standard_s_own_library_does(
            values in proptest::collection::vec(".*", 0..4),
        ) {
            let parameters: Vec<_> = values.into_iter().map(|value| ("match[]", value)).collect();
            let mut encoded = Vec::new();
            append(&mut encoded, &parameters);
            let expected = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&parameters)
                .finish();
            prop_assert_eq!(encoded, expected.into_bytes());
        }

        #[test]
        fn what_is_escaped_is_itself_when_it_is_unescaped(text in ".*") {
            let mut escaped = Vec::new();
            append_escaped(&mut escaped, &text);
            let escaped = String::from_utf8(escaped).unwrap();
            let separators = escaped.contains([',', ':', ' ']);
            prop_assert!(!separators && escaped.is_ascii(), "{}", escaped);
            prop_assert_eq!(percent_decode_str(&escaped).decode_utf8().unwrap(), text);
        }
    }
}
