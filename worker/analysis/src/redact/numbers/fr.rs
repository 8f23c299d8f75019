//! French number words, folded and without accents; Belgian and Swiss tens as well.

use super::Lexeme::{self, And, Hundred, Repeat, Teen, Tens, Thousand, Unit, Weak};

#[rustfmt::skip] // a table reads as one
pub(super) const WORDS: &[(&str, Lexeme)] = &[
    ("zero", Unit(0)), ("un", Weak(1)), ("une", Weak(1)), ("deux", Unit(2)), ("trois", Unit(3)), ("quatre", Unit(4)),
    ("cinq", Unit(5)), ("six", Unit(6)), ("sept", Unit(7)), ("huit", Unit(8)), ("neuf", Unit(9)),
    ("dix", Teen(10)), ("onze", Teen(11)), ("douze", Teen(12)), ("treize", Teen(13)), ("quatorze", Teen(14)),
    ("quinze", Teen(15)), ("seize", Teen(16)),
    ("vingt", Tens(20)), ("vingts", Tens(20)), ("trente", Tens(30)), ("quarante", Tens(40)), ("cinquante", Tens(50)),
    ("soixante", Tens(60)), ("septante", Tens(70)), ("huitante", Tens(80)), ("octante", Tens(80)), ("nonante", Tens(90)),
    ("cent", Hundred), ("cents", Hundred), ("mille", Thousand), ("et", And),
    ("double", Repeat(2)), ("triple", Repeat(3)),
];
