//! Signed claims. In: a job's bytes. Promise: what was not signed with a key of the fleet is never believed; what was,
//! survives the wire; and no value of a claim can write a line of its own into the signed text.

use std::sync::LazyLock;

use earwitness::signing::{Gate, KeyRing, Promise};
use job_schema::parse;
use job_schema::signature::signed_text;
use secrecy::SecretString;

use crate::job::again;

/// One line for the version and fifteen claims.
const LINES: usize = 16;

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate {
    ring: KeyRing::read(&SecretString::from(format!("k1:{}", "5a".repeat(32))))
        .expect("a key as the documentation has it"),
    required: true,
});

pub fn read(bytes: &[u8]) -> bool {
    let Ok(mut job) = parse::job(bytes) else {
        return false;
    };
    assert!(
        GATE.check(&job).is_err(),
        "believed without the fleet's key"
    );
    GATE.ring.sign(&mut job, Promise::default());
    let signature = job.signature.as_ref().expect("the ring has a key");
    let text = signed_text(&job, signature);
    assert_eq!(
        text.split_terminator('\n').count(),
        LINES,
        "a claim of several lines"
    );
    let sent = again(&job);
    // One that says no time of its end is signed and refused all the same.
    assert_eq!(GATE.check(&sent).is_ok(), job.not_after.is_some());
    true
}
