//! An S3 API over a directory, in this process. In: a directory and bucket names. Out: [`S3Server`] with endpoint and
//! keys; it stops when dropped. s3s-fs looks before it writes and ignores If-Match; `Conforming` closes both gaps, and
//! [`S3Server::start_as_shipped`] leaves them open, because stores like that exist.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::Context;
use earwitness::config;
use earwitness::store::dir::DirStore;
use earwitness::store::{self, BlobStore, Listed};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as ConnectionBuilder;
use job_schema::job::BucketName;
use s3s::auth::SimpleAuth;
use s3s::dto;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

pub const ACCESS_KEY_ID: &str = "earwitness";
pub const SECRET_ACCESS_KEY: &str = "earwitness-dev";
pub const REGION: &str = "us-east-1";

#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    serving: JoinHandle<()>,
    touched: Touched,
}

/// Every object or prefix that was asked for, as `bucket/key`.
type Touched = Arc<Mutex<Vec<String>>>;

impl S3Server {
    /// A conforming store on a free port of this host, with these buckets.
    pub async fn start(data: &Path, buckets: &[&str]) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let keys = (ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        Self::listen(loopback, data, buckets, keys).await
    }

    /// As [`S3Server::start`], on an address and with keys of the caller's.
    pub async fn listen(
        listen: SocketAddr,
        data: &Path,
        buckets: &[&str],
        keys: (&str, &str),
    ) -> anyhow::Result<Self> {
        let files = open(data, buckets)?;
        let touched = Touched::default();
        let store = Conforming {
            files,
            listing: DirStore::new(data),
            data: data.to_owned(),
            order: RwLock::new(()),
            touched: Arc::clone(&touched),
        };
        Self::serve(listen, authenticated(store, keys), touched).await
    }

    /// s3s-fs without our corrections: If-Match is ignored, If-None-Match is not atomic.
    pub async fn start_as_shipped(data: &Path, buckets: &[&str]) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let keys = (ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let service = authenticated(open(data, buckets)?, keys);
        Self::serve(loopback, service, Touched::default()).await
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until the process ends.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        (&mut self.serving).await.context("serve S3 API")
    }

    /// What clients of a conforming store have asked for so far, in order.
    pub fn touched(&self) -> Vec<String> {
        lock(&self.touched).clone()
    }

