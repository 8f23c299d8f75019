//! A recording of any origin. In: its bytes. Promise: samples that are numbers within full scale, of the layout that was
//! told, no longer than the budget; or a typed error. The recording's fault is never blamed on the host. A panic in the
//! library is one such error; one in our own code is not.

use std::fs::File;
use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use job_schema::engine::Limits;
use pipeline::decode::{DecodeError, Decoder, Hints};

/// A minute decoded says as much as four hours.
const MAX_DURATION_MS: u64 = 60_000;

/// Where cargo keeps what is not ours.
const VENDORED: &str = "/registry/src/";

static HOOK: Once = Once::new();
static OURS: AtomicBool = AtomicBool::new(false);

pub fn read(bytes: &[u8]) -> bool {
    HOOK.call_once(tell_panics_apart);
    let decoded = decode(stored(bytes));
    assert!(!OURS.load(Ordering::Acquire), "a panic in our own code");
    match decoded {
        Ok(()) => true,
        Err(DecodeError::Read(e)) => unreachable!("blamed on the host: {e}"),
        Err(_) => false,
    }
}

/// The pipeline catches a panic, so that only the hook sees whose it was. Replaces the fuzzer's own, which ends the process.
fn tell_panics_apart() {
    let said = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |place| place.file());
        if !place.contains(VENDORED) {
            OURS.store(true, Ordering::Release);
            said(panic);
        }
    }));
}

fn decode(recording: File) -> Result<(), DecodeError> {
    let limits = Limits {
        max_duration_ms: MAX_DURATION_MS,
        max_damaged_packets: 100,
        ..Limits::default()
    };
    let mut decoder = Decoder::open(recording, &Hints::default(), &limits)?;
    let (channels, rate_hz) = (
        decoder.format().channels_count,
        decoder.format().sample_rate_hz,
    );
    let mut frames_count = 0;
    while let Some(block) = decoder.next_block()? {
        assert_eq!(block.channels.len(), usize::from(channels));
        assert!(block.frames() > 0, "a block of nothing");
        for samples in &block.channels {
            assert_eq!(samples.len(), block.frames(), "legs of two lengths");
            assert!(samples.iter().all(|s| s.abs() <= 1.0), "no sample of sound");
        }
        frames_count += block.frames() as u64;
    }
    assert!(frames_count <= MAX_DURATION_MS * u64::from(rate_hz) / 1_000);
    decoder.damage().warnings();
    Ok(())
}

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a scratch file");
    file.write_all(bytes).expect("room for it");
    file
}
