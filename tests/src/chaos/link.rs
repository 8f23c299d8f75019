//! A TCP proxy that breaks connections on purpose. In: an address to pass on to. Out: [`Proxy`], whose faults the test
//! sets: how many bytes of answers get through before each next cut, a hard cut of everything that is open, a stall of
//! everything that is open, and how slowly and in what pieces bytes pass.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How bytes pass in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Before each piece.
    pub latency: Duration,
    pub slice_bytes: usize,
    /// Nothing passes, and nobody is told.
    pub stalled: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            slice_bytes: 16 * 1024,
            stalled: false,
        }
    }
}

#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    cut: watch::Sender<u64>,
    manner: watch::Sender<Manner>,
    faults: Faults,
}

/// For each coming connection that has one: how many bytes of answers pass before it is cut.
type Faults = Arc<Mutex<VecDeque<u64>>>;

impl Proxy {
    pub async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (cut, cuts) = watch::channel(0);
        let (manner, manners) = watch::channel(Manner::default());
        let faults = Faults::default();
        let link = Link {
            target,
            cuts,
            manner: manners,
            faults: Arc::clone(&faults),
        };
        let accepting = tokio::spawn(accept(listener, link));
        Ok(Self {
            address,
            accepting,
            cut,
            manner,
            faults,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the next connection after so many bytes of answers, the one after it at the next number, and so on.
    pub fn cut_answers_after(&self, bytes: &[u64]) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(bytes);
    }

    /// Faults that no connection has met yet.
    pub fn faults_left_count(&self) -> usize {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.len()
    }

    /// Cuts every connection that is open now.
    pub fn cut_all(&self) {
        self.cut.send_modify(|count| *count += 1);
    }

    /// From now on, for connections that are open too.
    pub fn set_manner(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_all();
    }
}

#[derive(Debug, Clone)]
struct Link {
    target: SocketAddr,
    cuts: watch::Receiver<u64>,
    manner: watch::Receiver<Manner>,
    faults: Faults,
}

async fn accept(listener: TcpListener, link: Link) {
    while let Ok((client, _)) = listener.accept().await {
        let mut cuts = link.cuts.clone();
        cuts.mark_unchanged();
        let fault = link
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let (target, manner) = (link.target, link.manner.clone());
        tokio::spawn(async move {
            tokio::select! {
                // Either side's error ends the pair, which is what a proxy is for.
                _ = pass(client, target, manner, fault) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

async fn pass(
    client: TcpStream,
    target: SocketAddr,
    manner: watch::Receiver<Manner>,
    fault: Option<u64>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let questions = copy(from_client, to_server, manner.clone(), u64::MAX);
    let answers = copy(from_server, to_client, manner, fault.unwrap_or(u64::MAX));
    // A client that has said all may still be listening, so only the end of the answers ends the pair.
    let asked = async {
        match questions.await {
            Ok(()) => std::future::pending().await,
            Err(e) => Err(e),
        }
    };
    tokio::select! {
        ended = answers => ended,
        ended = asked => ended,
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut manner: watch::Receiver<Manner>,
    limit_bytes: u64,
) -> std::io::Result<()> {
    let mut left_bytes = limit_bytes;
    let mut chunk = vec![0; Manner::default().slice_bytes];
    while left_bytes > 0 {
        let Manner { slice_bytes, .. } = *manner.borrow();
        let longest = slice_bytes.clamp(1, chunk.len());
        let read = from.read(&mut chunk[..longest]).await?;
        if read == 0 {
            break;
        }
        // An error means that nobody can end the stall any more: the proxy is gone.
        let moving = manner.wait_for(|manner| !manner.stalled).await;
        let latency = moving.map_or(Duration::ZERO, |manner| manner.latency);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let passed = read.min(usize::try_from(left_bytes).unwrap_or(usize::MAX));
        to.write_all(&chunk[..passed]).await?;
        left_bytes -= passed as u64;
    }
    to.shutdown().await
}
