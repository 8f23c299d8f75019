//! One file over HTTP, from where an earlier try ended. In: an address and an open file. Out: the whole file. Fails:
//! [`PullError`]. A connection that breaks after it brought something is simply taken up again.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::{Progress, PullError, Source};
use crate::catalogue::Entry;

/// Larger than any Whisper model; the limit where the catalogue knows no size.
const MAX_BYTES: u64 = 8 << 30;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn download(
    entry: &Entry,
    source: &Source,
    file: &File,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), PullError> {
    let url = format!(
        "{}/{}",
        source.base_url.trim_end_matches('/'),
        entry.file_name()
    );
    let fetch = Fetch {
        agent: agent(source)?,
        url,
        limit_bytes: entry.bytes.unwrap_or(MAX_BYTES),
        of_bytes: entry.bytes,
    };
    let mut fruitless = 0;
    loop {
        let before = received(file, &fetch)?;
        if entry.bytes == Some(before) {
            return Ok(());
        }
        match fetch.resume(file, before, progress) {
            Ok(()) => return Ok(()),
            Err(Break::Final(error)) => return Err(error),
            Err(Break::Lost(reason)) => {
                let now = received(file, &fetch)?;
                fruitless = if now > before { 0 } else { fruitless + 1 };
                if fruitless >= source.attempts.max(1) {
                    let url = fetch.url;
                    return Err(PullError::Unreachable { url, reason });
                }
                tracing::debug!(received_bytes = now, reason, "download broke, resuming");
            }
        }
    }
}

fn agent(source: &Source) -> Result<Agent, PullError> {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let mut config = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(source.stall))
        .timeout_per_read(Some(source.stall))
        .http_status_as_error(false);
    if let Some(proxy) = &source.proxy {
        let proxy = Proxy::new(proxy).map_err(|e| PullError::Proxy {
            reason: e.to_string(),
        })?;
        config = config.proxy(Some(proxy));
    }
    Ok(config.build().into())
}

enum Break {
    /// Worth another connection.
    Lost(String),
    Final(PullError),
}

struct Fetch {
    agent: Agent,
    url: String,
    limit_bytes: u64,
    of_bytes: Option<u64>,
}

impl Fetch {
    /// One connection: asks for what is missing after `start` and appends it.
    fn resume(
        &self,
        file: &File,
        start: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Break> {
        let mut request = self.agent.get(&self.url);
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        let response = request.call().map_err(|e| Break::Lost(e.to_string()))?;
        let at = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(start) => start,
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                // What is there belongs to another file, or to none: begin anew.
                self.truncate(file, 0)?;
                return Err(Break::Lost("the server has no such range".to_owned()));
            }
            status if status.is_server_error() => {
                return Err(Break::Lost(format!("status {}", status.as_u16())));
            }
            status => {
                let url = self.url.clone();
                let status = status.as_u16();
                return Err(Break::Final(PullError::Status { url, status }));
            }
        };
        self.truncate(file, at)?;
        self.append(file, at, response.into_body(), progress)
    }

    fn append(
        &self,
        mut file: &File,
        start: u64,
        body: Body,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Break> {
        let declared = body.content_length();
        let mut body = body.into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut at = start;
        loop {
            let count = body
                .read(&mut buffer)
                .map_err(|e| Break::Lost(e.to_string()))?;
            if count == 0 {
                break;
            }
            at += count as u64;
            if at > self.limit_bytes {
                let url = self.url.clone();
                let limit_bytes = self.limit_bytes;
                return Err(Break::Final(PullError::TooLong { url, limit_bytes }));
            }
            let (new, _) = buffer.split_at(count);
            file.write_all(new).map_err(|e| self.write_error(e))?;
            progress(Progress::Received {
                bytes: at,
                of_bytes: self.of_bytes,
            });
        }
        let wanted = self.of_bytes.or(declared.map(|d| start + d));
        if wanted.is_some_and(|wanted| at < wanted) {
            return Err(Break::Lost(format!("the connection ended at byte {at}")));
        }
        Ok(())
    }

    fn truncate(&self, file: &File, bytes: u64) -> Result<(), Break> {
        file.set_len(bytes).map_err(|e| self.write_error(e))
    }

    fn write_error(&self, error: io::Error) -> Break {
        Break::Final(PullError::Store(crate::store::io_error(
            "write",
            self.url.as_ref(),
        )(error)))
    }
}

fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    range
        .strip_prefix("bytes ")?
        .split_once('-')?
        .0
        .parse()
        .ok()
}

fn received(file: &File, fetch: &Fetch) -> Result<u64, PullError> {
    let metadata = file.metadata();
    let error = crate::store::io_error("read size of download", fetch.url.as_ref());
    Ok(metadata.map_err(error)?.len())
}
