//! What was wrong with a recording that was decoded all the same, as counts and as the warnings that a transcript stores.

use job_schema::transcript::{Warning, WarningCode};

/// Below this, a difference between declared and decoded duration is rounding: one packet of any codec at 8 kHz is shorter.
const MISMATCH_FLOOR_MS: u64 = 250;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damage {
    /// The file ends before its container says.
    pub truncated: bool,
    /// Packets that could not be decoded. Silence of their length stands in their place, so that later times stay true.
    pub damaged_packets_count: u64,
    /// Bytes of the stream that belong to no packet: their sound is missing, and what follows is early by its length.
    pub skipped_bytes: u64,
    /// Audio tracks beside the one that is read: their sound is in nothing.
    pub unread_tracks_count: u64,
    /// Samples that were not numbers or far beyond full scale; they are 0 now.
    pub invalid_samples_count: u64,
    /// Channels with many samples at full scale, and how many.
    pub clipped: Vec<(u16, u64)>,
    pub sample_rate_hz: u32,
    pub decoded_frames: u64,
    pub declared_frames: Option<u64>,
}

impl Damage {
    /// Greater than a hundredth of what was declared.
    pub fn duration_mismatch(&self) -> bool {
        let Some(declared) = self.declared_frames else {
            return false;
        };
        let off = declared.abs_diff(self.decoded_frames);
        let floor = u64::from(self.sample_rate_hz) * MISMATCH_FLOOR_MS / 1000;
        off > floor && off > declared / 100
    }

    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.truncated {
            let detail = format!("the file ends after {} ms", self.ms(self.decoded_frames));
            warnings.push(of_recording(WarningCode::Truncated, detail));
        }
        if self.damaged_packets_count > 0 {
            let detail = format!("{} packets replaced by silence", self.damaged_packets_count);
            warnings.push(of_recording(WarningCode::DamagedPackets, detail));
        }
        if self.skipped_bytes > 0 {
            let detail = format!("{} bytes belong to no packet", self.skipped_bytes);
            warnings.push(of_recording(WarningCode::DamagedPackets, detail));
        }
        if self.unread_tracks_count > 0 {
            let detail = format!(
                "{} audio tracks beside the first are not read",
                self.unread_tracks_count
            );
            warnings.push(of_recording(WarningCode::UnreadTracks, detail));
        }
        if self.duration_mismatch() {
            let declared = self.ms(self.declared_frames.unwrap_or_default());
            let detail = format!(
                "declared {declared} ms, decoded {} ms",
                self.ms(self.decoded_frames)
            );
            warnings.push(of_recording(WarningCode::DurationMismatch, detail));
        }
        if self.invalid_samples_count > 0 {
            let detail = format!("{} samples set to zero", self.invalid_samples_count);
            warnings.push(of_recording(WarningCode::InvalidSamples, detail));
        }
        for &(channel, count) in &self.clipped {
            warnings.push(Warning {
                code: WarningCode::Clipped,
                detail: format!("{count} samples at full scale"),
                channel: Some(channel),
            });
        }
        warnings
    }

    fn ms(&self, frames: u64) -> u64 {
        frames.saturating_mul(1000) / u64::from(self.sample_rate_hz.max(1))
    }
}

fn of_recording(code: WarningCode, detail: String) -> Warning {
    Warning {
        code,
        detail,
        channel: None,
    }
}
