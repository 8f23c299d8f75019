//! Where in a rule file something stands. In: the file's text and a byte, or a byte of a string that was read from it.
//! Out: line and column from 1, the column in characters. Nothing fails: what lies outside counts as the end.

/// Line and column of a byte.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// The byte of the file that byte `inner` of a TOML string comes from. `written` is where the string stands in the file,
/// quotes included.
pub(crate) fn in_string(text: &str, written: std::ops::Range<usize>, inner: usize) -> usize {
    let raw = &text[written.clone()];
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let Some(quote) = quotes.into_iter().find(|quote| raw.starts_with(quote)) else {
        return written.start;
    };
    let mut at = quote.len();
    if quote.len() == 3 {
        // A line break right behind the quotes is no part of the string.
        let rest = &raw[at..];
        at += rest.len()
            - rest
                .strip_prefix("\r\n")
                .or(rest.strip_prefix('\n'))
                .unwrap_or(rest)
                .len();
    }
    if quote.starts_with('\'') {
        return written.start + at + inner;
    }
    let mut left = inner;
    while at < raw.len() {
        let (written_bytes, read_bytes) = next_char(&raw[at..]);
        if left == 0 && read_bytes > 0 {
            break;
        }
        at += written_bytes;
        left = left.saturating_sub(read_bytes);
    }
    written.start + at
}

/// The bytes of the first character of a basic string as it is written, and as it is read.
fn next_char(raw: &str) -> (usize, usize) {
    let mut chars = raw.chars();
    let Some(first) = chars.next() else {
        return (1, 1);
    };
    if first != '\\' {
        return (first.len_utf8(), first.len_utf8());
    }
    let digits = match chars.next() {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some('\n' | '\r' | ' ' | '\t') => {
            // A backslash at the end of a line swallows the white space that follows.
            let rest = raw[1..].trim_start();
            return (raw.len() - rest.len(), 0);
        }
        _ => return (2, 1),
    };
    let code = raw
        .get(2..2 + digits)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let read = code.and_then(char::from_u32).map_or(1, char::len_utf8);
    (2 + digits, read)
}

#[cfg(test)]
mod tests {
    use super::{in_string, position};

    #[test]
    fn bytes_of_a_string_are_found_in_the_file() {
        let table = [
            (r#"q = "abc X""#, 1, 10),
            (r"q = 'abc X'", 1, 10),
            ("q = '''\nabc\n X'''", 3, 2),
            ("q = \"\"\"\nabc\n X\"\"\"", 3, 2),
            (r#"q = "\"é\u00e9 X""#, 1, 16),
            ("q = \"\"\"a\\\n   X\"\"\"", 2, 4),
        ];
        #[derive(serde::Deserialize)]
        struct File {
            q: toml::Spanned<String>,
        }
        for (file, line, column) in table {
            let read: File = toml::from_str(file).unwrap();
            let inner = read.q.get_ref().find('X').unwrap();
            let at = in_string(file, read.q.span(), inner);
            assert_eq!(&file[at..=at], "X", "{file}");
            assert_eq!(position(file, at), (line, column), "{file}");
        }
    }
}
