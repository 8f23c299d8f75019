//! What words match: each kind of term against words as transcripts have them.

use job_schema::analysis::{Inexact, Likeness, Outcome};
use job_schema::job::Role;

use crate::call::{Say, call, outcome, result};

fn is_said(said: &str, query: &str) -> bool {
    let call = call(&[Role::Agent]).say(0, 0, said);
    match outcome(&call, &format!("query = '''{query}'''")) {
        Outcome::True => true,
        Outcome::False => false,
        Outcome::Inconclusive => panic!("{query}: heard, but inconclusive"),
    }
}

#[test]
fn terms_match_words_as_people_say_them() {
    let table = [
        // Words side by side: in order, at most five others between.
        ("cancel my service plan", "cancel plan", true),
        ("cancel a b c d e plan", "cancel plan", true),
        ("cancel a b c d e f plan", "cancel plan", false),
        ("plan to cancel", "cancel plan", false),
        ("cancel my service plan", "\"cancel plan\"", false),
        ("Cancel my service plan.", "\"MY SERVICE\"", true),
        // Apostrophes, hyphens, words written as one or as two.
        ("I don\u{2019}t know", "\"dont know\"", true),
        ("I dont know", "\"don't know\"", true),
        ("we were there", "\"we're there\"", false),
        ("leave a voicemail", "\"voice mail\"", true),
        ("leave a voicemail", "voice mail", true),
        ("leave a voice mail", "voicemail", true),
        ("leave a voice-mail", "voicemail", true),
        ("leave a voicemail", "voice-mail", true),
        ("leave a voice mail box", "\"a voicemail box\"", true),
        ("leave a voicemailbox", "a voice mail", false),
        // Numbers in words or digits.
        ("within twenty four hours", "\"24 hours\"", true),
        ("within 24 hours", "\"twenty-four hours\"", true),
        ("call two four 7", "247", true),
        ("within 124 hours", "24", false),
        ("one hundred and five", "5", false),
        ("it costs 1,000 dollars", "\"one thousand dollars\"", true),
        ("ending in two five oh 7", "\"ending in [num]\"", true),
        ("ending in two five oh 7", "[num:4]", true),
        ("ending in two five oh 7", "[num:1-3]", false),
        ("ending in Paris", "[num]", false),
        // Wildcards, alternatives, forms.
        ("your shipment left", "ship*", true),
        ("your friendship ends", "ship*", false),
        ("your friendship ends", "*ship", true),
        ("cancel the old plan", "\"cancel (my|the old) plan\"", true),
        ("cancel your plan", "\"cancel (my|the old) plan\"", false),
        ("I was cancelling", "forms:cancel", true),
        ("I was cancelling", "cancel", false),
        ("two companies", "forms:company", true),
        ("I paid twice", "\"forms:pay twice\"", true),
        // Regular expressions match one whole word.
        ("code ab12 please", "R\"[a-z]{2}[0-9]+\"", true),
        ("code xab12 please", "R\"[a-z]{2}[0-9]+\"", false),
        // Misheard words, marked.
        ("a refumd please", "refund~1", true),
        ("a refumd please", "refund", false),
        ("mister smyth", "sounds:smith", true),
        ("mister smyth", "smith", false),
        ("STRASSE", "straße", true),
    ];
    for (said, query, expected) in table {
        assert_eq!(is_said(said, query), expected, "`{query}` in `{said}`");
    }
}

#[test]
fn lists_are_written_once_and_used_by_name() {
    let call = call(&[Role::Agent]).say(0, 0, "we are better than pipe masters");
    let rules = "[lists]\nrivals = [\"riverside\", \"pipe masters\"]\nall = [\"list:rivals\", \"acme\"]\n\
                 [[rule]]\nname = \"a\"\nquery = 'list:rivals'\n\
                 [[rule]]\nname = \"b\"\nquery = '\"better than list:all\"'\n\
                 [[rule]]\nname = \"c\"\nquery = '\"worse than list:all\"'";
    let score = crate::call::score(&call, rules);
    let outcomes: Vec<Outcome> = score.rules.iter().map(|rule| rule.outcome).collect();
    assert_eq!(outcomes, [Outcome::True, Outcome::True, Outcome::False]);
    assert_eq!(score.rules[0].hits[0].words, ["pipe", "masters"]);
    assert_eq!(score.rules[0].hits[0].phrase, "list:rivals");
}

#[test]
fn a_hit_says_how_far_its_words_are_from_the_rule_s() {
    let call = call(&[Role::Agent]).say(0, 0, "mister smyth wants a refumd and a refund");
    let inexact = |query: &str| -> Vec<Option<Inexact>> {
        let hits = result(&call, &format!("query = '{query}'")).hits;
        hits.into_iter().map(|hit| hit.inexact).collect()
    };
    let like = |how, distance| Some(Inexact { how, distance });
    assert_eq!(inexact("refund~1"), [like(Likeness::Fuzzy, 1), None]);
    assert_eq!(inexact("sounds:smith"), [like(Likeness::Phonetic, 1)]);
    assert_eq!(inexact("refund"), [None]);
}

#[test]
fn a_long_pause_ends_a_phrase_and_a_number() {
    let call = call(&[Role::Agent])
        .say(0, 0, "card four one")
        .say(0, 9_000, "seven now");
    let words = |query: &str| -> Vec<Vec<String>> {
        let hits = result(&call, &format!("query = '{query}'")).hits;
        hits.into_iter().map(|hit| hit.words).collect()
    };
    assert_eq!(words("[num]"), [vec!["four", "one"], vec!["seven"]]);
    assert!(words("\"one seven\"").is_empty());
    assert_eq!(
        words("one now").len(),
        1,
        "nearness counts words and not time"
    );
}
