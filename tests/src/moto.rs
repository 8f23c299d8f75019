//! moto's S3 API, which none of us wrote and which keeps versions. In: the package index, by pip, the first time; bucket
//! names. Out: [`Moto`], a server on a free port that is killed when dropped, or nothing where pip gets nowhere. It lies in
//! a folder of .dev named by its version from then on, and holds its objects in memory.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::process::{free_port, output_of};
use crate::signals::until;

/// Pinned, so that a test means the same tomorrow.
pub const PACKAGE: &str = "moto[s3,server]==5.2.5";

#[derive(Debug)]
pub struct Moto {
    address: SocketAddr,
    _process: Child,
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    Enabled,
    Suspended,
}

impl Moto {
    /// A server with these buckets; `None` where it cannot be had.
    pub async fn start(buckets: &[&str]) -> anyhow::Result<Option<Self>> {
        let Some(packages) = installed().await? else {
            return Ok(None);
        };
        let port = free_port()?;
        let process = Command::new("python3")
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(port.to_string())
            .env("PYTHONPATH", packages)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("run moto's server")?;
        let moto = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            _process: process,
        };
        until("moto's server to answer", async || {
            Ok(moto.ask("GET", "/", "").await.ok())
        })
        .await?;
        for bucket in buckets {
            moto.ask("PUT", &format!("/{bucket}"), "").await?;
        }
        Ok(Some(moto))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn keep_versions(&self, bucket: &str, versioning: Versioning) -> anyhow::Result<()> {
        let body = format!(
            r#"<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>{versioning:?}</Status></VersioningConfiguration>"#
        );
        let path = format!("/{bucket}?versioning");
        self.ask("PUT", &path, &body).await?;
        Ok(())
    }

    /// Keys of all versions and delete markers in a bucket of fewer than a thousand, read from the answer itself: not by
    /// the code under test.
    pub async fn versions(&self, bucket: &str) -> anyhow::Result<Vec<String>> {
        let answer = self.ask("GET", &format!("/{bucket}?versions"), "").await?;
        let after = answer.split("<Key>").skip(1);
        let keys = after.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()));
        anyhow::ensure!(answer.contains("<IsTruncated>false<"), "more than a page");
        Ok(keys.collect())
    }

    /// The key that an object is encrypted under, as Amazon's own client tells it, which comes with moto.
    pub async fn kms_key(&self, bucket: &str, key: &str) -> anyhow::Result<Option<String>> {
        const LOOK: &str =
            "print(s3.head_object(Bucket=sys.argv[4], Key=sys.argv[5]).get('SSEKMSKeyId', ''))";
        let told = boto(&self.endpoint(), ("any", "keys"), LOOK, &[bucket, key]).await?;
        Ok(Some(told.trim().to_owned()).filter(|key| !key.is_empty()))
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
        let mut socket = TcpStream::connect(self.address).await?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1);
        anyhow::ensure!(status == Some("200"), "{method} {path}: {status:?}");
        Ok(answer)
    }
}

/// What Amazon's own client, which comes with moto, prints when it runs `script`: `s3` is the client, and `arguments` follow in
/// `sys.argv` from the fourth on.
pub(crate) async fn boto(
    endpoint: &str,
    (id, secret): (&str, &str),
    script: &str,
    arguments: &[&str],
) -> anyhow::Result<String> {
    const CLIENT: &str = "import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
";
    let packages = installed().await?.context("moto is not installed")?;
    let mut python = Command::new("python3");
    python
        .args(["-c", &format!("{CLIENT}{script}"), endpoint, id, secret])
        .args(arguments)
        .env("PYTHONPATH", packages);
    output_of(python, "ask by boto").await
}

/// Where its packages lie. Tests run in many processes: one of them installs, the others wait for it.
pub(crate) async fn installed() -> anyhow::Result<Option<PathBuf>> {
    let dir = crate::package_dir().join("../.dev");
    std::fs::create_dir_all(&dir)?;
    let packages = dir.join(PACKAGE.replace("[s3,server]==", "-"));
    let lock = File::create(dir.join("moto.lock"))?;
    let locking = move || flock(&lock, FlockOperation::LockExclusive).map(|()| lock);
    let _held = tokio::task::spawn_blocking(locking).await??;
    if packages.join("moto").is_dir() || install(&packages).await? {
        return Ok(Some(packages.canonicalize()?));
    }
    Ok(None)
}

async fn install(packages: &Path) -> anyhow::Result<bool> {
    let unfinished = packages.with_added_extension("part");
    // What an installation that broke off left there would be taken for a part of this one.
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--target"])
        .arg(&unfinished)
        .arg(PACKAGE)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if !pip.is_ok_and(|status| status.success()) {
        return Ok(false);
    }
    std::fs::rename(&unfinished, packages)?;
    Ok(true)
}
