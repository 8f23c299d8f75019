//! The prompt that tells the model what names and products to expect. In: the job's vocabulary. Out: one line of text, no
//! longer than a budget. Cannot fail. A long prompt costs decoder time on every span and pushes weak models to recite it.

/// About fifty tokens, a quarter of what Whisper takes.
pub(crate) const MAX_PROMPT_BYTES: usize = 200;

/// Terms in the job's order, as many as fit.
pub(crate) fn prompt(vocabulary: &[String]) -> String {
    let mut text = String::new();
    for term in vocabulary
        .iter()
        .map(|term| term.trim())
        .filter(|term| !term.is_empty())
    {
        let separator = if text.is_empty() { "" } else { ", " };
        if text.len() + separator.len() + term.len() + 1 > MAX_PROMPT_BYTES {
            break;
        }
        text.push_str(separator);
        text.push_str(term);
    }
    if !text.is_empty() {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_listed_until_the_budget_is_full() {
        let terms = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for (vocabulary, expected) in [
            (vec![], String::new()),
            (terms(&[" ", ""]), String::new()),
            (terms(&["Acme", " Widget Pro "]), "Acme, Widget Pro.".into()),
            (terms(&["a", &"x".repeat(300), "b"]), "a.".into()),
        ] {
            assert_eq!(prompt(&vocabulary), expected);
        }
        let many: Vec<String> = (0..200).map(|i| format!("term{i}")).collect();
        assert!(prompt(&many).len() <= MAX_PROMPT_BYTES);
    }
}
