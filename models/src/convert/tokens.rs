//! Reads a vocabulary in the byte-level writing of GPT-2: one token a line, each byte a printable character.
//! In: the file's bytes. Out: the text tokens as bytes, by id. Fails: [`ConvertError`] with the entry's number.
//! Source: `bytes_to_unicode` in OpenAI's GPT-2 `encoder.py`.

use super::ConvertError;

/// Text tokens of Whisper's vocabularies, the end of text included; the engine names the special ones after it.
const TEXT_TOKENS: usize = 50_257;

pub(super) fn parse(vocabulary: &[u8]) -> Result<Vec<Vec<u8>>, ConvertError> {
    let mut tokens = Vec::with_capacity(TEXT_TOKENS);
    for (index, line) in vocabulary
        .split(|b| *b == b'\n')
        .take(TEXT_TOKENS)
        .enumerate()
    {
        let text = std::str::from_utf8(line).ok();
        let token = text.and_then(|t| t.chars().map(byte_of).collect::<Option<Vec<u8>>>());
        tokens.push(token.ok_or(ConvertError::Vocabulary { index })?);
    }
    if tokens.len() < TEXT_TOKENS {
        return Err(ConvertError::VocabularySize {
            found: tokens.len(),
            expected: TEXT_TOKENS,
        });
    }
    Ok(tokens)
}

/// Bytes that print stand for themselves; the others follow from U+0100 on, in order.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    if let Ok(byte) = u8::try_from(code) {
        return prints(byte).then_some(byte);
    }
    let nth = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0..=u8::MAX).filter(|b| !prints(*b)).nth(nth)
}

fn prints(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_one_character() {
        let rows = [
            ('!', b'!'),
            ('~', b'~'),
            ('Ġ', b' '),
            ('Ċ', b'\n'),
            ('Ā', 0),
            ('ÿ', 0xff),
            ('Ń', 0xad),
        ];
        for (character, byte) in rows {
            assert_eq!(byte_of(character), Some(byte), "{character}");
        }
        let all: Vec<u8> = ('\0'..='\u{200}').filter_map(byte_of).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..=u8::MAX).collect::<Vec<u8>>());
        assert_eq!(byte_of(' '), None);
        assert_eq!(byte_of('界'), None);
    }

    #[test]
    fn a_short_or_foreign_vocabulary_is_refused() {
        let short = parse(b"a\nb");
        assert!(
            matches!(short, Err(ConvertError::VocabularySize { found: 2, .. })),
            "{short:?}"
        );
        let foreign = parse("a\nb c".as_bytes());
        assert!(
            matches!(foreign, Err(ConvertError::Vocabulary { index: 1 })),
            "{foreign:?}"
        );
    }
}
