//! Whose rights requests carry: a session for each tenant, as moto and Ceph are asked for it, and the account that buckets have
//! to belong to. moto does not enforce a session's policy, so what it takes away is seen at Ceph.

use std::sync::Arc;

use bytes::Bytes;
use earwitness::store::{self, BlobStore, Location, PutMode, PutOutcome, Scope, StoreError, erase};
use earwitness_tests::ceph::{Ceph, PACKAGES as CEPH_PACKAGES};
use earwitness_tests::moto::{Moto, PACKAGE};
use earwitness_tests::s3::client_with;
use earwitness_tests::tap::Tap;
use job_schema::TenantId;
use job_schema::job::BucketName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{BUCKET, put};

const RESULTS: &str = "results";
const ROLE: &str = "arn:aws:iam::123456789012:role/jobs";
const OWNER: &str = "123456789012";

fn at(key: &str) -> Location {
    Location::new(RESULTS.parse().unwrap(), key.parse().unwrap())
}

/// With our own guard before it, as a job has it.
fn guarded(store: &Arc<dyn BlobStore>, tenant: &str) -> Arc<dyn BlobStore> {
    with_scope(tenant, |scope| store::of_tenant(store, scope))
}

/// Past our own guard: what is left is the store's.
fn unguarded(store: &Arc<dyn BlobStore>, tenant: &str) -> Arc<dyn BlobStore> {
    with_scope(tenant, |scope| store.with_rights_of(scope).unwrap())
}

fn with_scope<T>(tenant: &str, take: impl FnOnce(Scope<'_>) -> T) -> T {
    let tenant: TenantId = tenant.parse().unwrap();
    let [recordings, results] = [BUCKET, RESULTS].map(|name| name.parse::<BucketName>().unwrap());
    take(Scope {
        tenant: &tenant,
        recordings: &recordings,
        results: &results,
    })
}

/// What a job does, by and by.
async fn work(store: &dyn BlobStore, tenant: &str) {
    let result = at(&format!("{tenant}/calls/c/s/manifest.json"));
    assert!(
        !store
            .exists(&at(&format!("_tombstones/{tenant}/c")))
            .await
            .unwrap()
    );
    assert!(
        !store
            .exists(&at(&format!("_tenant_tombstones/{tenant}")))
            .await
            .unwrap()
    );
    assert!(
        !store
            .exists(&at(&format!("_cancelled/{tenant}/j")))
            .await
            .unwrap()
    );
    let missing = store.get(&result, 100).await.unwrap_err();
    assert!(
        matches!(missing, StoreError::NotFound { .. }),
        "{missing:?}"
    );
    let mark = at(&format!("_retention/2026-11-29/{tenant}/c"));
    for (at, mode) in [(&mark, PutMode::Overwrite), (&result, PutMode::IfAbsent)] {
        let put = store.put(at, Bytes::from_static(b"words"), "text/plain", mode);
        assert_eq!(put.await.unwrap(), PutOutcome::Created);
    }
    let put = store.put(
        &result,
        Bytes::from_static(b"late"),
        "text/plain",
        PutMode::IfAbsent,
    );
    assert_eq!(put.await.unwrap(), PutOutcome::AlreadyExists);
    assert_eq!(store.get(&result, 100).await.unwrap(), "words");
    erase(store, &result).await.unwrap();
    assert!(!store.exists(&result).await.unwrap());
}

#[tokio::test]
async fn a_tenants_requests_carry_a_session_that_was_asked_for_that_tenant_alone() {
    let test = "a_tenants_requests_carry_a_session_that_was_asked_for_that_tenant_alone";
    let Some(moto) = Moto::start(&[BUCKET, RESULTS]).await.unwrap() else {
        println!("skipped: {test}: pip could not install {PACKAGE}");
        return;
    };
    let tap = Tap::start(moto.address()).await.unwrap();
    let settings = [
        ("store.tenant_role", ROLE),
        ("store.sts_endpoint", &tap.endpoint()),
        ("store.bucket_owner", OWNER),
    ];
    let own = client_with(&tap.endpoint(), &settings).await.unwrap();
    put(&*own, "acme/call.wav", b"sound").await;
    let before = tap.take_requests();
    assert!(
        !before.is_empty() && !before.iter().any(|r| is_in_session(r)),
        "{before:?}"
    );
    assert!(before.iter().all(|r| names_the_owner(r)), "{before:?}");
    for tenant in ["acme", "globex"] {
        work(&*guarded(&own, tenant), tenant).await;
        work(&*guarded(&own, tenant), tenant).await;
        let requests = tap.take_requests();
        let (asked, worked): (Vec<_>, Vec<_>) =
            requests.iter().partition(|r| r.starts_with("POST"));
        assert_eq!(asked.len(), 1, "{asked:?}");
        for part in [
            "Action=AssumeRole&".to_owned(),
            format!("RoleSessionName=earwitness%40{tenant}&"),
            // In the policy: `results/TENANT/*`.
            format!("results%2F{tenant}%2F*"),
        ] {
            let text = asked[0].replace("%2A", "*");
            assert!(text.contains(&part), "{part} in {text}");
        }
        assert!(worked.len() > 10, "{worked:?}");
        for request in worked {
            assert!(
                is_in_session(request) && names_the_owner(request),
                "{request}"
            );
        }
    }
}

fn is_in_session(request: &str) -> bool {
    header(request, "x-amz-security-token").is_some()
}

/// In a header that is signed.
fn names_the_owner(request: &str) -> bool {
    let signed = header(request, "authorization").unwrap_or_default();
    header(request, "x-amz-expected-bucket-owner") == Some(OWNER)
        && signed.contains("x-amz-expected-bucket-owner")
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = request.lines().filter_map(|line| line.split_once(": "));
    let found = headers.find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

#[tokio::test]
async fn a_tenant_whose_role_is_refused_is_told_and_stops_no_other() {
    let test = "a_tenant_whose_role_is_refused_is_told_and_stops_no_other";
    let Some(moto) = Moto::start(&[BUCKET, RESULTS]).await.unwrap() else {
        println!("skipped: {test}: pip could not install {PACKAGE}");
        return;
    };
    let sts = refuses("barred").await;
    let settings = [("store.tenant_role", ROLE), ("store.sts_endpoint", &*sts)];
    let own = client_with(&moto.endpoint(), &settings).await.unwrap();
    let barred = guarded(&own, "barred");
    let key = at("barred/calls/c/s/manifest.json");
    // Nobody has got it so far: the role may be wrong for all.
    let error = barred.get(&key, 1).await.unwrap_err();
    let text = "fetch object: assume store.tenant_role: AccessDenied";
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(error.to_string(), text);
    work(&*guarded(&own, "acme"), "acme").await;
    let error = barred.get(&key, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::RoleRefused { .. }), "{error:?}");
    assert_eq!(error.to_string(), text);
    let failure = error.recording_failure();
    assert_eq!(failure.pointer.as_deref(), Some("/tenant"));
    work(&*guarded(&own, "acme"), "acme").await;
}

#[tokio::test]
async fn an_sts_that_is_down_is_the_stores_trouble() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://{free}");
    let settings = [
        ("store.tenant_role", ROLE),
        ("store.sts_endpoint", &*endpoint),
    ];
    let own = client_with(&endpoint, &settings).await.unwrap();
    let error = guarded(&own, "acme")
        .get(&at("acme/a"), 1)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(
        text.contains("assume store.tenant_role") && text.contains("refused"),
        "{text}"
    );
}

