//! A TCP proxy that breaks connections on purpose. In: an address to pass on to. Out: [`Proxy`], whose faults the test
//! sets: how many bytes of answers get through before each next cut, and a hard cut of everything that is open.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    cut: watch::Sender<u64>,
    faults: Faults,
}

/// For each coming connection that has one: how many bytes of answers pass before it is cut.
type Faults = Arc<Mutex<VecDeque<u64>>>;

impl Proxy {
    pub async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (cut, cuts) = watch::channel(0);
        let faults = Faults::default();
        let accepting = tokio::spawn(accept(listener, target, cuts, Arc::clone(&faults)));
        Ok(Self {
            address,
            accepting,
            cut,
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
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_all();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    cuts: watch::Receiver<u64>,
    faults: Faults,
) {
    while let Ok((client, _)) = listener.accept().await {
        let mut cuts = cuts.clone();
        cuts.mark_unchanged();
        let fault = faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        tokio::spawn(async move {
            tokio::select! {
                // Either side's error ends the pair, which is what a proxy is for.
                _ = pass(client, target, fault) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

async fn pass(client: TcpStream, target: SocketAddr, fault: Option<u64>) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let questions = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let mut left_bytes = fault.unwrap_or(u64::MAX);
    let mut chunk = vec![0; 16 * 1024];
    while left_bytes > 0 {
        let read = from_server.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        let passed = read.min(usize::try_from(left_bytes).unwrap_or(usize::MAX));
        to_client.write_all(&chunk[..passed]).await?;
        left_bytes -= passed as u64;
    }
    questions.abort();
    Ok(())
}
