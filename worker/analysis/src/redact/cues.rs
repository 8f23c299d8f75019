//! What announces a number: "card number", "Prüfziffer", "fecha de caducidad". In: all voices of a call. Out: the places where
//! each kind was announced, whoever said it: mostly one side asks and the other answers.

use job_schema::redaction::EntityKind;

use super::voice::Voice;

/// How long after its cue a number is still the one that was asked for: to find a card takes a while.
const CUE_WITHIN_MS: u64 = 60_000;
/// A security code and an expiry date are short, and follow at once.
const SHORT_CUE_WITHIN_MS: u64 = 25_000;

#[derive(Debug)]
pub(super) struct Cues(Vec<(u64, EntityKind)>);

impl Cues {
    pub(super) fn of(voices: &[Voice]) -> Self {
        let mut found = Vec::new();
        for voice in voices {
            let texts = voice.texts();
            for at in 0..texts.len() {
                let kinds = CUES.iter().filter(|(_, phrase)| says(&texts[at..], phrase));
                found.extend(kinds.map(|(kind, phrase)| {
                    let last = at + phrase.split(' ').count() - 1;
                    (voice.tokens[last].span.end_ms, *kind)
                }));
            }
        }
        found.sort_unstable();
        Self(found)
    }

    /// The latest announcement before `start_ms`, of the kinds that `wanted` names.
    pub(super) fn before(&self, start_ms: u64, wanted: &[EntityKind]) -> Option<EntityKind> {
        let until = self.0.partition_point(|(said_ms, _)| *said_ms <= start_ms);
        let latest = self.0[..until].iter().rev();
        let mut heard = latest.take_while(|(said_ms, _)| start_ms - said_ms <= CUE_WITHIN_MS);
        heard
            .find(|(said_ms, kind)| wanted.contains(kind) && start_ms - said_ms <= within_ms(*kind))
            .map(|(_, kind)| *kind)
    }
}

impl Cues {
    /// No cue at all, for comparing digits alone.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether a code or a date was asked for in this time.
    pub(super) fn asks_between(&self, from_ms: u64, to_ms: u64) -> bool {
        let first = self.0.partition_point(|(said_ms, _)| *said_ms < from_ms);
        let within = self.0[first..]
            .iter()
            .take_while(|(said_ms, _)| *said_ms <= to_ms);
        let short = [EntityKind::CardCvv, EntityKind::CardExpiry];
        within.into_iter().any(|(_, kind)| short.contains(kind))
    }
}

fn within_ms(kind: EntityKind) -> u64 {
    match kind {
        EntityKind::CardCvv | EntityKind::CardExpiry => SHORT_CUE_WITHIN_MS,
        _ => CUE_WITHIN_MS,
    }
}

/// Whether `texts` begins with the words of `phrase`; a word that ends in `*` may go on.
pub(super) fn says(texts: &[&str], phrase: &str) -> bool {
    let mut texts = texts.iter();
    phrase
        .split(' ')
        .all(|wanted| match (texts.next(), wanted.strip_suffix('*')) {
            (Some(text), Some(stem)) => text.starts_with(stem),
            (Some(text), None) => *text == wanted,
            (None, _) => false,
        })
}

#[rustfmt::skip] // a table reads as one
const CUES: &[(EntityKind, &str)] = &{
    use EntityKind::{BankAccount, CardCvv, CardExpiry, CardNumber, NationalId, Phone};
    [
        (CardNumber, "card"), (CardNumber, "cards"), (CardNumber, "visa"), (CardNumber, "mastercard"), (CardNumber, "amex"),
        (CardNumber, "tarjeta*"), (CardNumber, "karte*"), (CardNumber, "kreditkarte*"), (CardNumber, "kartennummer*"),
        (CardNumber, "carte*"), (CardNumber, "long number"), (CardNumber, "sixteen digits"), (CardNumber, "16 digits"),
        (CardCvv, "cvv"), (CardCvv, "cvc"), (CardCvv, "cvv2"), (CardCvv, "security code"), (CardCvv, "security number"), (CardCvv, "verification code"),
        (CardCvv, "three digits"), (CardCvv, "3 digits"), (CardCvv, "four digits on"), (CardCvv, "back of"), (CardCvv, "last three"),
        (CardCvv, "codigo de seguridad"), (CardCvv, "tres digitos"), (CardCvv, "tres numeros"), (CardCvv, "reverso"),
        (CardCvv, "prufziffer*"), (CardCvv, "pruefziffer*"), (CardCvv, "sicherheitscode"), (CardCvv, "kartenprufnummer"), (CardCvv, "sicherheitsnummer"),
        (CardCvv, "prufnummer"), (CardCvv, "ruckseite"), (CardCvv, "cryptogramme"), (CardCvv, "code de securite"), (CardCvv, "trois chiffres"), (CardCvv, "dos de"), (CardCvv, "au dos"),
        (CardExpiry, "expir*"), (CardExpiry, "expiry"), (CardExpiry, "valid until"), (CardExpiry, "valid thru"), (CardExpiry, "valid through"), (CardExpiry, "good through"),
        (CardExpiry, "caduc*"), (CardExpiry, "vencimiento"), (CardExpiry, "vence"), (CardExpiry, "gultig*"), (CardExpiry, "ablauf*"),
        (CardExpiry, "lauft ab"), (CardExpiry, "verfall*"), (CardExpiry, "validite"), (CardExpiry, "valable"),
        (NationalId, "social security"), (NationalId, "social"), (NationalId, "ssn"), (NationalId, "national insurance"), (NationalId, "ni number"),
        (NationalId, "tax id"), (NationalId, "tax identification"), (NationalId, "passport"), (NationalId, "dni"), (NationalId, "nie"),
        (NationalId, "seguridad social"), (NationalId, "documento"), (NationalId, "pasaporte"), (NationalId, "steuer*"), (NationalId, "identifikationsnummer"),
        (NationalId, "sozialversicherung*"), (NationalId, "ausweis*"), (NationalId, "personalausweis*"), (NationalId, "securite sociale"), (NationalId, "nir"),
        (NationalId, "carte vitale"), (NationalId, "passeport"),
        (BankAccount, "account"), (BankAccount, "routing"), (BankAccount, "sort code"), (BankAccount, "iban"), (BankAccount, "konto*"), (BankAccount, "kontonummer"),
        (BankAccount, "bankleitzahl"), (BankAccount, "blz"), (BankAccount, "cuenta"), (BankAccount, "compte"), (BankAccount, "rib"),
        (Phone, "phone"), (Phone, "telephone"), (Phone, "mobile"), (Phone, "cell"), (Phone, "call me"), (Phone, "call you back"), (Phone, "reach me"), (Phone, "reach you"), (Phone, "callback"),
        (Phone, "telefono"), (Phone, "movil"), (Phone, "celular"), (Phone, "llamarme"), (Phone, "telefon*"), (Phone, "handy*"), (Phone, "mobil*"), (Phone, "ruckruf*"),
        (Phone, "erreichen"), (Phone, "portable"), (Phone, "joindre"), (Phone, "rappeler"),
    ]
};
