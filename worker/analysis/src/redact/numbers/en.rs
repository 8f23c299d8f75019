//! English number words, folded.

use super::Lexeme::{self, And, Hundred, Repeat, Teen, Tens, Thousand, Unit, Weak};

#[rustfmt::skip] // a table reads as one
pub(super) const WORDS: &[(&str, Lexeme)] = &[
    ("zero", Unit(0)), ("nought", Unit(0)), ("naught", Unit(0)), ("oh", Weak(0)), ("o", Weak(0)),
    ("one", Unit(1)), ("two", Unit(2)), ("three", Unit(3)), ("four", Unit(4)), ("five", Unit(5)),
    ("six", Unit(6)), ("seven", Unit(7)), ("eight", Unit(8)), ("nine", Unit(9)), ("niner", Unit(9)),
    ("ten", Teen(10)), ("eleven", Teen(11)), ("twelve", Teen(12)), ("thirteen", Teen(13)), ("fourteen", Teen(14)),
    ("fifteen", Teen(15)), ("sixteen", Teen(16)), ("seventeen", Teen(17)), ("eighteen", Teen(18)), ("nineteen", Teen(19)),
    ("twenty", Tens(20)), ("thirty", Tens(30)), ("forty", Tens(40)), ("fourty", Tens(40)), ("fifty", Tens(50)),
    ("sixty", Tens(60)), ("seventy", Tens(70)), ("eighty", Tens(80)), ("ninety", Tens(90)),
    ("hundred", Hundred), ("thousand", Thousand), ("and", And),
    ("double", Repeat(2)), ("triple", Repeat(3)), ("treble", Repeat(3)), ("quadruple", Repeat(4)),
];
