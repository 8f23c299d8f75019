//! Runs the pipeline over a set of recordings and writes what it heard, one JSON object a line. In: a folder with a
//! `manifest.jsonl` (path, kind, language, and where there is one a vocabulary), a ggml model. Out: `{"path", "channels":
//! [text], "seconds", …}`, for scoring against references; confidences are the model's own probabilities. Recordings that
//! fail are reported by name and left out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use job_schema::engine::{CallSpec, CallSummary, SpanResult};
use models::{NativeModel, WhisperModel};
use pipeline::{Control, Ended, ModelTraits, Output, Recognizer, SlotPool};
use serde_json::{Value, json};

const USAGE: &str = "transcribe_set SET_DIR MODEL OUT.jsonl native|whisper_cpp SLOTS [KIND,KIND…] \
                     [--no-hints | --among CODE,CODE…]

The languages of the manifest are kept back with --no-hints, so that they are detected, or detected among those named";
/// Kinds with a reference, or with nothing to hear.
const KINDS: &str = "read,noisy_speech,ivr_prompt,call_constructed,call,short_utterance,silence_padded,multilingual,\
                     longform,longform_constructed,codec_matrix,nonspeech";

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let candidates = detected_among(&mut arguments)?;
    let [set, model, out, recognizer, slots, kinds @ ..] = arguments.as_slice() else {
        bail!("usage: {USAGE}");
    };
    let kinds: Vec<&str> = kinds
        .first()
        .map_or(KINDS, String::as_str)
        .split(',')
        .collect();
    let set = Path::new(set);
    let slots_count = slots.parse().context("SLOTS")?;
    let (slots, languages) = load(recognizer, Path::new(model), slots_count)?;
    let manifest = BufReader::new(File::open(set.join("manifest.jsonl")).context("open manifest")?);
    let mut recordings = Vec::new();
    for line in manifest.lines() {
        let row: Value = serde_json::from_str(&line?).context("read manifest")?;
        let (Some(path), Some(kind)) = (row["path"].as_str(), row["kind"].as_str()) else {
            bail!("manifest row without path or kind");
        };
        let language = row["language"].as_str().filter(|code| *code != "mul");
        let known = language.is_none_or(|code| languages.iter().any(|l| l == code));
        if !kinds.contains(&kind) || !known {
            continue;
        }
        let vocabulary = row.get("vocabulary").cloned().map(serde_json::from_value);
        let spec = CallSpec {
            language: language.filter(|_| candidates.is_none()).map(str::to_owned),
            languages: candidates.clone().unwrap_or_default(),
            vocabulary: vocabulary
                .transpose()
                .context("read vocabulary")?
                .unwrap_or_default(),
            ..CallSpec::default()
        };
        recordings.push((path.to_owned(), spec));
    }
    let mut out = File::create(out).context("create output")?;
    hear(&recordings, set, &slots, slots_count, |path, heard| {
        match heard {
            Ok(Value::Object(mut heard)) => {
                heard.insert("path".into(), path.into());
                writeln!(out, "{}", Value::Object(heard))?;
            }
            Ok(_) => bail!("a result is an object"),
            Err(error) => eprintln!("{path}: {error:#}"),
        }
        Ok(())
    })
}

/// Hears as many recordings at once as there are slots, since a short one keeps only one of them busy, and hands them on in
/// the order of the set.
fn hear(
    recordings: &[(String, CallSpec)],
    set: &Path,
    slots: &SlotPool,
    at_once: usize,
    mut take: impl FnMut(&str, Result<Value>) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..at_once {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((path, spec)) = recordings.get(at) else {
                        break;
                    };
                    let heard = transcribe(&set.join(path), spec.clone(), slots);
                    if sender.send((at, heard)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut taken = 0;
        for (at, heard) in receiver {
            waiting.insert(at, heard);
            while let Some(heard) = waiting.remove(&taken) {
                take(&recordings[taken].0, heard)?;
                taken += 1;
            }
        }
        Ok(())
    })
}

/// The candidates where languages are to be detected: empty for any.
fn detected_among(arguments: &mut Vec<String>) -> Result<Option<Vec<String>>> {
    let Some(at) = arguments.iter().position(|a| a.starts_with("--")) else {
        return Ok(None);
    };
    let flag = arguments.split_off(at);
    let flag: Vec<&str> = flag.iter().map(String::as_str).collect();
    match flag.as_slice() {
        ["--no-hints"] => Ok(Some(Vec::new())),
        ["--among", codes] => Ok(Some(codes.split(',').map(str::to_owned).collect())),
        _ => bail!("usage: {USAGE}"),
    }
}

fn load(recognizer: &str, path: &Path, slots_count: usize) -> Result<(SlotPool, Vec<String>)> {
    let mut recognizers: Vec<Box<dyn Recognizer>> = Vec::new();
    let facts = match recognizer {
        "native" => {
            let model = NativeModel::load(path)?;
            recognizers
                .extend((0..slots_count).map(|_| Box::new(model.slot()) as Box<dyn Recognizer>));
            *model.facts()
        }
        "whisper_cpp" => {
            let model = WhisperModel::load(path)?;
            for _ in 0..slots_count {
                recognizers.push(Box::new(model.slot()?));
            }
            *model.facts()
        }
        _ => bail!("usage: {USAGE}"),
    };
    let languages: Vec<String> = models::whisper::languages(&facts)
        .map(str::to_owned)
        .collect();
    let traits = ModelTraits {
        languages: languages.clone(),
        confidence: None,
    };
    Ok((SlotPool::new(recognizers, traits), languages))
}

fn transcribe(path: &Path, spec: CallSpec, slots: &SlotPool) -> Result<Value> {
    let spec = CallSpec {
        extension: path.extension().and_then(|e| e.to_str()).map(str::to_owned),
        ..spec
    };
    let mut spans: Vec<SpanResult> = Vec::new();
    let mut sink = |output| {
        if let Output::Span(span) = output {
            spans.push(span);
        }
    };
    let started = Instant::now();
    let ended = pipeline::run(
        File::open(path)?,
        &spec,
        slots,
        &Control::default(),
        &mut sink,
    )?;
    let seconds = started.elapsed().as_secs_f64();
    let Ended::Done(summary) = ended else {
        bail!("stopped without being asked to");
    };
    Ok(describe(&spans, &summary, seconds))
}

fn describe(spans: &[SpanResult], summary: &CallSummary, seconds: f64) -> Value {
    let channels: Vec<String> = (0..summary.audio.channels_count)
        .map(|channel| {
            let own = spans.iter().filter(|span| span.channel == channel);
            let words = own
                .flat_map(|span| &span.segments)
                .flat_map(|segment| &segment.words);
            words
                .map(|word| word.text.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let timings = summary.timings;
    json!({
        "channels": channels,
        "seconds": seconds,
        "spans": spans,
        "warnings": summary.warnings,
        "facts": summary.channels,
        "decode_s": timings.decode_us as f64 / 1e6,
        "resample_s": timings.resample_us as f64 / 1e6,
        "voice_activity_s": timings.voice_activity_us as f64 / 1e6,
        "recognize_s": timings.recognize_us as f64 / 1e6,
    })
}
