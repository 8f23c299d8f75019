//! Calls in languages without blanks, whose words are tokens: numerals, Latin names, and a cue that is full.

use job_schema::job::{Format, Role};
use job_schema::transcript::Transcript;

use crate::call::{render, speech, transcript_in};

const FORMATS: [Format; 4] = [Format::Txt, Format::Vtt, Format::Srt, Format::VerboseJson];

fn call(language: &str, lines: &[(u16, u64, &str)]) -> Transcript {
    let spans = lines
        .iter()
        .map(|(channel, at_ms, text)| speech(*channel, *at_ms, text));
    let roles = [Role::Agent, Role::Customer];
    transcript_in(language, &roles, 60_000, spans.collect())
}

fn documents(call: &Transcript) -> String {
    FORMATS.map(|format| render(format, call)).join("\n----\n")
}

#[test]
fn japanese() {
    let call = call(
        "ja",
        &[
            (
                0,
                300,
                "お 電話 ありがとう ございます。 Northgate Plumbing の 鈴木 です。",
            ),
            (
                1,
                6_000,
                "はい、 3 日 前 に 予約 した 者 です が、 まだ 誰 も 来 て い ない ん です。",
            ),
            (0, 15_000, "それは 申し訳 ございません。"),
        ],
    );
    insta::assert_snapshot!(documents(&call));
}

#[test]
fn chinese() {
    let call = call(
        "zh",
        &[
            (0, 300, "您 好, 这里 是 Northgate 客服。"),
            (
                1,
                4_000,
                "你 好, 我 的 Apple Pay 用 不 了, 扣 了 100 块 钱。",
            ),
            (0, 12_000, "好 的, 请 稍 等。"),
        ],
    );
    insta::assert_snapshot!(documents(&call));
}

#[test]
fn each_channel_is_written_as_its_own_language_is() {
    let mut call = call("zh", &[(0, 300, "你 好")]);
    call.channels[0].facts.language = None;
    assert!(render(Format::Vtt, &call).contains("你 好"));
    let english = self::call("en", &[(0, 300, "you 好 吗")]);
    assert_eq!(english.turns[0].text, "you 好 吗");
}
