//! A TCP proxy that keeps what clients send. In: an address to pass on to. Out: [`Tap`], which tells the HTTP requests that went
//! through, each from its first line to the next one's. For small bodies of text: all of it is held in memory.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    /// By connection.
    sent: Sent,
}

type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

impl Tap {
    pub async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, sent) = (listener.local_addr()?, Sent::default());
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&sent)));
        Ok(Self {
            address,
            accepting,
            sent,
        })
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Those since the last call; connections are used again, so that order holds within one only.
    pub fn take_requests(&self) -> Vec<String> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter_mut()
            .flat_map(|bytes| requests(&String::from_utf8_lossy(&std::mem::take(bytes))))
            .collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn requests(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        // The end of the body before it may stand on the same line.
        let (before, first) = line.split_at(first_line(line).unwrap_or(line.len()));
        if let Some(last) = found.last_mut() {
            last.push_str(before);
        }
        if !first.is_empty() {
            found.push(first.to_owned());
        }
    }
    found
}

/// Where a request's first line begins.
fn first_line(line: &str) -> Option<usize> {
    const METHODS: [&str; 5] = ["GET /", "HEAD /", "PUT /", "POST /", "DELETE /"];
    let begins = METHODS.iter().filter_map(|method| line.rfind(method)).max();
    begins.filter(|_| line.ends_with(" HTTP/1.1\r\n"))
}

async fn accept(listener: TcpListener, target: SocketAddr, sent: Sent) {
    while let Ok((client, _)) = listener.accept().await {
        let sent = Arc::clone(&sent);
        // Either side's error ends the pair, which the other side notices.
        tokio::spawn(async move { pass(client, target, sent).await.ok() });
    }
}

async fn pass(client: TcpStream, target: SocketAddr, sent: Sent) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let place = {
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(Vec::new());
        sent.len() - 1
    };
    let asking = async {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            let read = from_client.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            {
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent[place].extend_from_slice(&chunk[..read]);
            }
            to_server.write_all(&chunk[..read]).await?;
        }
    };
    let answering = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        ended = asking => ended,
        ended = answering => ended.map(drop),
    }
}
