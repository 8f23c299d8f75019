//! Pieces of the text that commands show. In: values. Out: text. Nothing fails.

use std::fmt::{Arguments, Write as _};

pub(super) fn add_line(text: &mut String, line: Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

/// A share in percent, or a dash where there is none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.1} %"))
}
