//! Made-up calls in which numbers are read out. In: a seed. Out: a transcript, and for each word how many digits of a secret
//! it says. The same seed gives the same call. Pauses, corrections, asides, the other side's interruptions and reading
//! back are in it, and small talk with harmless numbers.

use job_schema::transcript::{Speakers, Transcript};

use crate::call::{call, say};
use crate::dictation::{Spoken, Tongue, group};

/// SplitMix64: small, and the same everywhere.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap()))
            .collect()
    }
}

pub(crate) struct MadeUp {
    pub(crate) tongue: Tongue,
    pub(crate) transcript: Transcript,
    /// By channel and word: digits of a secret that it says.
    pub(crate) secret: Vec<Vec<usize>>,
}

struct Maker {
    dice: Dice,
    tongue: Tongue,
    made: MadeUp,
    at_ms: u64,
}

pub(crate) fn made_up(seed: u64) -> MadeUp {
    let mut dice = Dice(seed);
    let tongue = Tongue::ALL[usize::try_from(seed % 4).unwrap()];
    let speakers = if dice.below(5) == 0 {
        Speakers::NotSeparated
    } else {
        Speakers::ByChannel
    };
    let known = (dice.below(4) > 0).then_some(tongue.code());
    let transcript = call(known, speakers);
    let secret = vec![Vec::new(); transcript.channels.len()];
    let mut maker = Maker {
        dice,
        tongue,
        made: MadeUp {
            tongue,
            transcript,
            secret,
        },
        at_ms: 500,
    };
    maker.run();
    maker.made
}

const AGENT: usize = 0;
const CUSTOMER: usize = 1;

impl Maker {
    fn run(&mut self) {
        self.small_talk(CUSTOMER);
        let lines = lines(self.tongue);
        let kinds: [(&str, String, &[usize]); 4] = [
            (lines.card, self.card(), &[4, 4, 4, 4]),
            (lines.phone, self.dice.digits(10), &[3, 3, 2, 2]),
            (lines.account, self.dice.digits(10), &[2, 4, 4]),
            (lines.card, self.card(), &[2, 2, 4, 2, 2, 4]),
        ];
        let (ask, digits, groups) = kinds[self.dice.below(4)].clone();
        self.plain(AGENT, ask);
        if self.dice.below(3) > 0 {
            let opening = self.dice.pick(lines.openings);
            self.plain(CUSTOMER, opening);
        }
        self.dictate(&digits, groups);
        if ask == lines.card {
            self.plain(AGENT, lines.code);
            let code = self.dice.digits(3);
            self.dictate(&code, &[3]);
        }
        if self.dice.below(3) == 0 {
            let last = digits[digits.len() - 4..].to_owned();
            self.plain(AGENT, lines.ending);
            self.speak(AGENT, &last);
        }
        self.small_talk(AGENT);
        self.small_talk(CUSTOMER);
    }

    fn card(&mut self) -> String {
        let mut digits = format!("4{}", self.dice.digits(14));
        let sum: u32 = digits
            .bytes()
            .enumerate()
            .map(|(at, b)| match (at % 2, u32::from(b - b'0') * 2) {
                (0, double @ 10..) => double - 9,
                (0, double) => double,
                _ => u32::from(b - b'0'),
            })
            .sum();
        digits.push_str(&((10 - sum % 10) % 10).to_string());
        digits
    }

    /// Reads digits out by groups, with all that goes wrong meanwhile.
    fn dictate(&mut self, digits: &str, groups: &[usize]) {
        let lines = lines(self.tongue);
        let mut rest = digits;
        for count in groups {
            let (now, later) = rest.split_at(*count);
            rest = later;
            if self.dice.below(6) == 0 {
                let wrong = self.dice.digits(*count);
                self.speak(CUSTOMER, &wrong);
                let correction = self.dice.pick(lines.corrections);
                self.plain(CUSTOMER, correction);
            }
            self.speak(CUSTOMER, now);
            if rest.is_empty() {
                break;
            }
            match self.dice.below(6) {
                0 => {
                    let aside = self.dice.pick(lines.asides);
                    self.plain(CUSTOMER, aside);
                }
                1 | 2 => {
                    let interruption = self.dice.pick(lines.interruptions);
                    self.plain(AGENT, interruption);
                }
                3 => self.at_ms += 1_000 + u64::try_from(self.dice.below(8_000)).unwrap(),
                _ => {}
            }
        }
    }

    fn speak(&mut self, speaker: usize, digits: &str) {
        let words = group(&mut self.dice, self.tongue, digits);
        self.add(speaker, &words);
    }

    fn plain(&mut self, speaker: usize, text: &str) {
        let words: Vec<Spoken> = text.split(' ').map(|word| (word.to_owned(), 0)).collect();
        self.add(speaker, &words);
    }

    fn small_talk(&mut self, speaker: usize) {
        for _ in 0..2 + self.dice.below(3) {
            let line = self.dice.pick(lines(self.tongue).small_talk);
            self.plain(speaker, line);
            self.at_ms += 2_000;
        }
    }

    fn add(&mut self, speaker: usize, words: &[Spoken]) {
        let channel = speaker.min(self.made.transcript.channels.len() - 1);
        let texts: Vec<&str> = words.iter().map(|(text, _)| text.as_str()).collect();
        let end_ms = say(
            &mut self.made.transcript,
            channel,
            self.at_ms,
            &texts.join(" "),
        );
        self.made.secret[channel].extend(words.iter().map(|(_, digits)| *digits));
        self.at_ms = end_ms + 200;
    }
}

