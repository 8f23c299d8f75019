//! One channel of a call, heard window by window. In: samples at the recording's rate. Out: spans to recognise, each
//! with its own 16 kHz samples, and at the end what was measured. Fails only on a rate that cannot be resampled. Keeps no
//! more sound than one window and the span that is still growing.

use std::ops::Range;

use job_schema::engine::Timings;
use job_schema::transcript::{NonSpeech, TimeSpan};

use crate::legs::Beside;
use crate::loudness::Loudness;
use crate::nonspeech::{label, speech_within};
use crate::plan::{PlannedSpan, Planner};
use crate::resample::{ResampleError, Resampler};
use crate::sound::{HOPS_PER_STEP, STEP_SAMPLES, Sound, SoundMeter};
use crate::stretches::Stretches;
use crate::timing::add_elapsed;
use crate::voice::{HOP_MS, HOP_SAMPLES, VoiceActivity};

/// A leg with less sound than this is empty: a click or two.
const EMPTY_STEPS: usize = 6;

/// A planned span with its sound, ready for a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardSpan {
    pub channel: u16,
    /// What the model hears, padding included.
    pub span: TimeSpan,
    /// The speech inside, in order: words belong here.
    pub speech: Vec<TimeSpan>,
    pub pcm: Vec<f32>,
}

/// The listening state of one channel.
#[derive(Debug)]
pub struct ChannelListener {
    index: u16,
    resampler: Resampler,
    voice: VoiceActivity,
    stretches: Stretches,
    meter: SoundMeter,
    /// One for every step heard: three bytes each, 340 KB for an hour.
    sounds: Vec<Sound>,
    /// Heard, but not a whole step yet.
    half_step: Vec<f32>,
    planner: Planner,
    /// 16 kHz samples from `first_hop` on.
    pcm: Vec<f32>,
    first_hop: u64,
    /// Hops that voice activity has seen.
    heard_hops: u64,
    planned: Vec<PlannedSpan>,
    pub speech: Vec<TimeSpan>,
    /// Sum of the squares of all samples in speech, and their count.
    speech_energy: f64,
    speech_samples: u64,
    pub timings: Timings,
}

impl ChannelListener {
    /// # Errors
    /// A rate that cannot be brought to 16 kHz.
    pub fn new(index: u16, rate_hz: u32) -> Result<Self, ResampleError> {
        Ok(Self {
            index,
            resampler: Resampler::new(rate_hz)?,
            voice: VoiceActivity::default(),
            stretches: Stretches::default(),
            meter: SoundMeter::default(),
            sounds: Vec::new(),
            half_step: Vec::with_capacity(STEP_SAMPLES),
            planner: Planner::default(),
            pcm: Vec::new(),
            first_hop: 0,
            heard_hops: 0,
            planned: Vec::new(),
            speech: Vec::new(),
            speech_energy: 0.0,
            speech_samples: 0,
            timings: Timings::default(),
        })
    }

    /// Takes the next samples of the recording, at its own rate.
    ///
    /// # Errors
    /// The resampler's.
    pub fn take(&mut self, samples: &[f32]) -> Result<(), ResampleError> {
        add_elapsed(&mut self.timings.resample_us, || {
            self.resampler.push(samples, &mut self.pcm)
        })
    }

    /// Takes the end of the recording: what the resampler still held, and silence up to a whole hop.
    ///
    /// # Errors
    /// The resampler's.
    pub fn take_end(&mut self) -> Result<(), ResampleError> {
        add_elapsed(&mut self.timings.resample_us, || {
            self.resampler.finish(&mut self.pcm)
        })?;
        let whole = self.pcm.len().next_multiple_of(HOP_SAMPLES);
        self.pcm.resize(whole, 0.0);
        Ok(())
    }

    /// The whole hops that were taken and not yet heard.
    pub fn unheard(&self) -> &[f32] {
        let heard = self.offset(self.heard_hops);
        let whole = self.pcm.len() / HOP_SAMPLES * HOP_SAMPLES;
        &self.pcm[heard..whole]
    }

    /// Listens to what was taken, but for the hops that are marked as another's voice.
    pub fn hear(&mut self, is_bleed: &[bool]) {
        let mut timings = std::mem::take(&mut self.timings);
        add_elapsed(&mut timings.voice_activity_us, || {
            let pcm = std::mem::take(&mut self.pcm);
            let (hops, _) = pcm[self.offset(self.heard_hops)..].as_chunks::<HOP_SAMPLES>();
            for (at, hop) in hops.iter().enumerate() {
                let heard = self.voice.probability(hop);
                let is_bleed = is_bleed.get(at).copied().unwrap_or(false);
                let probability = if is_bleed { 0.0 } else { heard };
                self.step(hop, probability);
            }
            self.pcm = pcm;
        });
        self.timings = timings;
    }

    /// Listens to what was taken, without what another channel has of it.
    pub(crate) fn hear_beside(&mut self, own: &Beside) {
        let unheard = self.offset(self.heard_hops);
        let whole = unheard + own.pcm.len();
        self.pcm[unheard..whole].copy_from_slice(&own.pcm);
        self.hear(&own.is_bleed);
    }

    /// Passes over what was taken: it is heard on another channel.
    pub fn pass_over(&mut self) {
        let hops = self.unheard().len() / HOP_SAMPLES;
        (0..hops).for_each(|_| self.step(&[0.0; HOP_SAMPLES], 0.0));
    }

