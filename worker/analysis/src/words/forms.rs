//! Other ways to write one word. In: a folded token. Out: the tokens that count as the same: the inflected forms that
//! `forms:` asks for, and contractions without their apostrophe. English, by spelling rules and a list of the common
//! irregular words. A form that nobody says costs nothing; nothing fails.

/// The forms of words that no spelling rule gives; each row stands for its whole group.
#[rustfmt::skip] // a table reads as one
const IRREGULAR: &[&[&str]] = &[
    &["be", "am", "is", "are", "was", "were", "been", "being"],
    &["have", "has", "had", "having"],
    &["do", "does", "did", "done", "doing"],
    &["go", "goes", "went", "gone", "going"],
    &["say", "says", "said", "saying"],
    &["pay", "pays", "paid", "paying"],
    &["buy", "buys", "bought", "buying"],
    &["sell", "sells", "sold", "selling"],
    &["leave", "leaves", "left", "leaving"],
    &["lose", "loses", "lost", "losing"],
    &["get", "gets", "got", "gotten", "getting"],
    &["give", "gives", "gave", "given", "giving"],
    &["take", "takes", "took", "taken", "taking"],
    &["make", "makes", "made", "making"],
    &["come", "comes", "came", "coming"],
    &["tell", "tells", "told", "telling"],
    &["think", "thinks", "thought", "thinking"],
    &["know", "knows", "knew", "known", "knowing"],
    &["see", "sees", "saw", "seen", "seeing"],
    &["find", "finds", "found", "finding"],
    &["hear", "hears", "heard", "hearing"],
    &["hold", "holds", "held", "holding"],
    &["keep", "keeps", "kept", "keeping"],
    &["send", "sends", "sent", "sending"],
    &["spend", "spends", "spent", "spending"],
    &["speak", "speaks", "spoke", "spoken", "speaking"],
    &["steal", "steals", "stole", "stolen", "stealing"],
    &["break", "breaks", "broke", "broken", "breaking"],
    &["bring", "brings", "brought", "bringing"],
    &["begin", "begins", "began", "begun", "beginning"],
    &["write", "writes", "wrote", "written", "writing"],
    &["choose", "chooses", "chose", "chosen", "choosing"],
    &["forget", "forgets", "forgot", "forgotten", "forgetting"],
    &["understand", "understands", "understood", "understanding"],
    &["quit", "quits", "quitting"],
    &["cost", "costs", "costing"],
    &["man", "men"], &["woman", "women"], &["child", "children"], &["person", "people"],
];

/// Apostrophe forms that are no other word when the apostrophe is left out; `we're` and `were` are not among them.
#[rustfmt::skip] // a table reads as one
const CONTRACTIONS: &[(&str, &str)] = &[
    ("don't", "dont"), ("doesn't", "doesnt"), ("didn't", "didnt"), ("isn't", "isnt"), ("aren't", "arent"),
    ("wasn't", "wasnt"), ("weren't", "werent"), ("hasn't", "hasnt"), ("haven't", "havent"), ("hadn't", "hadnt"),
    ("couldn't", "couldnt"), ("shouldn't", "shouldnt"), ("wouldn't", "wouldnt"), ("can't", "cant"),
    ("won't", "wont"), ("i'm", "im"), ("i've", "ive"), ("you're", "youre"), ("you've", "youve"),
    ("they're", "theyre"), ("they've", "theyve"), ("that's", "thats"), ("what's", "whats"),
];

/// The word itself, and its contraction's other spelling.
pub(crate) fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    for (with, without) in CONTRACTIONS {
        if word == *with {
            all.push((*without).to_owned());
        } else if word == *without {
            all.push((*with).to_owned());
        }
    }
    all
}

/// The word itself first, then its plural, possessive, third person, past and `-ing` forms.
pub(crate) fn inflected(word: &str) -> Vec<String> {
    if let Some(group) = IRREGULAR.iter().find(|group| group.contains(&word)) {
        let others = group.iter().filter(|&&form| form != word);
        return std::iter::once(word)
            .chain(others.copied())
            .map(str::to_owned)
            .collect();
    }
    let mut forms = spellings(word);
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return forms;
    }
    let (stem, last) = word.split_at(word.len() - 1);
    forms.push(format!("{word}'s"));
    if last == "y" && !ends_in_vowel(stem) {
        forms.extend([
            format!("{stem}ies"),
            format!("{stem}ied"),
            format!("{word}ing"),
        ]);
        return forms;
    }
    let hisses = ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|end| word.ends_with(end));
    if hisses || last == "o" {
        forms.push(format!("{word}es"));
    }
    if !hisses {
        forms.push(format!("{word}s"));
    }
    match last {
        "e" if word.ends_with("ie") => {
            forms.push(format!("{word}d"));
            forms.push(format!("{}ying", &word[..word.len() - 2]));
        }
        "e" => {
            forms.push(format!("{word}d"));
            let keeps_e = ["ee", "oe", "ye"].iter().any(|end| word.ends_with(end));
            forms.push(format!("{}ing", if keeps_e { word } else { stem }));
        }
        _ => {
            forms.extend([format!("{word}ed"), format!("{word}ing")]);
            if doubles_its_end(word) {
                forms.extend([format!("{word}{last}ed"), format!("{word}{last}ing")]);
            }
        }
    }
    forms
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

fn ends_in_vowel(text: &str) -> bool {
    text.bytes().last().is_some_and(is_vowel)
}

/// Consonant, vowel, consonant: `stopped`, and `cancelled` beside `canceled`.
fn doubles_its_end(word: &str) -> bool {
    match word.as_bytes() {
        [.., before, vowel, last] => {
            !is_vowel(*before)
                && is_vowel(*vowel)
                && !is_vowel(*last)
                && !matches!(last, b'w' | b'x' | b'y' | b'h')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{inflected, spellings};

    #[test]
    fn words_have_the_forms_that_people_say() {
        let table: [(&str, &[&str]); 8] = [
            (
                "cancel",
                &[
                    "cancels",
                    "canceled",
                    "cancelled",
                    "canceling",
                    "cancelling",
                ],
            ),
            ("refund", &["refunds", "refunded", "refunding", "refund's"]),
            ("company", &["companies", "company's"]),
            ("charge", &["charged", "charging", "charges"]),
            ("box", &["boxes", "boxed"]),
            ("agree", &["agreed", "agreeing"]),
            ("tie", &["tied", "tying"]),
            ("went", &["go", "gone"]),
        ];
        for (word, expected) in table {
            let forms = inflected(word);
            assert_eq!(forms[0], word);
            for form in expected {
                assert!(
                    forms.iter().any(|f| f == form),
                    "{word}: no {form} in {forms:?}"
                );
            }
        }
    }

    #[test]
    fn contractions_match_both_ways_unless_they_would_be_another_word() {
        assert_eq!(spellings("don't"), ["don't", "dont"]);
        assert_eq!(spellings("dont"), ["dont", "don't"]);
        assert_eq!(spellings("we're"), ["we're"]);
        assert_eq!(spellings("were"), ["were"]);
    }
}