    async fn serve(
        listen: SocketAddr,
        service: S3Service,
        touched: Touched,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.context("bind S3 API")?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(accept(listener, service));
        Ok(Self {
            address,
            serving,
            touched,
        })
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A store of ours over an API that takes these keys. It gives up sooner than a worker's would.
pub async fn client(endpoint: &str) -> anyhow::Result<Arc<dyn BlobStore>> {
    client_with(endpoint, &[]).await
}

/// The same with more settings.
pub async fn client_with(
    endpoint: &str,
    more: &[(&'static str, &str)],
) -> anyhow::Result<Arc<dyn BlobStore>> {
    let own = [
        ("store.endpoint", endpoint),
        ("store.region", REGION),
        ("store.path_style", "true"),
        ("store.access_key_id", ACCESS_KEY_ID),
        ("store.secret_access_key", SECRET_ACCESS_KEY),
        ("store.read_timeout_s", "2"),
        ("store.max_attempts", "3"),
    ];
    let flags: Vec<_> = own
        .iter()
        .chain(more)
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    let settings = config::assemble(None, &[], &flags)?.config.store;
    Ok(store::open(&settings).await?)
}

fn open(data: &Path, buckets: &[&str]) -> anyhow::Result<FileSystem> {
    for bucket in buckets {
        let path = data.join(bucket);
        std::fs::create_dir_all(&path).with_context(|| format!("make bucket {bucket}"))?;
    }
    FileSystem::new(data).map_err(|e| anyhow::anyhow!("open {}: {e:?}", data.display()))
}

fn authenticated(store: impl S3, (id, secret): (&str, &str)) -> S3Service {
    let mut builder = S3ServiceBuilder::new(store);
    builder.set_auth(SimpleAuth::from_single(id, secret));
    builder.build()
}

async fn accept(listener: TcpListener, service: S3Service) {
    // An accept fails for want of descriptors at worst; the next one may succeed.
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let connections = ConnectionBuilder::new(TokioExecutor::new());
            // A client that hangs up is its own business.
            let _ = connections
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

/// s3s-fs with the conditions that S3 promises: writes take turns, and reads honour If-Match.
struct Conforming {
    files: FileSystem,
    /// The same folder: s3s-fs walks a whole bucket for each page of a listing.
    listing: DirStore,
    data: PathBuf,
    /// Held for writing by whatever changes an object: body and ETag are two files below.
    order: RwLock<()>,
    touched: Touched,
}

impl Conforming {
    /// A page at its own cost; nothing where only s3s-fs knows what to answer.
    async fn page(&self, asked: &dto::ListObjectsV2Input) -> Option<dto::ListObjectsV2Output> {
        let bucket: BucketName = asked.bucket.parse().ok()?;
        if asked.delimiter.is_some() || !self.data.join(&asked.bucket).is_dir() {
            return None;
        }
        let after = asked
            .continuation_token
            .as_deref()
            .max(asked.start_after.as_deref());
        let limit = u16::try_from(asked.max_keys.unwrap_or(1_000)).ok()?;
        let prefix = asked.prefix.as_deref().unwrap_or_default();
        let page = self
            .listing
            .list(&bucket, prefix, after, limit)
            .await
            .ok()?;
        if page.foreign_count > 0 {
            return None;
        }
        let object = |found: Listed| dto::Object {
            key: Some(found.key.into()),
            size: i64::try_from(found.size_bytes).ok(),
            last_modified: found.last_modified.map(|at| SystemTime::from(at).into()),
            ..dto::Object::default()
        };
        let objects: Vec<_> = page.objects.into_iter().map(object).collect();
        Some(dto::ListObjectsV2Output {
            name: Some(asked.bucket.clone()),
            prefix: asked.prefix.clone(),
            key_count: i32::try_from(objects.len()).ok(),
            max_keys: Some(limit.into()),
            is_truncated: Some(page.next_after.is_some()),
            next_continuation_token: page.next_after,
            continuation_token: asked.continuation_token.clone(),
            start_after: asked.start_after.clone(),
            contents: Some(objects),
            ..dto::ListObjectsV2Output::default()
        })
    }

    fn note(&self, bucket: &str, key: &str) {
        lock(&self.touched).push(format!("{bucket}/{key}"));
    }
}

/// A list of names is whole whatever the thread that panicked was doing.
fn lock(touched: &Touched) -> MutexGuard<'_, Vec<String>> {
    touched.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Conforming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conforming").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl S3 for Conforming {
    async fn get_object(
        &self,
        request: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        self.note(&request.input.bucket, &request.input.key);
        let _turn = self.order.read().await;
        let wanted = request.input.if_match.clone();
        let response = self.files.get_object(request).await?;
        check_match(wanted.as_ref(), response.output.e_tag.as_ref())?;
        Ok(response)
    }

    async fn head_object(
        &self,
        request: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        self.note(&request.input.bucket, &request.input.key);
        let _turn = self.order.read().await;
        let wanted = request.input.if_match.clone();
        let response = self.files.head_object(request).await?;
        check_match(wanted.as_ref(), response.output.e_tag.as_ref())?;
        Ok(response)
    }

    async fn put_object(
        &self,
        request: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        self.note(&request.input.bucket, &request.input.key);
        let _turn = self.order.write().await;
        self.files.put_object(request).await
    }

    async fn delete_object(
        &self,
        request: S3Request<dto::DeleteObjectInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectOutput>> {
        self.note(&request.input.bucket, &request.input.key);
        let _turn = self.order.write().await;
        self.files.delete_object(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        let prefix = request.input.prefix.as_deref().unwrap_or_default();
        self.note(&request.input.bucket, prefix);
        let _turn = self.order.read().await;
        match self.page(&request.input).await {
            Some(page) => Ok(S3Response::new(page)),
            None => self.files.list_objects_v2(request).await,
        }
    }

    async fn head_bucket(
        &self,
        request: S3Request<dto::HeadBucketInput>,
    ) -> S3Result<S3Response<dto::HeadBucketOutput>> {
        self.files.head_bucket(request).await
    }

    async fn create_bucket(
        &self,
        request: S3Request<dto::CreateBucketInput>,
    ) -> S3Result<S3Response<dto::CreateBucketOutput>> {
        self.files.create_bucket(request).await
    }

    async fn list_buckets(
        &self,
        request: S3Request<dto::ListBucketsInput>,
    ) -> S3Result<S3Response<dto::ListBucketsOutput>> {
        self.files.list_buckets(request).await
    }
}

fn check_match(wanted: Option<&dto::IfMatch>, found: Option<&dto::ETag>) -> S3Result<()> {
    let Some(wanted) = wanted.and_then(dto::ETagCondition::as_etag) else {
        return Ok(());
    };
    if found.is_some_and(|found| found.strong_cmp(wanted)) {
        Ok(())
    } else {
        Err(s3_error!(PreconditionFailed, "ETag does not match"))
    }
}
