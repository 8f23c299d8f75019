//! A proxy for HTTP/1.1 that answers wrongly on purpose. In: an address to pass on to and a [`Weather`]. Out:
//! [`StoreProxy`], with a count of what it did. It reads each request and answer whole, so it is for objects that fit into
//! memory, and it spoils bodies, never headers: a client has to find out by itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;

use super::weather::{StoreFault, Weather};

/// Longer than any client here waits.
const STALL: Duration = Duration::from_secs(120);
const LATE: Duration = Duration::from_millis(150);
const SLICE_PAUSE: Duration = Duration::from_millis(5);
const SLICES: usize = 8;

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;
/// One connection to the store for one of a client's.
type Upstream = AsyncMutex<Option<client::SendRequest<Full<Bytes>>>>;

#[derive(Debug)]
pub struct StoreProxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    weather: Weather,
    requests: AtomicU64,
    faults: Mutex<BTreeMap<StoreFault, u64>>,
}

impl StoreProxy {
    pub async fn start(target: SocketAddr, weather: Weather) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            weather,
            requests: AtomicU64::new(0),
            faults: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            accepting,
            shared,
        })
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests_count(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// What was done to requests so far.
    pub fn faults(&self) -> BTreeMap<StoreFault, u64> {
        let faults = self.shared.faults.lock();
        faults.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for StoreProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let upstream = Upstream::default();
            let answer = service_fn(|request| answer(&shared, &upstream, request));
            // The client hung up, or we cut it off: both are what this is for.
            let _ = server::Builder::new()
                .serve_connection(TokioIo::new(socket), answer)
                .await;
        });
    }
}

/// An error cuts the client's connection.
async fn answer(
    shared: &Shared,
    upstream: &Upstream,
    request: Request<Incoming>,
) -> anyhow::Result<Answer> {
    let index = shared.requests.fetch_add(1, Ordering::Relaxed);
    let (fault, place) = shared.weather.fault(index);
    if let Some(fault) = fault {
        let mut faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *faults.entry(fault).or_default() += 1;
    }
    if let Some(StoreFault::RefusedWith(status)) = fault {
        return error(status);
    }
    let (head, body) = request.into_parts();
    let mut body = body.collect().await?.to_bytes();
    let flip_request = fault == Some(StoreFault::Flipped) && !body.is_empty();
    if flip_request {
        body = flipped(&body, place);
    }
    let request = Request::from_parts(head, Full::new(body));
    let (head, body) = forward(shared.target, upstream, request)
        .await?
        .into_parts();
    let body = body.collect().await?.to_bytes();
    let body = match fault {
        Some(StoreFault::DeniedWith(status)) => return error(status),
        Some(StoreFault::Truncated) if body.is_empty() => anyhow::bail!("no answer"),
        Some(StoreFault::Stalled) if body.is_empty() => {
            tokio::time::sleep(STALL).await;
            anyhow::bail!("no answer")
        }
        Some(StoreFault::Truncated) => truncated(&body),
        Some(StoreFault::Stalled) => stalled(&body),
        Some(StoreFault::Flipped) if !flip_request => whole(flipped(&body, place)),
        Some(StoreFault::Sliced) => sliced(&body),
        Some(StoreFault::Late) => {
            tokio::time::sleep(LATE).await;
            whole(body)
        }
        _ => whole(body),
    };
    Ok(Response::from_parts(head, body))
}

async fn forward(
    target: SocketAddr,
    upstream: &Upstream,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Response<Incoming>> {
    let mut held = upstream.lock().await;
    let mut open = match held.take() {
        Some(open) if !open.is_closed() => open,
        _ => connect(target).await?,
    };
    open.ready().await?;
    let response = open.send_request(request).await?;
    *held = Some(open);
    Ok(response)
}

async fn connect(target: SocketAddr) -> anyhow::Result<client::SendRequest<Full<Bytes>>> {
    let socket = TcpStream::connect(target)
        .await
        .context("reach the store")?;
    let (open, connection) = client::handshake(TokioIo::new(socket)).await?;
    // Its errors come out where a request is sent.
    tokio::spawn(connection);
    Ok(open)
}

fn error(status: u16) -> anyhow::Result<Answer> {
    let code = if status == 503 {
        "SlowDown"
    } else {
        "InternalError"
    };
    let text = format!("<Error><Code>{code}</Code><Message>by the fault proxy</Message></Error>");
    let builder = Response::builder().status(StatusCode::from_u16(status)?);
    let builder = builder.header("content-type", "application/xml");
    Ok(builder.body(whole(text.into()))?)
}

fn whole(body: Bytes) -> UnsyncBoxBody<Bytes, std::io::Error> {
    let never = |e: Infallible| match e {};
    Full::new(body).map_err(never).boxed_unsync()
}

fn truncated(body: &Bytes) -> UnsyncBoxBody<Bytes, std::io::Error> {
    let cut = Err(std::io::ErrorKind::ConnectionReset.into());
    let half = Ok(Frame::data(body.slice(..body.len() / 2)));
    StreamBody::new(stream::iter([half, cut])).boxed_unsync()
}

fn stalled(body: &Bytes) -> UnsyncBoxBody<Bytes, std::io::Error> {
    let half = Ok(Frame::data(body.slice(..body.len() / 2)));
    let end = stream::once(async {
        tokio::time::sleep(STALL).await;
        Err(std::io::ErrorKind::TimedOut.into())
    });
    StreamBody::new(stream::iter([half]).chain(end)).boxed_unsync()
}

fn sliced(body: &Bytes) -> UnsyncBoxBody<Bytes, std::io::Error> {
    let slice_bytes = body.len().div_ceil(SLICES).max(1);
    let starts = (0..body.len()).step_by(slice_bytes);
    let pieces: Vec<Bytes> = starts
        .map(|start| body.slice(start..body.len().min(start + slice_bytes)))
        .collect();
    let late = stream::iter(pieces).then(|piece| async move {
        tokio::time::sleep(SLICE_PAUSE).await;
        Ok(Frame::data(piece))
    });
    StreamBody::new(late).boxed_unsync()
}

fn flipped(body: &Bytes, place: u64) -> Bytes {
    let mut bytes = body.to_vec();
    let bits = bytes.len() as u64 * 8;
    let bit = place.checked_rem(bits).unwrap_or(0);
    if let Some(byte) = usize::try_from(bit / 8)
        .ok()
        .and_then(|at| bytes.get_mut(at))
    {
        *byte ^= 1 << (bit % 8);
    }
    bytes.into()
}
