//! Words that stand between the numbers of somebody who dictates, folded and without accents. In four languages, whichever the
//! channel's is: few of them mean something else in another.

#[rustfmt::skip] // a list reads as one
pub(super) const CORRECTIONS: &[&str] = &[
    "no", "sorry", "wait", "correction", "rather", "scratch", "actually", "oops",
    "perdon", "digo", "espera", "espere", "mejor", "disculpe", "perdone",
    "nein", "falsch", "quatsch", "entschuldigung", "moment", "halt", "verzeihung", "stimmt",
    "non", "pardon", "desole", "attendez", "plutot", "erreur", "rectification",
];

#[rustfmt::skip] // a list reads as one
pub(super) const FILLERS: &[&str] = &[
    // What a recogniser writes for two, four, eight and one amid digits.
    "to", "too", "for", "ate", "won",
    // The other side on the same channel.
    "go", "ahead", "please", "thanks", "got", "it", "digame", "aja", "diga", "gracias", "bitte", "danke", "allez", "d'accord", "merci",
    "uh", "um", "er", "erm", "eh", "ah", "hm", "hmm", "mm", "mhm", "huh", "ok", "okay", "yes", "yeah", "yep", "right", "so", "and", "then", "now",
    "the", "dash", "hyphen", "space", "slash", "point", "dot", "comma", "stroke", "that", "that's", "is", "it's", "i", "mean", "well", "let", "me", "see", "next",
    "pues", "este", "bueno", "si", "vale", "y", "luego", "guion", "espacio", "punto", "coma", "el", "la", "a", "ver", "ahora", "despues",
    "ah", "ahm", "also", "ja", "genau", "und", "dann", "strich", "punkt", "komma", "leerzeichen", "so", "jetzt", "ich", "meine", "gut", "die", "der",
    "euh", "heu", "alors", "oui", "et", "puis", "ensuite", "tiret", "espace", "virgule", "le", "la", "bon", "voila", "donc", "je", "veux", "dire",
];

/// The international spelling alphabet; sorted by word.
#[rustfmt::skip] // a table reads as one
pub(super) const SPELLING: &[(&str, char)] = &[
    ("alfa", 'A'), ("alpha", 'A'), ("bravo", 'B'), ("charlie", 'C'), ("delta", 'D'), ("echo", 'E'), ("foxtrot", 'F'),
    ("golf", 'G'), ("hotel", 'H'), ("india", 'I'), ("juliet", 'J'), ("juliett", 'J'), ("kilo", 'K'), ("lima", 'L'),
    ("mike", 'M'), ("november", 'N'), ("oscar", 'O'), ("papa", 'P'), ("quebec", 'Q'), ("romeo", 'R'), ("sierra", 'S'),
    ("tango", 'T'), ("uniform", 'U'), ("victor", 'V'), ("whiskey", 'W'), ("whisky", 'W'), ("yankee", 'Y'), ("zulu", 'Z'),
];

/// After a number they make it an amount, a length of time or a count.
#[rustfmt::skip] // a list reads as one
pub(super) const UNITS: &[&str] = &[
    "dollar", "dollars", "cent", "cents", "euro", "euros", "pound", "pounds", "pence", "quid", "bucks", "percent", "degrees", "miles", "feet", "inches",
    "second", "seconds", "minute", "minutes", "hour", "hours", "o'clock", "a.m", "p.m", "day", "days", "week", "weeks", "month", "months", "year", "years", "people", "persons", "digit", "digits",
    "dolares", "centimos", "centavos", "pesos", "libras", "segundos", "minutos", "hora", "horas", "dia", "dias", "semana", "semanas", "meses", "ano", "anos", "personas", "digito", "digitos",
    "pfund", "prozent", "sekunden", "minuten", "stunde", "stunden", "uhr", "tag", "tage", "tagen", "werktage", "werktagen", "woche", "wochen", "monat", "monate", "monaten", "jahr", "jahre", "jahren",
    "leute", "personen", "ziffer", "ziffern", "stellen",
    "centimes", "livres", "pourcent", "secondes", "heure", "heures", "jour", "jours", "semaine", "semaines", "mois", "ans", "annee", "annees", "personnes", "chiffres",
];

/// After a number they make it a day. Those that are also other words ("may", "march") are left out, and "of" before them.
#[rustfmt::skip] // a list reads as one
pub(super) const MONTHS: &[&str] = &[
    "january", "february", "april", "june", "july", "august", "september", "october", "november", "december",
    "januar", "februar", "marz", "mai", "juni", "juli", "oktober", "dezember",
    "janvier", "fevrier", "avril", "juin", "juillet", "aout", "septembre", "octobre", "novembre", "decembre",
];

/// Before the first number of a range and between the two; "to" alone may be a digit that was misheard.
pub(super) const FROM: &[&str] = &["from", "between", "de", "desde", "entre", "von", "zwischen"];
pub(super) const TO: &[&str] = &[
    "to", "and", "till", "until", "a", "hasta", "y", "bis", "und", "et",
];

/// Before "one" they make it a word of its own.
pub(super) const POINTING: &[&str] = &[
    "the", "this", "that", "which", "another", "other", "any", "each", "every", "only", "first",
    "last", "new", "old", "wrong", "right",
];
