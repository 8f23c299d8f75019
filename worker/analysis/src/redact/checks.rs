//! Check digits and the forms of numbers. In: digits, or letters and digits in upper case. Out: whether they can be such a
//! number. Sources: ISO/IEC 7812-1 (Luhn), ISO 13616 (IBAN), ISO/IEC 7064 (German tax id), the ABA's routing numbers,
//! the SSA on numbers never given, HMRC's NIM39110, Spain's RD 1553/2005, INSEE on the NIR.

/// `text` as digits; the callers pass nothing else.
fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.chars().filter_map(|c| c.to_digit(10))
}

pub(super) fn luhn(text: &str) -> bool {
    let sum: u32 = digits(text)
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (1, double @ 10..) => double - 9,
            (1, double) => double,
            _ => digit,
        })
        .sum();
    (13..=19).contains(&text.len()) && sum.is_multiple_of(10) && text.bytes().any(|b| b != b'0')
}

/// The lengths and beginnings of the large card schemes: what is needed to believe digits that lie far apart.
pub(super) fn known_card(text: &str) -> bool {
    let head = |count: usize| text.get(..count).and_then(|head| head.parse::<u32>().ok());
    let scheme = matches!(
            (text.len(), head(2), head(4)),
    (13 | 16 | 19, Some(40..=49), _) | (15, Some(34 | 37), _) | (16, Some(51..=55 | 65), _) | (16, _, Some(2221..=2720 | 6011 | 3528..=3589)) | (14, Some(30 | 36 | 38), _) | (16..=19, Some(62), _)
        );
    scheme && luhn(text)
}

fn remainder(text: &str, modulus: u64) -> u64 {
    let value = |c: char| u64::from(c.to_digit(36).unwrap_or(0));
    text.chars().fold(0, |rest, c| match value(c) {
        letter @ 10.. => (rest * 100 + letter) % modulus,
        digit => (rest * 10 + digit) % modulus,
    })
}

/// Countries whose accounts callers have, and how long their IBANs are.
#[rustfmt::skip] // a table reads as one
const IBANS: &[(&str, usize)] = &[
    ("AD", 24), ("AT", 20), ("BE", 16), ("BG", 22), ("CH", 21), ("CY", 28), ("CZ", 24), ("DE", 22), ("DK", 18), ("EE", 20),
    ("ES", 24), ("FI", 18), ("FR", 27), ("GB", 22), ("GI", 23), ("GR", 27), ("HR", 21), ("HU", 28), ("IE", 22), ("IS", 26),
    ("IT", 27), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("MC", 27), ("MT", 31), ("NL", 18), ("NO", 15), ("PL", 28),
    ("PT", 25), ("RO", 24), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("TR", 26),
];

/// How many characters the IBAN that `text` begins with has, and whether its check digits are right.
pub(super) fn iban(text: &str) -> Option<(usize, bool)> {
    let &(_, length) = IBANS
        .iter()
        .find(|(country, _)| text.starts_with(country))?;
    let check = text.get(2..4)?.bytes().all(|b| b.is_ascii_digit());
    let whole = text.get(..length)?;
    let right = remainder(&format!("{}{}", &whole[4..], &whole[..4]), 97) == 1;
    check.then_some((length, right))
}

pub(super) fn routing(text: &str) -> bool {
    let weights = [3, 7, 1].into_iter().cycle();
    let sum: u32 = digits(text)
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    // The first two digits name a Federal Reserve district.
    let district = matches!(
        text.get(..2).and_then(|d| d.parse().ok()),
        Some(1..=12 | 21..=32 | 61..=72 | 80u32)
    );
    text.len() == 9 && district && sum.is_multiple_of(10)
}

/// A social security number of the United States has no check digit, and numbers that were never given.
pub(super) fn ssn(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or("0");
    text.len() == 9
        && !matches!(part(0..3), "000" | "666")
        && !text.starts_with('9')
        && part(3..5) != "00"
        && part(5..9) != "0000"
}

