//! Words, as both lexers read them: most of a query's bytes stand in one.

/// Which bytes go on in a word: ASCII letters, digits and `_`.
const IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        #[allow(clippy::indexing_slicing)] // evaluated by the compiler
        {
            table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        }
        byte += 1;
    }
    table
};

/// How many of the first bytes of `text` belong to one word.
pub(crate) fn length(text: &[u8]) -> usize {
    let in_word = |byte: u8| IN_WORD.get(usize::from(byte)) == Some(&true);
    let end = text.iter().position(|byte| !in_word(*byte));
    end.unwrap_or(text.len())
}

/// The word in small letters, with zeros behind it; `None` if it has more than `LONGEST` bytes and
/// so cannot be a keyword.
pub(crate) fn lower<const LONGEST: usize>(word: &[u8]) -> Option<[u8; LONGEST]> {
    let mut lower = [0; LONGEST];
    lower.get_mut(..word.len())?.copy_from_slice(word);
    lower.make_ascii_lowercase();
    Some(lower)
}
