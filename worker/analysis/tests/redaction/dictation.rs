//! How people read numbers out, written apart from the reader that is tested: digit by digit, in pairs, in threes, with
//! "double", or as a recogniser writes them. In: digits. Out: words, each with how many digits it says.

use crate::made_up::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    En,
    Es,
    De,
    Fr,
}

impl Tongue {
    pub(crate) const ALL: [Tongue; 4] = [Tongue::En, Tongue::Es, Tongue::De, Tongue::Fr];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Tongue::En => "en",
            Tongue::Es => "es",
            Tongue::De => "de",
            Tongue::Fr => "fr",
        }
    }

    fn upto_nineteen(self) -> [&'static str; 20] {
        let words = match self {
            Tongue::En => {
                "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
            }
            Tongue::Es => {
                "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve"
            }
            Tongue::De => {
                "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
            }
            Tongue::Fr => {
                "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf"
            }
        };
        let list: Vec<&str> = words.split(' ').collect();
        list.try_into().unwrap()
    }

    fn tens(self) -> [&'static str; 8] {
        match self {
            Tongue::En => [
                "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
            ],
            Tongue::Es => [
                "veinte",
                "treinta",
                "cuarenta",
                "cincuenta",
                "sesenta",
                "setenta",
                "ochenta",
                "noventa",
            ],
            Tongue::De => [
                "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig",
                "neunzig",
            ],
            Tongue::Fr => [
                "vingt",
                "trente",
                "quarante",
                "cinquante",
                "soixante",
                "soixante",
                "quatre-vingt",
                "quatre-vingt",
            ],
        }
    }

    /// 0 to 99 as it is said.
    pub(crate) fn below_hundred(self, value: usize) -> String {
        let (ten, unit) = (value / 10, value % 10);
        let small = self.upto_nineteen();
        if value < 20 {
            return small[value].to_owned();
        }
        let tens = self.tens()[ten - 2];
        match (self, unit) {
            (Tongue::Fr, _) if matches!(ten, 7 | 9) => {
                let joint = if value == 71 { "-et-" } else { "-" };
                format!("{tens}{joint}{}", small[10 + unit])
            }
            (Tongue::Fr, 0) if ten == 8 => "quatre-vingts".to_owned(),
            (_, 0) => tens.to_owned(),
            (Tongue::Fr, 1) if ten != 8 => format!("{tens} et un"),
            (Tongue::Es, _) if ten == 2 => {
                let unit = [
                    "", "uno", "dós", "trés", "cuatro", "cinco", "séis", "siete", "ocho", "nueve",
                ][unit];
                format!("veinti{unit}")
            }
            (Tongue::Es, _) => format!("{tens} y {}", small[unit]),
            (Tongue::De, 1) => format!("einund{tens}"),
            (Tongue::De, _) => format!("{}und{tens}", small[unit]),
            (Tongue::En | Tongue::Fr, _) => format!("{tens}-{}", small[unit]),
        }
    }

    fn doubled(self) -> &'static str {
        match self {
            Tongue::En | Tongue::Fr => "double",
            Tongue::Es => "doble",
            Tongue::De => "doppel",
        }
    }

    fn hundreds(self, digit: usize) -> Option<String> {
        let small = self.upto_nineteen();
        match self {
            Tongue::En => Some(format!("{} hundred", small[digit])),
            Tongue::De => Some(format!(
                "{}hundert",
                if digit == 1 { "ein" } else { small[digit] }
            )),
            Tongue::Fr => Some(if digit == 1 {
                "cent".into()
            } else {
                format!("{} cents", small[digit])
            }),
            Tongue::Es => None,
        }
    }
}

/// A word and the digits that it says, counted once for a number of several words.
pub(crate) type Spoken = (String, usize);

/// One group of digits in one of the ways.
pub(crate) fn group(dice: &mut Dice, tongue: Tongue, digits: &str) -> Vec<Spoken> {
    let pair = digits.len() == 2 && !digits.starts_with('0');
    match dice.below(5) {
        0 => vec![(digits.to_owned(), digits.len())],
        1 if digits.len().is_multiple_of(2) => pairs(tongue, digits),
        2 if pair => spread(&tongue.below_hundred(digits.parse().unwrap()), 2),
        3 => hundred(tongue, digits).unwrap_or_else(|| one_by_one(dice, tongue, digits)),
        _ => one_by_one(dice, tongue, digits),
    }
}

/// The digits of a number of several words are shared out: each word gives a part of it away.
fn spread(text: &str, digits: usize) -> Vec<Spoken> {
    let words: Vec<&str> = text.split(' ').collect();
    let last = words.len() - 1;
    let share = |at: usize| {
        if at == last {
            digits - digits.min(last)
        } else {
            1.min(digits)
        }
    };
    words
        .iter()
        .enumerate()
        .map(|(at, word)| ((*word).to_owned(), share(at)))
        .collect()
}

fn pairs(tongue: Tongue, digits: &str) -> Vec<Spoken> {
    let small = tongue.upto_nineteen();
    digits
        .as_bytes()
        .chunks(2)
        .flat_map(|pair| {
            let value = usize::from(pair[0] - b'0') * 10 + usize::from(pair[1] - b'0');
            if value < 10 {
                return vec![(small[0].to_owned(), 1), (small[value].to_owned(), 1)];
            }
            spread(&tongue.below_hundred(value), 2)
        })
        .collect()
}

/// `four hundred`, where the group is one.
fn hundred(tongue: Tongue, digits: &str) -> Option<Vec<Spoken>> {
    let (first, rest) = digits.split_at(1);
    let digit: usize = first.parse().unwrap();
    let fits = rest == "00" && digit > 0;
    fits.then(|| tongue.hundreds(digit))
        .flatten()
        .map(|text| spread(&text, 3))
}

fn one_by_one(dice: &mut Dice, tongue: Tongue, digits: &str) -> Vec<Spoken> {
    let small = tongue.upto_nineteen();
    let values: Vec<usize> = digits.bytes().map(|b| usize::from(b - b'0')).collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < values.len() {
        let twice = values.get(at + 1) == Some(&values[at]);
        if twice && dice.below(2) == 0 {
            words.push((tongue.doubled().to_owned(), 1));
            words.push((small[values[at]].to_owned(), 1));
            at += 2;
            continue;
        }
        let zero = values[at] == 0 && tongue == Tongue::En && dice.below(2) == 0;
        words.push((if zero { "oh" } else { small[values[at]] }.to_owned(), 1));
        at += 1;
    }
    words
}