/// A national insurance number of the United Kingdom: `QQ123456C`.
pub(super) fn nino(text: &str) -> bool {
    let Some((head, tail)) = text.split_at_checked(2) else {
        return false;
    };
    let prefix = head.bytes().all(|b| b.is_ascii_uppercase() && b != b'O');
    let number = tail
        .get(..6)
        .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
    text.len() == 9 && prefix && number && tail.ends_with(['A', 'B', 'C', 'D'])
}

/// A Spanish DNI (`12345678Z`) or NIE (`X1234567L`): whether it has the form, and whether its letter is right.
pub(super) fn dni_or_nie(text: &str) -> Option<bool> {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    if text.len() != 9 || !text.is_ascii() {
        return None;
    }
    let (body, letter) = text.split_at(8);
    let number = match body.as_bytes()[0] {
        b'X' => format!("0{}", &body[1..]),
        b'Y' => format!("1{}", &body[1..]),
        b'Z' => format!("2{}", &body[1..]),
        _ => body.to_owned(),
    };
    let letter = letter.bytes().next().filter(u8::is_ascii_uppercase)?;
    let all_digits = number.bytes().all(|b| b.is_ascii_digit());
    let number: usize = number.parse().ok().filter(|_| all_digits)?;
    Some(LETTERS[number % 23] == letter)
}

/// A German tax identification number: ISO/IEC 7064, MOD 11,10.
pub(super) fn tax_id(text: &str) -> bool {
    let mut product = 10;
    for digit in digits(text).take(10) {
        let sum = (digit + product) % 10;
        product = (if sum == 0 { 10 } else { sum } * 2) % 11;
    }
    let check = (11 - product) % 10;
    text.len() == 11 && !text.starts_with('0') && digits(text).next_back() == Some(check)
}

/// A French NIR with its key; Corsica's 2A and 2B count as 19 and 18.
pub(super) fn nir(text: &str) -> bool {
    if text.len() != 15 || !text.is_ascii() || !text.starts_with(['1', '2', '3', '4', '7', '8']) {
        return false;
    }
    let (number, key) = text.split_at(13);
    let number = number.replacen("2A", "19", 1).replacen("2B", "18", 1);
    match (number.parse::<u64>(), key.parse::<u64>()) {
        (Ok(number), Ok(key)) => 97 - number % 97 == key,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each number with another last character; a check must tell them apart.
    fn told_apart(check: impl Fn(&str) -> bool, right: &[&str]) {
        for text in right {
            assert!(check(text), "{text}");
            let (head, last) = text.split_at(text.len() - 1);
            let other = if last == "1" { "2" } else { "1" };
            assert!(!check(&format!("{head}{other}")), "{text} changed");
            assert!(!check(&format!("{text}0")), "{text} lengthened");
            assert!(!check(""), "nothing");
        }
    }

    #[test]
    fn right_numbers_pass_and_changed_ones_do_not() {
        told_apart(
            luhn,
            &[
                "4111111111111111",
                "378282246310005",
                "6011000990139424",
                "4222222222222",
            ],
        );
        told_apart(
            known_card,
            &["4111111111111111", "5555555555554444", "30569309025904"],
        );
        told_apart(routing, &["021000021", "011401533"]);
        told_apart(tax_id, &["86095742719", "47036892816"]);
        told_apart(nir, &["255081416802538"]);
        told_apart(
            |text| dni_or_nie(text) == Some(true),
            &["12345678Z", "X1234567L"],
        );
        told_apart(nino, &["QQ123456C"]);
        let whole = |text: &str| iban(text) == Some((text.len(), true));
        told_apart(
            whole,
            &[
                "DE89370400440532013000",
                "GB82WEST12345698765432",
                "ES9121000418450200051332",
                "FR1420041010050500013M02606",
            ],
        );
    }

    #[test]
    fn numbers_that_were_never_given_are_no_social_security_numbers() {
        for (text, expected) in [
            ("123456789", true),
            ("000456789", false),
            ("666456789", false),
            ("912345678", false),
            ("123006789", false),
            ("123450000", false),
            ("12345678", false),
        ] {
            assert_eq!(ssn(text), expected, "{text}");
        }
    }
}