/// An STS that has credentials for everybody but one tenant.
async fn refuses(tenant: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let mut length = 0;
            // A form without a length ahead of it would not be the SDK's.
            while !is_whole(&request[..length]) {
                length += socket.read(&mut request[length..]).await.unwrap();
            }
            let asked = String::from_utf8_lossy(&request[..length]);
            let (status, body) = match asked.contains(&format!("earwitness%40{tenant}")) {
                true => (
                    "403 Forbidden",
                    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
                ),
                false => (
                    "200 OK",
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAGRANTED</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
                ),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    endpoint
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = header(head, "content-length").and_then(|length| length.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

#[tokio::test]
async fn ceph_gives_a_tenants_session_nothing_that_is_anothers() {
    let test = "ceph_gives_a_tenants_session_nothing_that_is_anothers";
    let Some(ceph) = Ceph::start(&[BUCKET, RESULTS]).await.unwrap() else {
        println!("skipped: {test}: {CEPH_PACKAGES} are not installed");
        return;
    };
    let (role, endpoint) = (ceph.make_role("jobs").await.unwrap(), ceph.endpoint());
    let settings = [
        ("store.tenant_role", &*role),
        ("store.sts_endpoint", &*endpoint),
    ];
    let own = client_with(&endpoint, &settings).await.unwrap();
    let others = [
        "globex/calls/c/s/transcript.json",
        // A call of another tenant's may have any name.
        "globex/calls/acme/s/transcript.json",
        "acme-2/jobs/j.json",
        "_tombstones/globex/acme",
        "_retention/2026-11-29/globex/acme",
        "_workers/w.json",
    ];
    for key in others {
        let at = at(key);
        let put = own.put(
            &at,
            Bytes::from_static(b"words"),
            "text/plain",
            PutMode::Overwrite,
        );
        put.await.unwrap();
    }
    put(&*own, "acme/call.wav", b"sound").await;
    put(&*own, "globex/call.wav", b"sound").await;
    let store = unguarded(&own, "acme");
    work(&*store, "acme").await;
    let recording = |key: &str| Location::new(BUCKET.parse().unwrap(), key.parse().unwrap());
    assert_eq!(
        store.get(&recording("acme/call.wav"), 9).await.unwrap(),
        "sound"
    );
    denied(
        store
            .put(
                &recording("acme/call.wav"),
                Bytes::new(),
                "text/plain",
                PutMode::Overwrite,
            )
            .await,
    );
    denied(store.get(&recording("globex/call.wav"), 9).await);
    for key in others {
        let at = at(key);
        denied(store.head(&at, None).await);
        denied(store.get(&at, 9).await);
        denied(store.exists(&at).await);
        denied(
            store
                .put(&at, Bytes::new(), "text/plain", PutMode::Overwrite)
                .await,
        );
        denied(store.delete(&at).await);
        assert_eq!(own.get(&at, 9).await.unwrap(), "words", "{key}");
    }
    for prefix in ["", "globex/", "acme", "_tombstones/", "_tombstones/globex/"] {
        denied(store.list(&at("acme/a").bucket, prefix, None, 9).await);
        denied(store.versions(&at("acme/a").bucket, prefix).await);
    }
    let tombstone = at("_tombstones/acme/c");
    let put = own.put(&tombstone, Bytes::new(), "text/plain", PutMode::Overwrite);
    put.await.unwrap();
    assert!(store.exists(&tombstone).await.unwrap());
}

fn denied<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let is_denied = matches!(outcome, Err(StoreError::Forbidden { .. }));
    assert!(is_denied, "{outcome:?}");
}
