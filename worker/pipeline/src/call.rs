//! A call as it is heard: all channels, window by window. In: decoded windows. Out: spans to recognise in their final
//! order, which is by start and then by channel and depends on the recording alone; at the end the measured facts. Fails
//! only on a rate that cannot be resampled. Channels are worked on in parallel.

use job_schema::engine::Timings;
use job_schema::job::Role;
use job_schema::transcript::{ChannelFacts, ChannelStatus, Warning, WarningCode};
use rayon::prelude::*;

use crate::channel::{ChannelListener, HeardSpan};
use crate::decode::Block;
use crate::language::Languages;
use crate::legs::{Hearing, Legs};
use crate::resample::ResampleError;

#[derive(Debug)]
pub(crate) struct Call {
    channels: Vec<ChannelListener>,
    legs: Legs,
    /// Heard, but a span on another channel may still come before them.
    waiting: Vec<HeardSpan>,
    sample_rate_hz: u32,
    frames_count: u64,
}

impl Call {
    pub(crate) fn new(sample_rate_hz: u32, channels_count: u16) -> Result<Self, ResampleError> {
        let channels: Result<_, _> = (0..channels_count)
            .map(|i| ChannelListener::new(i, sample_rate_hz))
            .collect();
        Ok(Self {
            channels: channels?,
            legs: Legs::default(),
            waiting: Vec::new(),
            sample_rate_hz,
            frames_count: 0,
        })
    }

    /// Takes the next window: the same number of samples for each channel.
    pub(crate) fn hear(&mut self, window: &Block) -> Result<Vec<HeardSpan>, ResampleError> {
        self.frames_count += window.frames() as u64;
        self.channels
            .par_iter_mut()
            .zip(&window.channels)
            .try_for_each(|(channel, samples)| channel.take(samples))?;
        self.listen();
        for channel in &mut self.channels {
            self.waiting.extend(channel.spans());
        }
        let horizon_ms = self.horizon_ms();
        Ok(self.release(|span| span.span.start_ms < horizon_ms))
    }

    /// The recording has ended: all that is left.
    pub(crate) fn finish(&mut self) -> Result<Vec<HeardSpan>, ResampleError> {
        self.channels
            .par_iter_mut()
            .try_for_each(ChannelListener::take_end)?;
        self.listen();
        let duration_ms = self.duration_ms();
        for channel in &mut self.channels {
            self.waiting.extend(channel.last_spans(duration_ms));
        }
        Ok(self.release(|_| true))
    }

    pub(crate) fn duration_ms(&self) -> u64 {
        self.frames_count * 1_000 / u64::from(self.sample_rate_hz)
    }

    /// Everything that begins before this has been released.
    pub(crate) fn horizon_ms(&self) -> u64 {
        self.channels
            .iter()
            .map(ChannelListener::horizon_ms)
            .min()
            .unwrap_or(0)
    }

    pub(crate) fn add_timings(&self, timings: &mut Timings) {
        for channel in &self.channels {
            timings.resample_us += channel.timings.resample_us;
            timings.voice_activity_us += channel.timings.voice_activity_us;
        }
    }

    pub(crate) fn facts(&self, roles: &[Role], languages: &Languages) -> Vec<ChannelFacts> {
        let facts = |(index, channel): (u16, &ChannelListener)| ChannelFacts {
            index,
            role: roles
                .get(usize::from(index))
                .copied()
                .unwrap_or(Role::Unknown),
            status: self.status(index, channel),
            language: languages
                .of(index)
                .filter(|_| !channel.speech.is_empty())
                .cloned(),
            speech_ms: channel.speech.iter().map(|s| s.duration_ms()).sum(),
            speech_level_dbfs: channel.speech_level_dbfs(),
            speech_spans: channel.speech.clone(),
            non_speech: match self.status(index, channel) {
                // What is there is told of the other channel.
                ChannelStatus::DuplicateOfOther => Vec::new(),
                _ => channel.non_speech(self.duration_ms()),
            },
            vocabulary: None,
        };
        (0u16..).zip(&self.channels).map(facts).collect()
    }

    pub(crate) fn warnings(&self, roles: &[Role]) -> Vec<Warning> {
        let mut warnings = self.legs.warnings();
        let (named, found) = (roles.len(), self.channels.len());
        if named != 0 && named != found {
            warnings.push(Warning {
                code: WarningCode::RolesMismatch,
                detail: format!("{named} roles for {found} channels"),
                channel: None,
            });
        }
        warnings
    }

    fn status(&self, index: u16, channel: &ChannelListener) -> ChannelStatus {
        if self.legs.is_duplicate(usize::from(index)) {
            ChannelStatus::DuplicateOfOther
        } else if !channel.speech.is_empty() {
            ChannelStatus::Speech
        } else if channel.is_empty() {
            ChannelStatus::Empty
        } else {
            ChannelStatus::NoSpeech
        }
    }

    /// Each channel hears its own window, but for what another has as well.
    fn listen(&mut self) {
        let window: Vec<&[f32]> = self.channels.iter().map(ChannelListener::unheard).collect();
        let hearings = self.legs.compare(&window);
        self.channels
            .par_iter_mut()
            .zip(hearings)
            .for_each(|(channel, hearing)| match hearing {
                Hearing::Own => channel.hear(&[]),
                Hearing::Beside(own) => channel.hear_beside(&own),
                Hearing::Repeats(_) => channel.pass_over(),
            });
    }

    fn release(&mut self, ready: impl Fn(&HeardSpan) -> bool) -> Vec<HeardSpan> {
        let (mut released, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(ready);
        self.waiting = waiting;
        released.sort_by_key(|span: &HeardSpan| (span.span.start_ms, span.channel));
        released
    }
}
