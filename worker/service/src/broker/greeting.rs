//! The broker's version, from the first frame that it sends, before anybody logs in: lapin keeps it to itself. In: the
//! settings. Out: the version as the broker writes it, or `None` where TLS hides the frame. Fails: no connection, no answer,
//! or another protocol. Source: AMQP 0-9-1, `connection.start` and its table of server properties.

use lapin::uri::AMQPScheme;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Broker;
use super::connection::uri;
use super::error::{BrokerError, within};
use crate::config;

const ACTION: &str = "greet broker";
const HELLO: &[u8] = b"AMQP\0\0\x09\x01";
/// Type, channel and length.
const FRAME_HEADER_BYTES: usize = 7;
/// Far more than any broker says of itself.
const MAX_FRAME_BYTES: u32 = 64 * 1024;

impl Broker {
    /// # Errors
    /// [`BrokerError::Failed`] or [`BrokerError::Timeout`].
    pub async fn version(settings: &config::Broker) -> Result<Option<String>, BrokerError> {
        let uri = uri(settings)?;
        if uri.scheme != AMQPScheme::AMQP {
            return Ok(None);
        }
        let host = (uri.authority.host.as_str(), uri.authority.port);
        let greeted = async {
            let failed = |e: std::io::Error| BrokerError::Failed {
                action: ACTION,
                reason: e.kind().to_string(),
            };
            first_frame(host).await.map_err(failed)
        };
        let frame = within(ACTION, settings.connect_timeout, greeted).await?;
        Ok(text_property(&frame, "version"))
    }
}

async fn first_frame(host: (&str, u16)) -> std::io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(host).await?;
    socket.write_all(HELLO).await?;
    let mut header = [0; FRAME_HEADER_BYTES];
    socket.read_exact(&mut header).await?;
    let [_, _, _, a, b, c, d] = header;
    let length = u32::from_be_bytes([a, b, c, d]).min(MAX_FRAME_BYTES);
    let mut payload = Vec::new();
    socket.take(length.into()).read_to_end(&mut payload).await?;
    Ok(payload)
}

/// A field of a table: its name behind one byte of length, `S`, and its text behind four.
fn text_property(frame: &[u8], name: &str) -> Option<String> {
    let mut field = vec![u8::try_from(name.len()).ok()?];
    field.extend(name.as_bytes());
    field.push(b'S');
    let found = frame.windows(field.len()).position(|w| w == field)?;
    let (length, rest) = frame.get(found + field.len()..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    String::from_utf8(rest.get(..length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_found_in_its_table_and_never_read_past_the_end() {
        let frame = b"..\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8..";
        assert_eq!(text_property(frame, "version").as_deref(), Some("3.10.8"));
        assert_eq!(text_property(frame, "platform"), None);
        for end in 0..frame.len() {
            let found = text_property(&frame[..end], "version");
            assert!(found.is_none_or(|v| v == "3.10.8"), "cut at {end}");
        }
        assert_eq!(
            text_property(b"\x07versionS\xff\xff\xff\xffx", "version"),
            None
        );
    }
}
