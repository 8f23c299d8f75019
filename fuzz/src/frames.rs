//! The engine's socket, from either side. In: the bytes of frames, one after the other. Promise: frames or an error, never
//! more memory than the largest frame; a frame that was read is written as the same frame.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use earwitness::engine::frame;
use job_schema::engine::{Reply, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a socket's buffer takes without a reader.
const MAX_BYTES: usize = 64 << 10;

pub fn read(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let requests_count = frames::<Request>(bytes);
    let replies_count = frames::<Reply>(bytes);
    requests_count + replies_count > 0
}

fn frames<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> usize {
    let (mut ours, theirs) = UnixStream::pair().expect("two descriptors");
    ours.write_all(bytes).expect("room for all of it");
    ours.shutdown(Shutdown::Write).expect("a connected socket");
    let mut count = 0;
    while let Ok((read, descriptor)) = frame::receive::<T>(&theirs) {
        assert!(descriptor.is_none(), "a descriptor that nobody sent");
        count += 1;
        let body = serde_json::to_vec(&read).expect("frames have string keys only");
        let again: T = serde_json::from_slice(&body).expect("a frame of our own");
        // Compared as text: a frame may hold numbers that do not equal themselves.
        assert_eq!(body, serde_json::to_vec(&again).expect("as before"));
    }
    count
}
