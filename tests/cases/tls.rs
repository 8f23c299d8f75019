//! Nobody reads along: both servers are believed with a certificate of a known authority alone, and without encryption only
//! on this host.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::net::TcpListener;
use std::path::Path;

use bytes::Bytes;
use earwitness::broker::{Broker, BrokerError};
use earwitness::config::{self, Config};
use earwitness::store::{Location, PutMode, StoreError, open};
use earwitness::topology::Topology;
use earwitness_tests::node::Node;
use earwitness_tests::s3::{ACCESS_KEY_ID, S3Server, SECRET_ACCESS_KEY};
use earwitness_tests::tls::{Authority, Identity, TlsFront};
use secrecy::SecretString;
use uuid::Uuid;

fn settings(flags: &[(&str, &str)]) -> Config {
    let flags: Vec<_> = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    config::assemble(None, &[], &flags).unwrap().config
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A port on which nobody listens, for a server that cannot choose one.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn tls_listener(port: u16, ca: &Path, identity: &Identity) -> String {
    let (ca, certificate, key) = (text(ca), text(&identity.certificate), text(&identity.key));
    format!(
        r#"{{ssl_listeners, [{{"127.0.0.1", {port}}}]}},
           {{ssl_options, [{{cacertfile, "{ca}"}}, {{certfile, "{certificate}"}}, {{keyfile, "{key}"}}]}}"#
    )
}

#[tokio::test]
async fn a_broker_is_believed_with_a_certificate_of_a_known_authority_alone() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(&dir.path().join("ours")).unwrap();
    let other = Authority::new(&dir.path().join("other")).unwrap();
    let port = free_port();
    let listener = tls_listener(port, &ours.file(), &ours.identity().unwrap());
    let _node = Node::start(&dir.path().join("node"), &listener)
        .await
        .unwrap();
    let prefix = format!("tls-{}", Uuid::now_v7().simple());
    let connect = async |host: &str, ca: &Path| {
        let url = format!("amqps://guest:guest@{host}:{port}/%2f");
        let config = settings(&[
            ("broker.url", &url),
            ("broker.ca_file", text(ca)),
            ("broker.prefix", &prefix),
        ]);
        Broker::connect(&config.broker, Topology::from(&config), "tls test").await
    };

    let broker = connect("127.0.0.1", &ours.file()).await.unwrap();
    broker.declare().await.unwrap();
    assert_eq!(broker.check().await.unwrap(), []);
    broker.close().await;
    for (case, host, ca) in [
        ("another authority", "127.0.0.1", other.file()),
        ("the system's alone", "127.0.0.1", "".into()),
        ("another name", "localhost", ours.file()),
    ] {
        let refused = connect(host, &ca).await.unwrap_err();
        assert!(
            matches!(refused, BrokerError::Untrusted { .. }),
            "{case}: {refused:?}"
        );
        let told = refused.to_string();
        assert!(
            told.contains("set broker.ca_file") && !told.contains("guest"),
            "{case}: {told}"
        );
    }
    let absent = connect("127.0.0.1", Path::new("/nowhere.pem")).await;
    let told = absent.unwrap_err().to_string();
    assert!(told.contains("broker.ca_file: entity not found"), "{told}");
}

#[tokio::test]
async fn a_store_is_believed_with_a_certificate_of_a_known_authority_alone() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(&dir.path().join("ours")).unwrap();
    let other = Authority::new(&dir.path().join("other")).unwrap();
    let server = S3Server::start(&dir.path().join("s3"), &["results"])
        .await
        .unwrap();
    let front = TlsFront::start(server.address(), &ours.identity().unwrap())
        .await
        .unwrap();
    let at = Location::new("results".parse().unwrap(), "acme/x".parse().unwrap());
    let put = async |host: &str, ca: &Path| {
        let endpoint = format!("https://{host}:{}", front.address().port());
        let config = settings(&[
            ("store.endpoint", &endpoint),
            ("store.path_style", "true"),
            ("store.access_key_id", ACCESS_KEY_ID),
            ("store.secret_access_key", SECRET_ACCESS_KEY),
            ("store.ca_file", text(ca)),
            ("store.max_attempts", "1"),
        ]);
        let store = open(&config.store).await?;
        let body = Bytes::from_static(b"x");
        store.put(&at, body, "text/plain", PutMode::Overwrite).await
    };
    put("127.0.0.1", &ours.file()).await.unwrap();
    for (case, host, ca) in [
        ("another authority", "127.0.0.1", other.file()),
        ("the system's alone", "127.0.0.1", "".into()),
        ("another name", "localhost", ours.file()),
    ] {
        let refused = put(host, &ca).await.unwrap_err();
        let told = refused.to_string();
        assert!(
            matches!(refused, StoreError::Unavailable { .. }),
            "{case}: {told}"
        );
        assert!(told.contains("set store.ca_file"), "{case}: {told}");
    }
    let absent = put("127.0.0.1", Path::new("/nowhere.pem")).await;
    let told = absent.unwrap_err().to_string();
    assert!(told.contains("store.ca_file: entity not found"), "{told}");
}

#[tokio::test]
async fn what_could_be_read_on_the_way_is_refused_with_what_to_do() {
    for (key, url, remedy) in [
        ("broker.url", "amqp://u:hush@mq.example/v", "use amqps://"),
        ("broker.url", "amqp://u:hush@10.0.0.7/v", "use amqps://"),
        (
            "broker.url",
            "amqp://u:hush@127.0.0.1.example/v",
            "use amqps://",
        ),
        ("store.endpoint", "http://s3.example", "use https://"),
        (
            "store.endpoint",
            "http://u:hush@[fd00::1]:9000",
            "use https://",
        ),
    ] {
        let refused = config::assemble(None, &[], &[(key, url.to_owned())]).unwrap_err();
        assert!(matches!(refused, config::ConfigError::Invalid { .. }));
        let told = refused.to_string();
        assert!(told.contains(key) && told.contains(remedy), "{url}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
    for (key, url) in [
        ("broker.url", "amqp://u:p@localhost/v"),
        ("broker.url", "amqp://u:p@[::1]:5672/v"),
        ("store.endpoint", "http://127.0.0.1:9000"),
    ] {
        settings(&[(key, url)]);
    }
    // Whoever makes settings by hand does not get past it either.
    let mut broker = settings(&[]).broker;
    broker.url = Some(SecretString::from("amqp://u:hush@mq.example/v"));
    let refused = Broker::version(&broker).await.unwrap_err();
    let told = refused.to_string();
    assert!(
        told.contains("use amqps://") && !told.contains("hush"),
        "{told}"
    );
}
