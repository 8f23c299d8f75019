//! Messages that are no job, from a producer that may send anything.

use earwitness_tests::fleet::{Fleet, job};
use earwitness_tests::recordings::spoken;
use serde_json::{Value, json};

use super::{quick, settled, stop};

struct Bad {
    what: &'static str,
    body: Vec<u8>,
    code: &'static str,
    pointer: &'static str,
    /// Part of the detail.
    reason: &'static str,
}

fn bad(
    what: &'static str,
    body: impl Into<Vec<u8>>,
    code: &'static str,
    pointer: &'static str,
    reason: &'static str,
) -> Bad {
    Bad {
        what,
        body: body.into(),
        code,
        pointer,
        reason,
    }
}

/// A sound job but for one value.
fn with(pointer: &str, value: Value) -> String {
    let mut job = job("call-1");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    job.pointer_mut(parent).unwrap()[name] = value;
    job.to_string()
}

#[rustfmt::skip] // a table reads as one
fn bad_jobs() -> Vec<Bad> {
    let key = |key: &str| with("/recording/key", json!(key));
    vec![
        bad("unknown field", with("/surprise", json!(1)), "bad_job", "/surprise", "unknown field"),
        bad("unknown nested field", with("/recording/url", json!("x")), "bad_job", "/recording/url", "unknown field"),
        bad("wrong type", with("/recording/bucket", json!(7)), "bad_job", "/recording/bucket", "expected a string"),
        bad("10 MB body", vec![b' '; 10_000_000], "bad_job", "", "the limit is 65536"),
        bad("other tenant's prefix", key("globex/call-1.wav"), "tenant_mismatch", "/recording/key", ""),
        bad("prefix that only begins alike", key("acme-2/call-1.wav"), "tenant_mismatch", "/recording/key", ""),
        bad("way up", key("acme/../globex/call-1.wav"), "bad_job", "/recording/key", ""),
        bad("NUL", key("acme/call\u{0}1.wav"), "bad_job", "/recording/key", ""),
        bad("CR and LF", key("acme/call-1\r\nx: y"), "bad_job", "/recording/key", ""),
        bad("tenant that goes up", with("/tenant", json!("../globex")), "bad_job", "/tenant", ""),
        bad("newer version", with("/schema_version", json!(2)), "unsupported_schema_version", "/schema_version", "this worker knows 1"),
        bad("no JSON", "RIFF\u{0}\u{1}WAVE", "bad_job", "", "expected"),
        bad("no UTF-8", vec![0xff, 0xfe, b'{'], "bad_job", "", "not UTF-8"),
        bad("cut JSON", r#"{"schema_version": 1, "#, "bad_job", "", "EOF"),
        bad("nothing", "", "bad_job", "", ""),
    ]
}

#[tokio::test]
async fn what_is_no_job_is_buried_with_its_reason_and_the_worker_goes_on() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    for bad in bad_jobs() {
        fleet.publish(&bad.body).await.unwrap();
        let dead = fleet.dead_letter().await.unwrap();
        let header = |name: &str| dead.header(&format!("x-earwitness-{name}"));
        let what = bad.what;
        assert!(dead.body == bad.body, "{what}: kept byte for byte");
        assert_eq!(header("code").as_deref(), Some(bad.code), "{what}");
        assert_eq!(header("pointer").unwrap_or_default(), bad.pointer, "{what}");
        let detail = header("detail").unwrap();
        assert!(!detail.is_empty(), "{what}");
        assert!(detail.contains(bad.reason), "{what}: {detail}");
        assert_eq!(
            settled(&mut worker, "retried", bad.code).await,
            0.0,
            "{what}"
        );
    }
    assert_eq!(
        fleet.keys("").await.unwrap(),
        [""; 0],
        "nothing was written"
    );

    fleet.submit("good", spoken(1, 1.0).unwrap()).await.unwrap();
    let events = fleet.events(1).await.unwrap();
    assert_eq!(events[0].subject, "acme/good", "only of what was a job");
    fleet.result("good").await.unwrap();
    let keys = fleet.keys("").await.unwrap();
    assert!(keys.iter().all(|key| key.starts_with("acme/")), "{keys:?}");
    stop(worker).await;
}
