//! One call, from bytes to span results. In: a recording's file and what to do with it. Out: progress, waveform peaks and
//! the results of each speech span, in an order that depends on the recording alone; at the end what was measured. Fails:
//! a [`Failure`] with its code. Works in windows, so that memory does not grow with the call.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use job_schema::engine::{CallSpec, CallSummary, PeaksChunk, Progress, SpanResult, Timings};
use job_schema::transcript::DecodedAudio;
use job_schema::{ErrorCode, Failure};

use crate::call::Call;
use crate::language::Languages;
use crate::recognizer::AbortFlag;
use crate::resample::ResampleError;
use crate::slots::SlotPool;
use crate::source::{Source, declared_ms, likely_ms};
use crate::spans::SpanQueue;
use crate::timing::elapsed_us;
use crate::vocabulary::Terms;

#[derive(Debug)]
pub enum Output {
    Progress(Progress),
    Span(SpanResult),
    Peaks(PeaksChunk),
}

#[derive(Debug)]
pub enum Ended {
    Done(Box<CallSummary>),
    /// On request: so many spans, the skipped ones included, are finished.
    Stopped {
        spans_count: u64,
    },
}

/// How a run is ended early from another thread.
#[derive(Debug, Clone, Default)]
pub struct Control {
    /// Finish the spans in hand and stop.
    pub stop: AbortFlag,
    /// Drop everything at once.
    pub abort: AbortFlag,
}

/// # Errors
/// The recording cannot be decoded, the model does not know the language, a slot fails, or `control.abort` was raised.
pub fn run(
    recording: File,
    spec: &CallSpec,
    slots: &SlotPool,
    control: &Control,
    sink: &mut dyn FnMut(Output),
) -> Result<Ended, Failure> {
    let started = Instant::now();
    let mut source = Source::open(recording, spec)?;
    let format = source.decoder.format().clone();
    let mut call =
        Call::new(format.sample_rate_hz, format.channels_count).map_err(resample_failure)?;
    let channels_count = usize::from(format.channels_count);
    let mut languages = Languages::new(spec, slots.model(), channels_count)?;
    let terms: Vec<Arc<Terms>> = (0..channels_count)
        .map(|index| Arc::new(Terms::of_channel(spec, index)))
        .collect();
    let mut queue = SpanQueue::new(slots, &control.abort, terms.clone(), spec.skip_spans_count);

    loop {
        if control.stop.is_raised() {
            return stop(queue, sink);
        }
        let window = source.next_window(&control.abort)?;
        window
            .peaks
            .into_iter()
            .map(Output::Peaks)
            .for_each(&mut *sink);
        let ended = window.block.frames() == 0;
        let spans = if ended {
            call.finish()
        } else {
            call.hear(&window.block)
        };
        let spans = spans.map_err(resample_failure)?;
        let mut spans = languages.assign(spans, slots, &control.abort)?;
        if ended {
            spans.extend(languages.assign_rest()?);
        }
        let first_ms = spans.first().map(|(span, _)| span.span.start_ms);
        let waiting_ms = first_ms.or(languages.oldest_ms());
        sink(progress(&source, &call, queue.oldest_ms().or(waiting_ms)));
        for span in spans {
            if control.stop.is_raised() {
                return stop(queue, sink);
            }
            if let Some(result) = queue.push(span)? {
                sink(Output::Span(result));
                let unfinished_ms = queue.oldest_ms().or(languages.oldest_ms());
                sink(progress(&source, &call, unfinished_ms));
            }
        }
        if ended {
            break;
        }
    }
    queue.finish();
    while let Some(result) = queue.next()? {
        sink(Output::Span(result));
        sink(progress(&source, &call, queue.oldest_ms()));
    }
    sink(progress(&source, &call, Some(call.duration_ms())));
    let mut summary = summarize(&source, &call, &languages, &queue, spec);
    for (channel, terms) in summary.channels.iter_mut().zip(terms) {
        channel.vocabulary = terms.record();
    }
    summary.timings.wall_us = elapsed_us(started);
    Ok(Ended::Done(Box::new(summary)))
}

fn resample_failure(error: ResampleError) -> Failure {
    let code = match &error {
        ResampleError::Construct { .. } => ErrorCode::UnsupportedLayout,
        ResampleError::Process(_) => ErrorCode::Internal,
    };
    Failure::new(code, error.to_string())
}

/// Finishes the spans that slots have in hand.
fn stop(mut queue: SpanQueue<'_>, sink: &mut dyn FnMut(Output)) -> Result<Ended, Failure> {
    queue.stop();
    while let Some(result) = queue.next()? {
        sink(Output::Span(result));
    }
    Ok(Ended::Stopped {
        spans_count: queue.finished_count(),
    })
}

/// `unfinished_ms` is where the first unfinished span begins, if there is one.
fn progress(source: &Source, call: &Call, unfinished_ms: Option<u64>) -> Output {
    Output::Progress(Progress {
        finished_ms: unfinished_ms
            .unwrap_or(call.horizon_ms())
            .min(call.duration_ms()),
        decoded_ms: call.duration_ms(),
        total_ms: likely_ms(source.decoder.format()),
    })
}

fn summarize(
    source: &Source,
    call: &Call,
    languages: &Languages,
    queue: &SpanQueue<'_>,
    spec: &CallSpec,
) -> CallSummary {
    let format = source.decoder.format();
    let mut timings = Timings {
        decode_us: source.decode_us,
        recognize_us: queue.recognize_us(),
        ..Timings::default()
    };
    call.add_timings(&mut timings);
    let mut warnings = source.decoder.damage().warnings();
    warnings.extend(call.warnings(&spec.channel_roles));
    CallSummary {
        audio: DecodedAudio {
            container: format.container.clone(),
            codec: format.codec.clone(),
            sample_rate_hz: format.sample_rate_hz,
            channels_count: format.channels_count,
            duration_ms: call.duration_ms(),
            declared_duration_ms: declared_ms(format),
        },
        channels: call.facts(&spec.channel_roles, languages),
        warnings,
        timings,
        spans_count: queue.finished_count(),
    }
}

#[cfg(test)]
mod tests;
