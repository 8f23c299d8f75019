//! Numbers however they are spoken. In: folded tokens. Out: the numerals among them, each with its digits, so that
//! `twenty five`, `25` and `two five` can be compared. English number words; figures in any language that writes 0 to 9.
//! Nothing fails: what is no number is left out.

/// A stretch of tokens that says one number: `one hundred and five`, `25`, `double two`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numeral {
    pub(crate) first: usize,
    /// One past its last token.
    pub(crate) end: usize,
    /// Without separators; leading zeros are kept.
    pub(crate) digits: String,
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const SCALES: [(&str, u64); 2] = [("million", 1_000_000), ("thousand", 1_000)];

/// In order, none overlapping another.
pub(crate) fn numerals(tokens: &[&str]) -> Vec<Numeral> {
    let mut found: Vec<Numeral> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let follows_number = found.last().is_some_and(|last| last.end == at);
        match numeral(tokens, at, follows_number) {
            Some((digits, count)) => {
                let end = at + count;
                found.push(Numeral {
                    first: at,
                    end,
                    digits,
                });
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// The digits of the numeral that starts at `at`, and its count of tokens.
fn numeral(tokens: &[&str], at: usize, follows_number: bool) -> Option<(String, usize)> {
    let token = *tokens.get(at)?;
    if let "double" | "triple" = token {
        let digit = one_digit(tokens.get(at + 1)?)?;
        let times = if token == "double" { 2 } else { 3 };
        return Some((digit.to_string().repeat(times), 2));
    }
    // "oh" is a zero only within a number that is read out.
    if let "oh" | "o" = token {
        let read_out = follows_number
            || (is_number_word(tokens.get(at + 1)) && is_number_word(tokens.get(at + 2)));
        return read_out.then(|| ("0".to_owned(), 1));
    }
    if let Some((value, count)) = cardinal(tokens, at) {
        return Some((value.to_string(), count));
    }
    figures(token).map(|digits| (digits, 1))
}

fn one_digit(token: &str) -> Option<usize> {
    let figure = || token.parse().ok().filter(|&digit: &usize| digit < 10);
    UNITS[..10]
        .iter()
        .position(|&unit| unit == token)
        .or_else(figure)
}

fn is_number_word(token: Option<&&str>) -> bool {
    token.is_some_and(|token| {
        figures(token).is_some() || UNITS.contains(token) || TENS.contains(token)
    })
}

/// `1,000` and `007`, but not `3.50`, `4th` or `b12`.
fn figures(token: &str) -> Option<String> {
    let digits: String = token.chars().filter(|&c| c != ',').collect();
    let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all.then_some(digits)
}

/// A number of at least one word; figures only where a scale follows, as in `2 thousand`.
fn cardinal(tokens: &[&str], at: usize) -> Option<(u64, usize)> {
    let (first, mut count) = below_thousand(tokens, at)?;
    let mut scale = scale_of(tokens.get(at + count));
    if scale == 1 && figures(tokens[at]).is_some() && count == 1 {
        return None;
    }
    let mut total = first * scale;
    while scale > 1 {
        count += 1;
        let and = usize::from(tokens.get(at + count) == Some(&"and"));
        let Some((part, more)) = below_thousand(tokens, at + count + and) else {
            break;
        };
        let next = scale_of(tokens.get(at + count + and + more));
        if next >= scale || part == 0 {
            break;
        }
        total += part * next;
        count += and + more;
        scale = next;
    }
    Some((total, count))
}

fn scale_of(token: Option<&&str>) -> u64 {
    let scale = SCALES.iter().find(|(name, _)| Some(name) == token);
    scale.map_or(1, |&(_, scale)| scale)
}

fn below_thousand(tokens: &[&str], at: usize) -> Option<(u64, usize)> {
    let (value, count) = below_hundred(tokens, at)?;
    if value == 0 || tokens.get(at + count) != Some(&"hundred") {
        return Some((value, count));
    }
    let (hundreds, count) = (value * 100, count + 1);
    let and = usize::from(tokens.get(at + count) == Some(&"and"));
    let rest = below_hundred(tokens, at + count + and).filter(|&(rest, more)| {
        // "one hundred and five hundred" are two numbers.
        rest > 0 && tokens.get(at + count + and + more) != Some(&"hundred")
    });
    Some(match rest {
        Some((rest, more)) => (hundreds + rest, count + and + more),
        None => (hundreds, count),
    })
}

fn below_hundred(tokens: &[&str], at: usize) -> Option<(u64, usize)> {
    let token = *tokens.get(at)?;
    let position = |words: &[&str], token: &str| {
        let found = words.iter().position(|&word| word == token);
        found.and_then(|index| u64::try_from(index).ok())
    };
    if let Some(unit) = position(&UNITS, token) {
        return Some((unit, 1));
    }
    if let Some(tens) = position(&TENS, token) {
        let tens = (tens + 2) * 10;
        let unit = tokens
            .get(at + 1)
            .and_then(|next| position(&UNITS[..10], next));
        return Some(match unit {
            Some(unit) if unit > 0 => (tens + unit, 2),
            _ => (tens, 1),
        });
    }
    let small = figures(token).filter(|digits| digits.len() <= 3 && !digits.starts_with('0'))?;
    Some((small.parse().ok()?, 1))
}

#[cfg(test)]
mod tests {
    use super::numerals;

    #[test]
    fn numbers_are_found_however_they_are_spoken() {
        let table: [(&str, &[&str]); 22] = [
            ("25", &["25"]),
            ("twenty five", &["25"]),
            ("two five", &["2", "5"]),
            ("one hundred and five", &["105"]),
            ("one hundred and five hundred", &["100", "500"]),
            ("nineteen ninety nine", &["19", "99"]),
            ("twelve hundred", &["1200"]),
            ("two thousand and one", &["2001"]),
            ("two thousand five hundred six", &["2506"]),
            ("three million two thousand", &["3002000"]),
            ("2 thousand", &["2000"]),
            ("1,000", &["1000"]),
            ("007", &["007"]),
            ("double five triple 0", &["55", "000"]),
            ("five oh one", &["5", "0", "1"]),
            ("oh seven nine", &["0", "7", "9"]),
            ("oh no", &[]),
            ("oh one moment", &["1"]),
            ("twenty zero", &["20", "0"]),
            ("3.50 4th b12", &[]),
            ("hundred thousand and", &[]),
            ("", &[]),
        ];
        for (text, expected) in table {
            let tokens: Vec<&str> = text.split_whitespace().collect();
            let found: Vec<String> = numerals(&tokens).into_iter().map(|n| n.digits).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn every_number_below_ten_thousand_reads_as_its_figures() {
        let small = |n: usize| match n {
            0 => String::new(),
            1..20 => super::UNITS[n].to_owned(),
            _ => format!(
                "{} {}",
                super::TENS[n / 10 - 2],
                [
                    "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"
                ][n % 10]
            ),
        };
        for n in 1..10_000_usize {
            let mut words = String::new();
            if n >= 1_000 {
                words += &format!("{} thousand ", small(n / 1_000));
            }
            if n % 1_000 >= 100 {
                words += &format!("{} hundred ", small(n % 1_000 / 100));
            }
            words += &small(n % 100);
            let tokens: Vec<&str> = words.split_whitespace().collect();
            let found = numerals(&tokens);
            assert_eq!(found.len(), 1, "{words}");
            assert_eq!(found[0].digits, n.to_string(), "{words}");
        }
    }
}