struct Lines {
    card: &'static str,
    code: &'static str,
    phone: &'static str,
    account: &'static str,
    ending: &'static str,
    openings: &'static [&'static str],
    corrections: &'static [&'static str],
    asides: &'static [&'static str],
    interruptions: &'static [&'static str],
    small_talk: &'static [&'static str],
}

fn lines(tongue: Tongue) -> Lines {
    match tongue {
        Tongue::En => EN,
        Tongue::Es => ES,
        Tongue::De => DE,
        Tongue::Fr => FR,
    }
}

const EN: Lines = Lines {
    card: "Could I take the long number on the front of your card, please?",
    code: "And the three digits on the back?",
    phone: "What is the best number to reach you on?",
    account: "And your account number?",
    ending: "So that is the one ending in",
    openings: &[
        "Sure, it is",
        "Yes, hang on, let me get my glasses.",
        "Okay so that's",
    ],
    corrections: &["no, sorry,", "wait, I mean", "no, that's wrong, it's"],
    asides: &[
        "let me see",
        "it's a bit worn here",
        "um, then",
        "where was I",
    ],
    interruptions: &[
        "Mhm.",
        "Yes.",
        "Go ahead.",
        "Sorry, could you say that again?",
    ],
    small_talk: &[
        "I ordered 2 lamps on the 14th of May and only one came.",
        "That was 35 dollars and 20 cents, I think.",
        "I have been a customer for twelve years now.",
        "It should arrive within three to five working days.",
        "We are open from nine to six, Monday to Friday.",
        "There are four people in the house and two cars.",
        "For one thing, it was too late to call.",
    ],
};

const ES: Lines = Lines {
    card: "¿Me dice el número de su tarjeta, por favor?",
    code: "¿Y los tres dígitos del reverso?",
    phone: "¿Cuál es su número de teléfono?",
    account: "¿Y su número de cuenta?",
    ending: "Entonces es la que termina en",
    openings: &[
        "Claro, es el",
        "Sí, un momento, que busco las gafas.",
        "Vale, pues",
    ],
    corrections: &["no, perdón,", "espera, digo", "no, no es así, es"],
    asides: &["a ver", "aquí está borroso", "eh, luego", "por dónde iba"],
    interruptions: &["Sí.", "Ajá.", "Dígame.", "Perdone, ¿me lo puede repetir?"],
    small_talk: &[
        "Pedí dos lámparas el 14 de mayo y solo llegó una.",
        "Fueron 35 euros con veinte, creo.",
        "Soy cliente desde hace doce años.",
        "Le llegará en tres o cinco días laborables.",
        "Abrimos de nueve a seis, de lunes a viernes.",
        "Somos cuatro en casa y tenemos dos coches.",
        "Es una pena, la verdad, y un problema para mí.",
    ],
};

const DE: Lines = Lines {
    card: "Geben Sie mir bitte die Nummer Ihrer Kreditkarte?",
    code: "Und die Prüfziffer auf der Rückseite?",
    phone: "Unter welcher Telefonnummer erreiche ich Sie?",
    account: "Und Ihre Kontonummer?",
    ending: "Das ist also die mit der Endung",
    openings: &[
        "Ja, das ist die",
        "Moment, ich hole kurz meine Brille.",
        "Also gut",
    ],
    corrections: &[
        "nein, Entschuldigung,",
        "Moment, ich meine",
        "nein, das stimmt nicht, es ist",
    ],
    asides: &[
        "mal sehen",
        "das ist hier schlecht zu lesen",
        "ähm, dann",
        "wo war ich",
    ],
    interruptions: &[
        "Ja.",
        "Mhm.",
        "Bitte.",
        "Entschuldigung, können Sie das wiederholen?",
    ],
    small_talk: &[
        "Ich habe am 14. Mai zwei Lampen bestellt und eine kam an.",
        "Das waren 35 Euro und zwanzig Cent, glaube ich.",
        "Ich bin seit zwölf Jahren Kunde bei Ihnen.",
        "Das kommt in drei bis fünf Werktagen an.",
        "Wir haben von neun bis sechs geöffnet.",
        "Wir sind vier Leute und haben zwei Autos.",
        "Das ist ein Problem und eine Zumutung.",
    ],
};

const FR: Lines = Lines {
    card: "Vous pouvez me donner le numéro de votre carte ?",
    code: "Et le cryptogramme au dos ?",
    phone: "À quel numéro de téléphone puis-je vous joindre ?",
    account: "Et votre numéro de compte ?",
    ending: "C'est donc celle qui finit par",
    openings: &[
        "Oui, c'est le",
        "Attendez, je prends mes lunettes.",
        "D'accord, alors",
    ],
    corrections: &[
        "non, pardon,",
        "attendez, je veux dire",
        "non, ce n'est pas ça, c'est",
    ],
    asides: &[
        "voyons voir",
        "c'est un peu effacé ici",
        "euh, ensuite",
        "où j'en étais",
    ],
    interruptions: &[
        "Oui.",
        "D'accord.",
        "Allez-y.",
        "Pardon, vous pouvez répéter ?",
    ],
    small_talk: &[
        "J'ai commandé deux lampes le 14 mai et une seule est arrivée.",
        "C'était 35 euros et vingt centimes, je crois.",
        "Je suis client chez vous depuis douze ans.",
        "Ça arrivera sous trois à cinq jours ouvrés.",
        "Nous sommes ouverts de neuf heures à dix-huit heures.",
        "On est quatre à la maison et on a deux voitures.",
        "C'est un problème et une perte de temps.",
    ],
};
