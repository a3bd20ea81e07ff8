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
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                target.push(byte);
            }
            b' ' => target.push(b'+'),
            _ => target.extend(escaped(byte)),
        }
    }
}

/// Appends `text` with everything percent-encoded that is not a letter, a digit or one of `-._=`.
pub(super) fn append_escaped(target: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'=' => {
                target.push(byte);
            }
            _ => target.extend(escaped(byte)),
        }
    }
}

/// `%` and two digits.
fn escaped(byte: u8) -> [u8; 3] {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'A' - 10 };
    [b'%', digit(byte >> 4), digit(byte & 15)]
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
