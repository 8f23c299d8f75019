//! Transcripts from whatever was recognised. In: spans in any state. Out: a [`Findings`] that says of the call what the
//! wire's own fixture says, and a header.

use std::collections::BTreeMap;

use earwitness::results::Findings;
use job_schema::Sha256;
use job_schema::engine::{Reply, SpanResult};
use job_schema::transcript::EngineFacts;
use pipeline::assemble::Header;

const DONE: &str = include_str!("../../job-schema/fixtures/v1/engine-reply-done.json");

pub(crate) fn findings(spans: Vec<SpanResult>) -> Findings {
    let done = serde_json::from_str(DONE).expect("a fixture of the wire format");
    let Reply::Done { summary, .. } = done else {
        unreachable!("the fixture of a finished run");
    };
    Findings {
        spans,
        summary: *summary,
        peaks: Vec::new(),
    }
}

pub(crate) fn header() -> Header {
    Header {
        tenant: "acme".parse().expect("a tenant's name"),
        call: "c1".parse().expect("a call's name"),
        spec_sha256: digest(),
        size_bytes: 1,
        sha256: digest(),
        engine: EngineFacts {
            model: "none".into(),
            model_sha256: digest(),
            recognizer: "none".into(),
            worker: "0".into(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
    }
}

fn digest() -> Sha256 {
    "0".repeat(64).parse().expect("64 digits")
}
