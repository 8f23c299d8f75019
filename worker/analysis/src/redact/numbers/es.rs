//! Spanish number words, folded and without accents.

use super::Lexeme::{self, And, Hundred, Repeat, Teen, Tens, Thousand, Unit, Weak, Whole};

#[rustfmt::skip] // a table reads as one
pub(super) const WORDS: &[(&str, Lexeme)] = &[
    ("cero", Unit(0)), ("uno", Unit(1)), ("un", Weak(1)), ("una", Weak(1)), ("dos", Unit(2)), ("tres", Unit(3)),
    ("cuatro", Unit(4)), ("cinco", Unit(5)), ("seis", Unit(6)), ("siete", Unit(7)), ("ocho", Unit(8)), ("nueve", Unit(9)),
    ("diez", Teen(10)), ("once", Teen(11)), ("doce", Teen(12)), ("trece", Teen(13)), ("catorce", Teen(14)), ("quince", Teen(15)),
    ("dieciseis", Teen(16)), ("diecisiete", Teen(17)), ("dieciocho", Teen(18)), ("diecinueve", Teen(19)),
    ("veinte", Tens(20)), ("veintiuno", Whole(21)), ("veintiun", Whole(21)), ("veintidos", Whole(22)), ("veintitres", Whole(23)),
    ("veinticuatro", Whole(24)), ("veinticinco", Whole(25)), ("veintiseis", Whole(26)), ("veintisiete", Whole(27)),
    ("veintiocho", Whole(28)), ("veintinueve", Whole(29)),
    ("treinta", Tens(30)), ("cuarenta", Tens(40)), ("cincuenta", Tens(50)), ("sesenta", Tens(60)),
    ("setenta", Tens(70)), ("ochenta", Tens(80)), ("noventa", Tens(90)),
    ("cien", Hundred), ("ciento", Hundred), ("doscientos", Whole(200)), ("trescientos", Whole(300)), ("cuatrocientos", Whole(400)),
    ("quinientos", Whole(500)), ("seiscientos", Whole(600)), ("setecientos", Whole(700)), ("ochocientos", Whole(800)),
    ("novecientos", Whole(900)), ("doscientas", Whole(200)), ("trescientas", Whole(300)), ("cuatrocientas", Whole(400)),
    ("quinientas", Whole(500)), ("seiscientas", Whole(600)), ("setecientas", Whole(700)), ("ochocientas", Whole(800)),
    ("novecientas", Whole(900)),
    ("mil", Thousand), ("y", And), ("doble", Repeat(2)), ("triple", Repeat(3)),
];
