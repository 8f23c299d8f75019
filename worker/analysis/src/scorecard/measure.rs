//! Measures that questions may ask for, by name: `talk_percent.agent`, `interruptions.agent`, `longest_silence_s` … In: a name, or
//! a conversation. Out: the measure, or its value: none where nobody has the role, or where there was no talk to measure.

use std::str::FromStr;
use std::time::Duration;

use job_schema::analysis::Conversation;
use job_schema::job::Role;
use job_schema::sentiment::RoleSentiment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A side's share of all talk.
    TalkPercent(Role),
    WordsPerMinute(Role),
    /// Made by this side.
    Interruptions(Role),
    /// Suffered by this side.
    Interrupted(Role),
    OverlapPercent,
    LongestSilenceS,
    SilencePercent,
    DurationS,
    /// From -5 to 5.
    Sentiment(Role),
    /// Of this side's turns.
    PositivePercent(Role),
    NegativePercent(Role),
}

pub(super) const NAMES: &str = "talk_percent.ROLE, words_per_minute.ROLE, interruptions.ROLE, interrupted.ROLE, sentiment.ROLE, \
                                positive_percent.ROLE, negative_percent.ROLE, overlap_percent, longest_silence_s, silence_percent or duration_s";

impl FromStr for Measure {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, role) = match text.split_once('.') {
            Some((name, role)) => (name, Some(role.parse::<Role>().map_err(|_| ())?)),
            None => (text, None),
        };
        Ok(match (name, role) {
            ("talk_percent", Some(role)) => Measure::TalkPercent(role),
            ("words_per_minute", Some(role)) => Measure::WordsPerMinute(role),
            ("interruptions", Some(role)) => Measure::Interruptions(role),
            ("interrupted", Some(role)) => Measure::Interrupted(role),
            ("sentiment", Some(role)) => Measure::Sentiment(role),
            ("positive_percent", Some(role)) => Measure::PositivePercent(role),
            ("negative_percent", Some(role)) => Measure::NegativePercent(role),
            ("overlap_percent", None) => Measure::OverlapPercent,
            ("longest_silence_s", None) => Measure::LongestSilenceS,
            ("silence_percent", None) => Measure::SilencePercent,
            ("duration_s", None) => Measure::DurationS,
            _ => return Err(()),
        })
    }
}

impl Measure {
    pub(super) fn of(self, conversation: &Conversation) -> Option<f64> {
        let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64();
        let percent =
            |part: u64, whole: u64| (whole > 0).then(|| seconds(part) / seconds(whole) * 100.0);
        let channels = |role: Role| conversation.channels.iter().filter(move |c| c.role == role);
        let plays = |channel: u16, role: Role| channels(role).any(|c| c.channel == channel);
        let sentiment = |role: Role| {
            let roles = &conversation.sentiment.as_ref()?.roles;
            roles.iter().find(|of| of.role == role)
        };
        let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        match self {
            Measure::TalkPercent(role) => {
                channels(role).next()?;
                let all = conversation.channels.iter().map(|c| c.talk_ms).sum();
                percent(channels(role).map(|c| c.talk_ms).sum(), all)
            }
            Measure::WordsPerMinute(role) => {
                let words: u32 = channels(role).map(|c| c.words_count).sum();
                let talk_ms: u64 = channels(role).map(|c| c.talk_ms).sum();
                (talk_ms > 0).then(|| f64::from(words) / seconds(talk_ms) * 60.0)
            }
            Measure::Interruptions(role) => {
                channels(role).next()?;
                let made = conversation.interruptions.iter();
                Some(count(
                    made.filter(|i| plays(i.interrupter_channel, role)).count(),
                ))
            }
            Measure::Interrupted(role) => {
                channels(role).next()?;
                let suffered = conversation.interruptions.iter();
                Some(count(
                    suffered
                        .filter(|i| plays(i.interrupted_channel, role))
                        .count(),
                ))
            }
            Measure::OverlapPercent => {
                percent(conversation.overlap.total_ms, conversation.duration_ms)
            }
            Measure::LongestSilenceS => {
                // Shorter silences are not listed, and then none of them is the longest worth asking for.
                let longest = conversation
                    .non_talk
                    .gaps
                    .iter()
                    .map(|gap| gap.duration_ms())
                    .max();
                Some(seconds(longest.unwrap_or(0)))
            }
            Measure::SilencePercent => {
                percent(conversation.non_talk.total_ms, conversation.duration_ms)
            }
            Measure::DurationS => Some(seconds(conversation.duration_ms)),
            Measure::Sentiment(role) => {
                // Through its decimal: a value made directly would show the noise of an f32 in an f64.
                sentiment(role).map(|of| (f64::from(of.score) * 10.0).round() / 10.0)
            }
            Measure::PositivePercent(role) => {
                sentiment(role).map(|of| turns_percent(of.positive_count, of))
            }
            Measure::NegativePercent(role) => {
                sentiment(role).map(|of| turns_percent(of.negative_count, of))
            }
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Measure::TalkPercent(role) => format!("talk_percent.{}", role.as_str()),
            Measure::WordsPerMinute(role) => format!("words_per_minute.{}", role.as_str()),
            Measure::Interruptions(role) => format!("interruptions.{}", role.as_str()),
            Measure::Interrupted(role) => format!("interrupted.{}", role.as_str()),
            Measure::OverlapPercent => "overlap_percent".into(),
            Measure::LongestSilenceS => "longest_silence_s".into(),
            Measure::SilencePercent => "silence_percent".into(),
            Measure::DurationS => "duration_s".into(),
            Measure::Sentiment(role) => format!("sentiment.{}", role.as_str()),
            Measure::PositivePercent(role) => format!("positive_percent.{}", role.as_str()),
            Measure::NegativePercent(role) => format!("negative_percent.{}", role.as_str()),
        }
    }
}

fn turns_percent(count: u32, of: &RoleSentiment) -> f64 {
    f64::from(count) * 100.0 / f64::from(of.turns_count.max(1))
}
