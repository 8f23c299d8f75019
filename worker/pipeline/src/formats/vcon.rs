//! A vCon, the container for conversations that the IETF works on. In: a transcript, its analysis, and when call and result were.
//! Out: one JSON object of the unsigned form: parties, the recording as the dialog, and two analyses, the transcript and what
//! rules and measures found. Nothing fails. Sources: draft-ietf-vcon-vcon-core-04, draft-ietf-vcon-cc-extension for roles.

use job_schema::Sha256;
use job_schema::analysis::Analysis;
use job_schema::job::Role;
use serde_json::{Value, json};

use super::{Content, Made, Material, seconds, wtf};

const VENDOR: &str = "earwitness";

pub(super) fn render(material: &Material<'_>, made: &Made<'_>) -> String {
    let transcript = material.transcript;
    let channels = transcript.channels.iter();
    let parties: Vec<Value> = channels.map(|c| party(c.facts.role)).collect();
    // One for each channel, as the draft wants it of recordings with several.
    let of_channels: Vec<usize> = (0..parties.len()).collect();
    let mut document = json!({
        "vcon": "0.4.0",
        "uuid": uuid(&transcript.spec_sha256, material.content),
        "extensions": ["CC", "wtf_transcription"],
        "created_at": made.at,
        "parties": parties,
        "dialog": [{
            "type": "recording",
            "start": made.call_started_at,
            "duration": seconds(transcript.audio.decoded.duration_ms),
            "parties": of_channels,
        }],
        "analysis": [
            {
                "type": "wtf_transcription",
                "dialog": 0,
                "vendor": VENDOR,
                "product": transcript.engine.model,
                "encoding": "json",
                "body": wtf::body(material, made),
            },
            {
                "type": "report",
                "dialog": 0,
                "vendor": VENDOR,
                "schema": "analysis.schema.json",
                "encoding": "json",
                "body": as_stored(material.analysis),
            },
        ],
    });
    if let Some(mediatype) = mediatype(&transcript.audio.decoded.container) {
        document["dialog"][0]["mediatype"] = mediatype.into();
    }
    if material.content == Content::Redacted {
        let whole = uuid(&transcript.spec_sha256, Content::Whole);
        document["redacted"] = json!({ "uuid": whole, "type": "PII" });
    }
    format!("{document:#}\n")
}

/// Of the recording, by its container, as the draft writes them; none for what has no header.
fn mediatype(container: &str) -> Option<&'static str> {
    Some(match container {
        "wav" => "audio/x-wav",
        "mpeg" => "audio/x-mp3",
        "mp4" => "audio/x-mp4",
        "ogg" => "audio/ogg",
        "matroska" => "audio/webm",
        "adts" => "audio/aac",
        "flac" => "audio/flac",
        "aiff" => "audio/aiff",
        "au" => "audio/basic",
        "caf" => "audio/x-caf",
        _ => return None,
    })
}

/// As text writes it: a value made directly would show the noise of an f32 in an f64.
fn as_stored(analysis: &Analysis) -> Value {
    let text = serde_json::to_string(analysis);
    let value = text.and_then(|text| serde_json::from_str(&text));
    value.expect("an analysis has string keys only")
}

fn party(role: Role) -> Value {
    match role {
        Role::Agent => json!({ "role": "agent" }),
        Role::Customer => json!({ "role": "customer" }),
        Role::Ivr => json!({ "role": "ivr", "type": "machine" }),
        Role::Mixed => json!({ "role": "mixed" }),
        Role::Unknown => json!({ "role": "unknown" }),
    }
}

/// Version 8, whose bits are free but for version and variant: those of the spec's digest, so that the same result is the same
/// vCon wherever it is written.
fn uuid(spec: &Sha256, content: Content) -> String {
    let digits = spec.as_str().as_bytes();
    let digit = |at: usize| char::from(digits[at]);
    let variant = match digit(16) {
        '0'..='3' => '8',
        '4'..='7' => '9',
        '8' | '9' | 'a' | 'b' => 'a',
        _ => 'b',
    };
    let last = match content {
        Content::Whole => '0',
        Content::Redacted => '1',
    };
    let part = |range: std::ops::Range<usize>| range.map(digit).collect::<String>();
    format!(
        "{}-{}-8{}-{variant}{}-{}{last}",
        part(0..8),
        part(8..12),
        part(12..15),
        part(17..20),
        part(20..31)
    )
}
