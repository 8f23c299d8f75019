//! The bytes of a stream that is nothing but packets. In: its size, then its packets. Out: how many bytes no packet accounts for,
//! which is what was not understood. Nothing fails.

use symphonia::core::packet::Packet;

/// No frame of a bare stream has a longer head.
const PACKET_HEAD_BYTES: u64 = 64;
/// Tags at the end of a stream are seldom longer.
const TAGS_BYTES: u64 = 4096;

#[derive(Debug)]
pub(super) struct Account {
    /// None where a container has bytes of its own between packets.
    stream_bytes: Option<u64>,
    packets_bytes: u64,
    ended: bool,
}

impl Account {
    pub(super) fn of(stream_bytes: Option<u64>) -> Self {
        Self {
            stream_bytes,
            packets_bytes: 0,
            ended: false,
        }
    }

    /// Of a packet, no more than its samples would take unencoded: a demultiplexer that loses its way hangs the rest of the
    /// file on the last packet that it knew.
    pub(super) fn add(&mut self, packet: &Packet, channels_count: u16) {
        let unencoded = packet
            .dur
            .get()
            .saturating_mul(4 * u64::from(channels_count));
        let plausible = unencoded.saturating_add(PACKET_HEAD_BYTES);
        self.packets_bytes += (packet.data.len() as u64).min(plausible);
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Bytes between or after packets that the demultiplexer passed over, where they are more than tags can be. A stream whose
    /// layout changes shows in nothing else: its demultiplexer takes the packets of the other layout for junk.
    pub(super) fn skipped_bytes(&self) -> u64 {
        let stream_bytes = self.stream_bytes.filter(|_| self.ended).unwrap_or(0);
        let skipped = stream_bytes.saturating_sub(self.packets_bytes);
        let negligible = TAGS_BYTES.max(stream_bytes / 50);
        if skipped > negligible { skipped } else { 0 }
    }
}
