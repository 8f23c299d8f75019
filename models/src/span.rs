//! What both recognisers agree on before they hear a span: bounds, padding, the size of the context. In: a span's samples.
//! Out: samples and numbers. Fails: [`RecognizeError::Engine`] for a span longer than the window.

use pipeline::recognizer::{MAX_SPAN_MS, RecognizeError, Request, SAMPLE_RATE_HZ};

use crate::ggml::AUDIO_POSITIONS;

/// One encoder position covers two mel frames of 10 ms.
pub(crate) const SAMPLES_PER_POSITION: usize = 320;
pub(crate) const MS_PER_POSITION: u64 = 20;
/// whisper.cpp before 1.9.3 reads past buffers below 201 samples and refuses below 100 ms; one second is safely more.
const MIN_ENGINE_SAMPLES: usize = SAMPLE_RATE_HZ as usize;
/// No word is shorter, so nothing shorter is asked of a model.
const MIN_SPAN_MS: u64 = 100;
/// The least context, 10 s. In less, a short span is written down twice or more: on 40 spans below 6 s, tiny.en inserts
/// 42 words with 300 positions, 18 with 400, 5 with 500 and 6 with 650.
const MIN_POSITIONS: usize = 500;
/// OpenAI's budget: half of the text window, less the marker that starts it.
pub(crate) const MAX_PROMPT_TOKENS: usize = 223;
/// whisper.cpp stops by itself at 220 and then counts the span as failed.
pub(crate) const MAX_TEXT_TOKENS: u32 = 200;

/// Whether a span is long enough for a word.
///
/// # Errors
/// It is longer than the model's window.
pub(crate) fn is_audible(pcm: &[f32]) -> Result<bool, RecognizeError> {
    let span_ms = duration_ms(pcm);
    if span_ms > MAX_SPAN_MS {
        let reason = format!("the span is {span_ms} ms long, the window {MAX_SPAN_MS} ms");
        return Err(RecognizeError::Engine(reason));
    }
    Ok(span_ms >= MIN_SPAN_MS)
}

pub(crate) fn duration_ms(pcm: &[f32]) -> u64 {
    pcm.len() as u64 * 1000 / u64::from(SAMPLE_RATE_HZ)
}

/// Of the span without the silence that fills it up.
pub(crate) fn spoken_ms(request: &Request<'_>) -> u64 {
    let spoken = request.spoken.min(request.pcm.len());
    duration_ms(&request.pcm[..spoken])
}

/// The span with silence after it where it is too short, and without anything that is no number.
pub(crate) fn padded(pcm: &[f32]) -> Vec<f32> {
    let mut samples: Vec<f32> = pcm
        .iter()
        .map(|s| {
            if s.is_finite() {
                s.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        })
        .collect();
    samples.resize(samples.len().max(MIN_ENGINE_SAMPLES), 0.0);
    samples
}

/// Encoder positions for a span with `margin` of silence after it: its cost follows the speech, not the 30 s window.
pub(crate) fn fitted_positions(samples: usize, margin: usize) -> usize {
    let window = usize::try_from(AUDIO_POSITIONS).expect("a positive constant");
    let spoken = samples.div_ceil(SAMPLES_PER_POSITION);
    (spoken + margin).max(MIN_POSITIONS).min(window)
}

pub(crate) fn mean(values: &[f32]) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f32>() / values.len() as f32
}
