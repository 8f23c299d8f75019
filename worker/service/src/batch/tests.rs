//! Lists, estimates and the batch file, without servers.

use job_schema::job::BucketName;
use job_schema::{ErrorCode, SCHEMA_VERSION, TenantId};

use super::estimate::audio;
use super::source::{self, List, Reader};
use super::*;

fn read(text: &str, is_csv: bool) -> List {
    let (tenant, bucket): (TenantId, BucketName) =
        ("acme".parse().unwrap(), "recordings".parse().unwrap());
    let mut reader = Reader::new(&tenant, &bucket);
    if is_csv {
        source::csv(text.as_bytes(), &mut reader).unwrap();
    } else {
        source::json_lines(text.as_bytes(), &mut reader).unwrap();
    }
    reader.list
}

#[test]
fn a_bad_line_is_counted_with_its_number_and_stops_nothing() {
    let csv = "key,call,size_bytes,duration_s\n\
               acme/a.wav,,160000,\n\
               \"acme/b,1.wav\",call-b,1,12.5\n\
               globex/c.wav,c,,\n\
               acme/a.wav,,,\n\
               acme/15550100 x.wav,,,\n\
               acme/d.wav,d,lots,\n\
               acme/e.wav\n";
    let lines = r#"{"key": "acme/a.wav", "size_bytes": 160000}
{"key": "acme/b,1.wav", "call": "call-b", "size_bytes": 1, "duration_s": 12.5}
{"key": "globex/c.wav", "call": "c"}
{"key": "acme/a.wav"}
{"key": "acme/15550100 x.wav"}
{"key": "acme/d.wav", "size_bytes": "lots"}
{"key": "acme/e.wav", "cal": "e"}
"#;
    for (text, first_refused, is_csv) in [(csv, 4, true), (lines, 3, false)] {
        let list = read(text, is_csv);
        let calls: Vec<&str> = list.items.iter().map(|i| i.call.as_str()).collect();
        assert_eq!(calls, ["a", "call-b"], "{:?}", list.refused);
        assert_eq!(list.items[1].audio_ms, Some(12_500));
        let refused: Vec<u64> = list.refused.iter().map(|r| r.line).collect();
        let expected: Vec<u64> = (first_refused..first_refused + 5).collect();
        assert_eq!(refused, expected);
        let told = format!("{:?}", list.refused);
        assert!(
            !told.contains("15550100") && !told.contains("lots"),
            "{told}"
        );
    }
}

#[test]
fn a_header_that_is_not_known_is_refused_as_a_whole() {
    let (tenant, bucket) = ("acme".parse().unwrap(), "recordings".parse().unwrap());
    for text in ["key,phone\nacme/a.wav,1\n", "call\na\n"] {
        let mut reader = Reader::new(&tenant, &bucket);
        assert!(source::csv(text.as_bytes(), &mut reader).is_err(), "{text}");
    }
}

#[test]
fn lengths_that_are_not_known_are_told_by_what_is_known_of_the_same_kind() {
    let csv = "key,size_bytes,duration_s\n\
               acme/a.mp3,2000000,1000\n\
               acme/b.mp3,4000000,\n\
               acme/c.wav,16000000,\n\
               acme/d.wav,,\n";
    let audio = audio(&read(csv, true).items);
    // 1,000 s known, 2,000 s at 2 kB/s as its like, 1,000 s at the usual 16 kB/s.
    assert!((audio.hours - 4_000.0 / 3_600.0).abs() < 1e-6, "{audio:?}");
    assert_eq!(
        (
            audio.known_count,
            audio.estimated_count,
            audio.unknown_count
        ),
        (1, 2, 1)
    );
}

pub(crate) fn frozen() -> Frozen {
    Frozen {
        schema_version: SCHEMA_VERSION,
        created_at: Timestamp::UNIX_EPOCH,
        tenant: "acme".parse().unwrap(),
        options: Options::default(),
        phi: false,
        baa: false,
        model: "m".to_owned(),
        model_sha256: "0".repeat(64).parse().unwrap(),
        recognizer: "r".to_owned(),
        pipeline_revision: 1,
        rules_sha256: None,
        scorecard_sha256: None,
    }
}

#[test]
fn a_book_cut_at_any_byte_opens_with_what_was_noted_whole_and_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.batch");
    let list = read("key\nacme/a.wav\nacme/b.wav\nacme/c.wav\nbad\n", true);
    Book::create(&path, &frozen(), &list.items, &list.refused).unwrap();
    let planned = std::fs::metadata(&path).unwrap().len();
    let mut book = Book::open(&path).unwrap();
    assert!(matches!(Book::open(&path), Err(BookError::Busy)));
    book.note(&[(0, State::Begun), (1, State::Skipped)])
        .unwrap();
    book.note(&[(0, State::Sent), (0, State::Completed)])
        .unwrap();
    let failed = State::Failed(ErrorCode::RecordingEmpty);
    book.note(&[(2, failed)]).unwrap();
    let counts = book.counts();
    assert_eq!(
        (
            counts.completed,
            counts.skipped,
            counts.failed,
            counts.refused
        ),
        (1, 1, 1, 1)
    );
    assert_eq!(book.failures()[&ErrorCode::RecordingEmpty], (1, 0));
    drop(book);

    let whole = std::fs::read(&path).unwrap();
    for end in 0..whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let opened = Book::open(&path);
        if (end as u64) < planned {
            assert!(matches!(opened, Err(BookError::Unfinished)), "at {end}");
            continue;
        }
        let mut book = opened.unwrap();
        let c = book.counts();
        let sum =
            c.waiting + c.in_flight + c.skipped + c.completed + c.other_spec + c.failed + c.refused;
        assert_eq!((c.total, sum), (4, 4), "at {end}: {c:?}");
        book.note(&[(1, State::Sent)]).unwrap();
        drop(book);
        assert!(Book::look(&path).unwrap().was_published(1), "at {end}");
    }
}
