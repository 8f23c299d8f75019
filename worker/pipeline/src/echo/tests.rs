use super::*;
use crate::legs::tests::talk;

const SECONDS: usize = 20;

fn late(samples: &[f32], by: usize, gain: f32) -> Vec<f32> {
    let silence = std::iter::repeat_n(0.0, by);
    let shifted = silence.chain(samples.iter().map(|s| gain * s));
    shifted.take(samples.len()).collect()
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    std::iter::zip(a, b).map(|(x, y)| x + y).collect()
}

fn level(samples: &[f32]) -> f32 {
    levels_db(samples, samples.len())[0]
}

fn pair<'a>(talker: &'a [f32], listener: &'a [f32]) -> Pair<'a> {
    Pair {
        talker,
        listener,
        talking_dbfs: -45.0,
        softer_db: 6.0,
    }
}

#[test]
fn an_echo_by_two_ways_is_predicted_to_a_hundredth_of_its_power() {
    for delay in [0, 7, 384, 1_900] {
        let talker = talk(1, SECONDS);
        let echo = sum(
            &late(&talker, delay, 0.2),
            &late(&talker, delay + 160, -0.07),
        );
        let line: Vec<f32> = talk(9, SECONDS).iter().map(|s| s * 0.001).collect();
        let listener = sum(&echo, &line);
        let path = EchoPath::measure(pair(&talker, &listener)).expect("an echo");
        assert!(path.depth_db > 20.0, "{delay}: {}", path.depth_db);
        let rest = sum(&listener, &late(&path.echo(&[], &talker), 0, -1.0));
        let gained = level(&listener[8_000..]) - level(&rest[8_000..]);
        assert!(gained > 20.0, "{delay}: {gained}");
    }
}

#[test]
fn the_window_before_is_part_of_the_source() {
    let talker = talk(1, SECONDS);
    let listener = late(&talker, 500, 0.2);
    let path = EchoPath::measure(pair(&talker, &listener)).expect("an echo");
    let at = 160_000;
    let echo = path.echo(&talker[..at], &talker[at..]);
    let rest = sum(&listener[at..], &late(&echo, 0, -1.0));
    let gained = level(&listener[at..at + 4_000]) - level(&rest[..4_000]);
    assert!(gained > 20.0, "{gained}");
}

#[test]
fn two_who_talk_are_no_echo_of_each_other() {
    let (talker, other) = (talk(1, SECONDS), talk(2, SECONDS));
    let softer: Vec<f32> = other.iter().map(|s| s * 0.1).collect();
    assert_eq!(EchoPath::measure(pair(&talker, &softer)), None);
    assert_eq!(EchoPath::measure(pair(&[], &[])), None);
}
