//! Mending of word times. In: a recogniser's words with rough times, and the stretches of speech that they were heard in.
//! Out: the same words in the same order with times that lie inside speech, run forwards, never overlap and are never
//! empty. Cannot fail. How: gaps are taken out of the time line, the order is made right there, the gaps are put back.

use job_schema::transcript::{TimeSpan, Word};

use crate::recognizer::RecognizedWord;

/// The shortest word that a reader can be shown: about one phone.
pub const MIN_WORD_MS: u64 = 40;

/// `speech` holds at least one millisecond for each word; words beyond that are dropped.
pub fn mend(words: &[RecognizedWord], span_start_ms: u64, speech: &[TimeSpan]) -> Vec<Word> {
    let line = SpeechLine::new(speech);
    let room = usize::try_from(line.length_ms).unwrap_or(usize::MAX);
    let words = &words[..words.len().min(room)];
    let Some(shortest) = line.length_ms.checked_div(words.len() as u64) else {
        return Vec::new();
    };
    let shortest = shortest.min(MIN_WORD_MS);
    let mut placed: Vec<TimeSpan> = words
        .iter()
        .map(|w| line.place(span_start_ms + w.start_ms, span_start_ms + w.end_ms))
        .collect();
    put_in_order(&mut placed, line.length_ms, shortest);
    std::iter::zip(words, placed)
        .map(|(word, at)| {
            let at = line.real(at);
            Word {
                text: word.text.clone(),
                start_ms: at.start_ms,
                end_ms: at.end_ms,
                confidence: word.probability.clamp(0.0, 1.0),
            }
        })
        .collect()
}

/// Starts at least `shortest` apart, and every end between its own start and the next.
fn put_in_order(placed: &mut [TimeSpan], length_ms: u64, shortest: u64) {
    let count = placed.len() as u64;
    let mut earliest = 0;
    for (i, word) in (0..).zip(placed.iter_mut()) {
        let latest = length_ms - (count - i) * shortest;
        word.start_ms = word.start_ms.max(earliest).min(latest);
        earliest = word.start_ms + shortest;
    }
    let mut limit = length_ms;
    for word in placed.iter_mut().rev() {
        word.end_ms = word.end_ms.max(word.start_ms + shortest).min(limit);
        limit = word.start_ms;
    }
}

/// The speech stretches joined end to end.
struct SpeechLine<'a> {
    /// Each with where it begins on the line.
    stretches: Vec<(u64, &'a TimeSpan)>,
    length_ms: u64,
}

impl<'a> SpeechLine<'a> {
    fn new(speech: &'a [TimeSpan]) -> Self {
        let mut length_ms = 0;
        let mut stretches = Vec::with_capacity(speech.len());
        for stretch in speech.iter().filter(|s| s.duration_ms() > 0) {
            stretches.push((length_ms, stretch));
            length_ms += stretch.duration_ms();
        }
        Self {
            stretches,
            length_ms,
        }
    }

    /// From real time onto the line. A word across a gap goes where more of it lies, a word inside a gap to its nearer edge.
    fn place(&self, start_ms: u64, end_ms: u64) -> TimeSpan {
        let word = TimeSpan { start_ms, end_ms };
        let distance =
            |s: &TimeSpan| s.start_ms.saturating_sub(end_ms) + start_ms.saturating_sub(s.end_ms);
        // The first of equals, so `min_by_key`.
        let best = self
            .stretches
            .iter()
            .min_by_key(|(_, s)| (std::cmp::Reverse(s.shared_ms(word)), distance(s)));
        let Some((offset, stretch)) = best else {
            return TimeSpan {
                start_ms: 0,
                end_ms: 0,
            };
        };
        // A word after all of the stretch's speech gets its last bit.
        let last_start = stretch.end_ms - MIN_WORD_MS.min(stretch.duration_ms());
        let on_line =
            |t: u64, latest: u64| offset + t.clamp(stretch.start_ms, latest) - stretch.start_ms;
        TimeSpan {
            start_ms: on_line(start_ms, last_start),
            end_ms: on_line(end_ms.max(start_ms), stretch.end_ms),
        }
    }

    /// Back to real time. A word that came to lie across a gap keeps its longer side.
    fn real(&self, at: TimeSpan) -> TimeSpan {
        let sides = self.stretches.iter().filter_map(|(offset, stretch)| {
            let start = at.start_ms.max(*offset);
            let end = at.end_ms.min(offset + stretch.duration_ms());
            (start < end).then(|| TimeSpan {
                start_ms: start - offset + stretch.start_ms,
                end_ms: end - offset + stretch.start_ms,
            })
        });
        sides
            .min_by_key(|side| std::cmp::Reverse(side.duration_ms()))
            .unwrap_or(at)
    }
}

#[cfg(test)]
mod tests;
