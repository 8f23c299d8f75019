//! Strict readers for what we write of WebVTT and SubRip: anything out of place fails the test.

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cue {
    pub(crate) id: String,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) speaker: Option<String>,
    pub(crate) text: String,
}

pub(crate) fn read_vtt(document: &str) -> Vec<Cue> {
    let body = document.strip_prefix("WEBVTT\n").expect("the signature");
    blocks(body, '.')
        .into_iter()
        .map(|(id, (start_ms, end_ms), payload)| {
            let (speaker, text) = match payload.strip_prefix("<v ") {
                Some(rest) => {
                    let (name, text) = rest.split_once('>').expect("the tag's end");
                    (Some(unescape(name)), text)
                }
                None => (None, payload),
            };
            assert!(!text.contains(['<', '>']), "unescaped: {text}");
            Cue {
                id: id.to_owned(),
                start_ms,
                end_ms,
                speaker,
                text: unescape(text),
            }
        })
        .collect()
}

pub(crate) fn read_srt(document: &str) -> Vec<Cue> {
    blocks(document, ',')
        .into_iter()
        .map(|(id, (start_ms, end_ms), payload)| {
            let (speaker, text) = payload.split_once(": ").expect("a speaker");
            assert!(!text.contains(['<', '>']), "a tag in {text}");
            Cue {
                id: id.to_owned(),
                start_ms,
                end_ms,
                speaker: Some(speaker.to_owned()),
                text: text.to_owned(),
            }
        })
        .collect()
}

/// Blocks of three lines parted by empty lines: id, times, one line of text.
fn blocks(body: &str, mark: char) -> Vec<(&str, (u64, u64), &str)> {
    body.split("\n\n")
        .map(str::trim_ascii)
        .filter(|block| !block.is_empty())
        .map(|block| {
            let lines: Vec<&str> = block.split('\n').collect();
            let [id, times, payload] = lines.as_slice() else {
                panic!("not three lines: {block:?}")
            };
            let (start, end) = times.split_once(" --> ").expect("the arrow");
            (
                *id,
                (read_clock(start, mark), read_clock(end, mark)),
                *payload,
            )
        })
        .collect()
}

fn read_clock(clock: &str, mark: char) -> u64 {
    let (clock, millis) = clock.split_once(mark).expect("milliseconds");
    let parts: Vec<&str> = clock.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else {
        panic!("not a clock: {clock}")
    };
    assert!(hours.len() >= 2 && minutes.len() == 2 && seconds.len() == 2 && millis.len() == 3);
    let number = |digits: &str| digits.parse::<u64>().expect("digits");
    assert!(number(minutes) < 60 && number(seconds) < 60);
    ((number(hours) * 60 + number(minutes)) * 60 + number(seconds)) * 1_000 + number(millis)
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
