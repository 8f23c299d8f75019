#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers made here"
)]

use std::ops::Range;

use super::*;

/// Bursts of noise like syllables, different for each seed.
pub(crate) fn talk(seed: u32, seconds: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32
    };
    let mut samples = Vec::new();
    while samples.len() < seconds * 16_000 {
        let (length, loudness) = (800 + (random() * 3_000.0) as usize, random().powi(2) * 0.5);
        samples.extend((0..length).map(|_| loudness * (random() - 0.5)));
    }
    samples.truncate(seconds * 16_000);
    samples
}

fn mix(a: &[f32], gain: f32, b: &[f32]) -> Vec<f32> {
    std::iter::zip(a, b).map(|(x, y)| x * gain + y).collect()
}

#[test]
fn only_the_same_sound_counts_as_a_duplicate() {
    let (a, b, silence) = (talk(1, 20), talk(2, 20), vec![0.0; 320_000]);
    let [softer, faint] = [0.3, 1e-4].map(|gain| mix(&a, gain, &silence));
    let [a_shifted, b_shifted] = [&a, &b].map(|leg| leg.iter().map(|s| s + 0.9).collect());
    let cases = [
        ("two talkers", [&a, &b], None),
        ("the same", [&a, &a], Some(0)),
        ("the same, softer", [&a, &softer], Some(0)),
        ("a talker and silence", [&a, &silence], None),
        ("silence twice", [&silence, &silence], None),
        ("a faint sound twice", [&faint, &faint], Some(0)),
        (
            "two talkers with direct current",
            [&a_shifted, &b_shifted],
            None,
        ),
        (
            "the same, one with direct current",
            [&a, &a_shifted],
            Some(0),
        ),
    ];
    for (name, [left, right], expected) in cases {
        let mut legs = Legs::default();
        let expected = expected.map_or(Hearing::Own, Hearing::Repeats);
        // What nobody can hear makes no leg another's.
        let is_audible = levels_db(left, left.len())[0] > -80.0;
        let repeats = expected != Hearing::Own && is_audible;
        assert_eq!(
            legs.compare(&[left, right]),
            [Hearing::Own, expected],
            "{name}"
        );
        assert_eq!(legs.is_duplicate(1), repeats, "{name}");
        assert!(!legs.is_duplicate(0), "{name}");
    }
}

#[test]
fn a_soft_word_beside_the_same_loud_sound_is_its_legs_own() {
    const SECOND: usize = 16_000;
    let loud = talk(1, 40);
    let mut common = loud.clone();
    common.resize(60 * SECOND, 0.0);
    let mut with_word = common.clone();
    for (sample, word) in with_word[45 * SECOND..].iter_mut().zip(talk(2, 1)) {
        *sample += 0.1 * word;
    }
    let mut legs = Legs::default();
    let hearings = legs.compare(&[&common, &with_word]);
    let [Hearing::Own, Hearing::Beside(own)] = &hearings[..] else {
        unreachable!("{hearings:?}")
    };
    let hop = |second: usize| second * SECOND / HOP_SAMPLES;
    assert!(own.is_bleed[..hop(44)].iter().all(|is_bleed| *is_bleed));
    assert!(!own.is_bleed[hop(45)..hop(46)].contains(&true));
    assert!(!legs.is_duplicate(1));
    assert!(legs.warnings().is_empty(), "{:?}", legs.warnings());
    // In the other order the first leg has all of it, and the second nothing of its own.
    let hearings = Legs::default().compare(&[&with_word, &common]);
    let Hearing::Beside(own) = &hearings[1] else {
        unreachable!("{hearings:?}")
    };
    assert_eq!(own.pcm, common);
}