    /// The spans that are ready, and forgets the sound that no later span can hold.
    pub fn spans(&mut self) -> Vec<HeardSpan> {
        if let Some(span) = self.planner.quiet_until(self.stretches.horizon()) {
            self.planned.push(span);
        }
        let planned = std::mem::take(&mut self.planned);
        let spans = planned.iter().map(|span| self.cut_out(span)).collect();
        let horizon = self.horizon_hop().max(self.first_hop);
        self.pcm.drain(..self.offset(horizon));
        self.first_hop = horizon;
        spans
    }

    /// The last spans of a recording of `duration_ms`.
    pub fn last_spans(&mut self, duration_ms: u64) -> Vec<HeardSpan> {
        let last = self.stretches.finish();
        let last = last.and_then(|stretch| self.without_music(&stretch));
        self.planned
            .extend(last.and_then(|stretch| self.planner.push(stretch)));
        self.planned.extend(self.planner.finish(self.heard_hops));
        let planned = std::mem::take(&mut self.planned);
        let mut spans: Vec<HeardSpan> = planned.iter().map(|span| self.cut_out(span)).collect();
        // The last hop was filled up with silence, which is no part of the recording.
        let clamp = |span: &mut TimeSpan| span.end_ms = span.end_ms.min(duration_ms);
        for span in &mut spans {
            clamp(&mut span.span);
            span.speech.iter_mut().for_each(clamp);
        }
        self.speech.iter_mut().for_each(clamp);
        spans
    }

    /// Nothing but silence or the noise of a line.
    pub fn is_empty(&self) -> bool {
        self.sounds
            .iter()
            .filter(|sound| sound.is_audible())
            .count()
            < EMPTY_STEPS
    }

    /// What is there where nobody speaks.
    pub fn non_speech(&self, duration_ms: u64) -> Vec<NonSpeech> {
        label(&self.sounds, &self.speech, duration_ms)
    }

    /// No span to come begins before this.
    pub fn horizon_ms(&self) -> u64 {
        self.horizon_hop() * HOP_MS
    }

    /// Root mean square over speech, in dB below full scale.
    pub fn speech_level_dbfs(&self) -> Option<f32> {
        let mean_square = self.speech_energy / self.speech_samples as f64;
        #[expect(clippy::cast_possible_truncation, reason = "decibels need no f64")]
        (self.speech_samples > 0).then(|| (10.0 * mean_square.max(1e-12).log10()) as f32)
    }

    fn step(&mut self, hop: &[f32; HOP_SAMPLES], probability: f32) {
        self.half_step.extend_from_slice(hop);
        if let Ok(step) = <&[f32; STEP_SAMPLES]>::try_from(self.half_step.as_slice()) {
            self.sounds.push(self.meter.hear(step));
            self.half_step.clear();
        }
        self.heard_hops += 1;
        let stretch = self.stretches.push(probability);
        let done = match stretch.and_then(|stretch| self.without_music(&stretch)) {
            Some(speech) => self.planner.push(speech),
            None => self.planner.quiet_until(self.stretches.horizon()),
        };
        self.planned.extend(done);
    }

    /// What is left of a stretch without the tones and the music that voice activity takes for voices.
    fn without_music(&self, stretch: &Range<u64>) -> Option<Range<u64>> {
        let step = |hop: u64| (count(hop) / HOPS_PER_STEP).min(self.sounds.len());
        let first = step(stretch.start);
        let speech = speech_within(&self.sounds[first..step(stretch.end)])?;
        let hop = |step: usize| ((first + step) * HOPS_PER_STEP) as u64;
        let end = if first + speech.end == step(stretch.end) {
            stretch.end
        } else {
            hop(speech.end)
        };
        Some(hop(speech.start).max(stretch.start)..end)
    }

    fn cut_out(&mut self, planned: &PlannedSpan) -> HeardSpan {
        let pcm = self.pcm[self.offset(planned.hops.start)..self.offset(planned.hops.end)].to_vec();
        for stretch in &planned.stretches {
            let samples = &self.pcm[self.offset(stretch.start)..self.offset(stretch.end)];
            self.speech_energy += samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
            self.speech_samples += samples.len() as u64;
        }
        let span = time_span(&planned.hops);
        let loudness = Loudness::of(&pcm, span.start_ms);
        let stretches = planned.stretches.iter().map(time_span);
        let speech: Vec<TimeSpan> = stretches.map(|s| loudness.trimmed(s)).collect();
        self.speech.extend(&speech);
        HeardSpan {
            channel: self.index,
            span,
            speech,
            pcm,
        }
    }

    fn horizon_hop(&self) -> u64 {
        self.planner.horizon(self.stretches.horizon())
    }

    /// Where a hop begins in `pcm`. Within one window and one span, so it fits.
    fn offset(&self, hop: u64) -> usize {
        count(hop - self.first_hop) * HOP_SAMPLES
    }
}

/// Hops of one call: what memory holds can be counted.
fn count(hops: u64) -> usize {
    usize::try_from(hops).unwrap_or(usize::MAX)
}

fn time_span(hops: &Range<u64>) -> TimeSpan {
    TimeSpan {
        start_ms: hops.start * HOP_MS,
        end_ms: hops.end * HOP_MS,
    }
}
