//! Frames on a Unix socket pair: a big-endian u32 length, then that many bytes of JSON; a descriptor may ride along.
//! Blocking on purpose: the engine has no async runtime and the service reads on a thread of its own.
//! Fails on a closed peer, a frame over [`MAX_FRAME_BYTES`], or bytes that are not the expected frame.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use job_schema::engine::MAX_FRAME_BYTES;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the other side closed the connection")]
    Closed,
    #[error("frame of {bytes} bytes, the limit is {MAX_FRAME_BYTES}")]
    TooLarge { bytes: usize },
    /// The position only: the bytes may hold speech.
    #[error("frame does not parse at byte {at}")]
    Malformed { at: usize },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Sends one frame, with `descriptor` attached to its first byte if there is one.
pub fn send<T: Serialize>(
    socket: &UnixStream,
    frame: &T,
    descriptor: Option<BorrowedFd<'_>>,
) -> Result<(), FrameError> {
    let body = serde_json::to_vec(frame).map_err(io::Error::from)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= MAX_FRAME_BYTES);
    let Some(length) = length else {
        return Err(FrameError::TooLarge { bytes: body.len() });
    };
    let mut bytes = Vec::with_capacity(body.len() + 4);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&body);
    let sent = match descriptor {
        Some(fd) => send_with_descriptor(socket, &bytes, fd)?,
        None => 0,
    };
    let mut writer = socket;
    writer.write_all(&bytes[sent..])?;
    Ok(())
}

fn send_with_descriptor(
    socket: &UnixStream,
    bytes: &[u8],
    fd: BorrowedFd<'_>,
) -> Result<usize, FrameError> {
    let fds = [fd];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = control.push(SendAncillaryMessage::ScmRights(&fds));
    debug_assert!(fits, "the buffer is sized for one descriptor");
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(
            socket,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        )
    })
    .map_err(|e| FrameError::Io(e.into()))
}

/// Receives one frame and the descriptor that came with it, if one did.
pub fn receive<T: DeserializeOwned>(
    socket: &UnixStream,
) -> Result<(T, Option<OwnedFd>), FrameError> {
    let mut header = [0u8; 4];
    let (got, descriptor) = receive_start(socket, &mut header)?;
    let mut reader = socket;
    reader.read_exact(&mut header[got..]).map_err(closed)?;
    let bytes = u32::from_be_bytes(header) as usize;
    if bytes > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge { bytes });
    }
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body).map_err(closed)?;
    let frame =
        serde_json::from_slice(&body).map_err(|e| FrameError::Malformed { at: e.column() })?;
    Ok((frame, descriptor))
}

/// The first bytes of a frame are the only ones that can carry a descriptor.
fn receive_start(
    socket: &UnixStream,
    header: &mut [u8; 4],
) -> Result<(usize, Option<OwnedFd>), FrameError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(
            socket.as_fd(),
            &mut [IoSliceMut::new(header)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
    })
    .map_err(|e| closed(e.into()))?;
    if received.bytes == 0 {
        return Err(FrameError::Closed);
    }
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok((received.bytes, descriptor))
}

fn closed(error: io::Error) -> FrameError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => FrameError::Closed,
        _ => FrameError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use job_schema::engine::Request;

    use super::*;

    #[test]
    fn a_descriptor_arrives_with_its_frame_and_only_with_it() {
        let (a, b) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"recording").unwrap();
        send(&a, &Request::Stop { run: 1 }, Some(file.as_fd())).unwrap();
        send(&a, &Request::Abort { run: 2 }, None).unwrap();
        let (first, fd) = receive::<Request>(&b).unwrap();
        assert_eq!(first, Request::Stop { run: 1 });
        let mut copy = std::fs::File::from(fd.expect("descriptor"));
        let mut text = String::new();
        copy.rewind().unwrap();
        copy.read_to_string(&mut text).unwrap();
        assert_eq!(text, "recording");
        let (second, none) = receive::<Request>(&b).unwrap();
        assert_eq!(second, Request::Abort { run: 2 });
        assert!(none.is_none());
    }

    #[test]
    fn a_frame_may_be_larger_than_the_socket_buffer() {
        let (a, b) = UnixStream::pair().unwrap();
        let long = "x".repeat(3 << 20);
        let sender = std::thread::spawn(move || send(&a, &long, None).map(|()| long));
        let (got, _) = receive::<String>(&b).unwrap();
        assert_eq!(got, sender.join().unwrap().unwrap());
    }

    #[test]
    fn bad_frames_are_errors_and_not_allocations() {
        let cases: [(&[u8], &str); 4] = [
            (&[0xff, 0xff, 0xff, 0xff], "frame of 4294967295 bytes"),
            (&[0, 0, 0, 2, b'{', b'x'], "does not parse"),
            (&[0, 0, 0, 9, b'1'], "closed"),
            (&[0, 0], "closed"),
        ];
        for (bytes, says) in cases {
            let (mut a, b) = UnixStream::pair().unwrap();
            a.write_all(bytes).unwrap();
            drop(a);
            let error = receive::<Request>(&b).expect_err("accepted").to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