#[test]
fn bleed_is_found_with_its_level_and_its_direction() {
    for loudness in [1.0, 0.05] {
        let talk_of = |seed| mix(&talk(seed, 20), loudness, &vec![0.0; 320_000]);
        let (a, noise) = (talk_of(1), talk_of(7));
        let line: Vec<f32> = noise.iter().map(|s| s * 0.0005).collect();
        let mut late = vec![0.0; 320];
        late.extend(&a[..a.len() - 320]);
        let echo = mix(&late, 0.1, &line);
        let mut legs = Legs::default();
        legs.compare(&[&a, &echo]);
        let warnings = legs.warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(
            (warnings[0].code, warnings[0].channel),
            (WarningCode::Bleed, Some(1))
        );
        assert!(
            warnings[0].detail.contains("channel 0") && warnings[0].detail.contains("-2"),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_channel_keeps_its_own_sound_and_loses_the_others() {
    // For 12 s only the agent is heard.
    let (agent, mut answer) = (talk(1, 20), talk(3, 20));
    answer[..192_000].fill(0.0);
    let customer = mix(&agent, 0.2, &answer);
    let hearings = Legs::default().compare(&[&agent, &customer]);
    let Hearing::Beside(own) = &hearings[1] else {
        panic!("no bleed found");
    };
    let level = |pcm: &[f32]| levels_db(pcm, pcm.len())[0];
    let error = mix(&answer, -1.0, &own.pcm);
    assert!(level(&error) < level(&customer) - 20.0);
}

#[test]
fn two_talkers_at_once_are_no_bleed() {
    let (a, b) = (talk(1, 20), talk(2, 20));
    let mut legs = Legs::default();
    legs.compare(&[&a, &b]);
    legs.compare(&[&[], &[]]);
    assert_eq!(legs.warnings(), []);
}

#[test]
fn what_bleeds_over_is_not_heard_and_what_is_said_there_is() {
    // The customer answers after 12 s, in part while the agent still talks.
    let (agent, line) = (talk(1, 20), talk(7, 20));
    let answer: Vec<f32> = std::iter::repeat_n(0.0, 12 * 16_000)
        .chain(talk(3, 8))
        .collect();
    let customer = mix(&agent, 0.05, &mix(&line, 0.0005, &answer));
    let mut legs = Legs::default();
    let hearings = legs.compare(&[&agent, &customer]);
    assert_eq!(hearings[0], Hearing::Own);
    let Hearing::Beside(Beside { is_bleed, .. }) = &hearings[1] else {
        panic!("no bleed found");
    };
    let share = |hops: Range<usize>| {
        let marked = is_bleed[hops.clone()].iter().filter(|b| **b).count();
        marked as f32 / hops.len() as f32
    };
    let talking = envelope_db(&agent);
    let threshold = talking_dbfs(&talking);
    let quiet = talking.iter().filter(|db| **db < threshold).count() as f32;
    let quiet = quiet / talking.len() as f32;
    assert!(share(0..750) >= 1.0 - quiet - 0.05, "{}", share(0..750));
    assert!(share(750..1_250) < 0.35, "{}", share(750..1_250));
}

#[test]
fn one_syllable_of_anothers_voice_is_found_by_its_waveform() {
    let (agent, line, own) = (talk(1, 20), talk(7, 20), talk(3, 2));
    // 20 ms late, for half a second; later the customer says something while the agent talks.
    let mut customer: Vec<f32> = line.iter().map(|s| s * 0.0005).collect();
    let leaked = 64_000..72_000;
    for at in leaked.clone() {
        customer[at] += 0.06 * agent[at - 320];
    }
    for (sample, own) in customer[160_000..].iter_mut().zip(&own) {
        *sample += 0.1 * own;
    }
    let mut legs = Legs::default();
    let hearings = legs.compare(&[&agent, &customer]);
    assert_eq!(
        (hearings[0].clone(), legs.warnings()),
        (Hearing::Own, Vec::new())
    );
    let Hearing::Beside(beside) = &hearings[1] else {
        panic!("no copy found");
    };
    assert!(beside.pcm == customer);
    let hops = leaked.start / HOP_SAMPLES..leaked.end / HOP_SAMPLES;
    assert!(beside.is_bleed[hops.clone()].iter().all(|copied| *copied));
    // A frame reaches so far beyond.
    let beyond = 16;
    let outside = |hop: &usize| !(hops.start - beyond..hops.end + beyond).contains(hop);
    let marked = (0..beside.is_bleed.len()).filter(|hop| beside.is_bleed[*hop]);
    assert_eq!(marked.filter(outside).count(), 0);
}

#[test]
fn a_window_too_short_to_tell_is_judged_by_those_before() {
    let (agent, line) = (talk(1, 20), talk(7, 20));
    let customer = mix(&agent, 0.05, &mix(&line, 0.005, &vec![0.0; 320_000]));
    let (agent_last, customer_last) = (&agent[..16_000], &customer[..16_000]);
    // By itself the window tells that it is a copy, but not how to take it out.
    let is_mended = |hearing: &Hearing| match hearing {
        Hearing::Beside(beside) => beside.pcm != customer_last,
        _ => panic!("a copy is not told"),
    };
    let alone = Legs::default().compare(&[agent_last, customer_last]);
    assert!(!is_mended(&alone[1]));
    let mut legs = Legs::default();
    legs.compare(&[&agent, &customer]);
    let after = legs.compare(&[agent_last, customer_last]);
    assert!(is_mended(&after[1]));
}
