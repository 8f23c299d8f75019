//! Whose rights a worker uses: a whole job in a session of its tenant's, at Ceph, which grants it no more than its policy says.

use bytes::Bytes;
use earwitness::store::{Location, PutMode};
use earwitness_tests::ceph::{Ceph, PACKAGES};
use earwitness_tests::fleet::{Fleet, RECORDINGS, RESULTS, TENANT, job};
use earwitness_tests::process::run;
use earwitness_tests::recordings::excerpt;
use earwitness_tests::s3::client_with;
use earwitness_tests::tap::Tap;
use job_schema::ErrorCode;
use job_schema::event::{Event, EventData};

use super::{slow, stop};

#[tokio::test]
async fn a_job_runs_to_its_end_with_the_rights_of_its_tenant_alone() {
    let test = "a_job_runs_to_its_end_with_the_rights_of_its_tenant_alone";
    let Some(ceph) = Ceph::start(&[RECORDINGS, RESULTS]).await.unwrap() else {
        println!("skipped: {test}: {PACKAGES} are not installed");
        return;
    };
    let store = client_with(&ceph.endpoint(), &[]).await.unwrap();
    let put = async |bucket: &str, key: String, bytes: Vec<u8>| {
        let at = Location::new(bucket.parse().unwrap(), key.parse().unwrap());
        let put = store.put(&at, Bytes::from(bytes), "audio/wav", PutMode::Overwrite);
        put.await.unwrap();
    };
    let wav = excerpt(1_000, 4_000).unwrap();
    put(RECORDINGS, format!("{TENANT}/whole.wav"), wav.clone()).await;
    put(RECORDINGS, format!("{TENANT}/deleted.wav"), wav).await;
    put(RESULTS, format!("_tombstones/{TENANT}/deleted"), Vec::new()).await;

    let role = ceph.make_role("jobs").await.unwrap();
    let tap = Tap::start(ceph.address()).await.unwrap();
    let endpoint = tap.endpoint();
    let settings = [
        ("store.endpoint", &*endpoint),
        ("store.sts_endpoint", &*endpoint),
        ("store.tenant_role", &*role),
        ("retention.days", "30"),
        ("retention.sweep_interval_s", "0"),
    ];
    let fleet = Fleet::start(&slow()).await.unwrap();
    for (role, told) in [
        (&*role, "get and delete work"),
        ("arn:aws:iam:::role/none", "assume store.tenant_role: "),
    ] {
        let more = [&settings[..], &[("store.tenant_role", role)]].concat();
        let checked = run(&["doctor"], &fleet.settings(&more)).await.unwrap();
        let text = String::from_utf8_lossy(&checked.stdout);
        assert!(text.contains(told), "{role}: {text}");
    }
    // Those of the checks.
    tap.take_requests();
    let worker = fleet.worker("restricted", &settings).unwrap();
    for (call, failure) in [
        ("whole", None),
        ("deleted", Some(ErrorCode::Deleted)),
        ("missing", Some(ErrorCode::RecordingNotFound)),
    ] {
        fleet
            .publish(job(call).to_string().as_bytes())
            .await
            .unwrap();
        let events = fleet.events(1).await.unwrap();
        assert_eq!(failed(&events[0]), failure, "{call}: {:?}", events[0]);
    }
    stop(worker).await;
    let requests = tap.take_requests();
    let is_the_tenants = |r: &&String| r.lines().next().is_some_and(|line| line.contains(TENANT));
    let is_in_session = |r: &&String| r.to_ascii_lowercase().contains("\nx-amz-security-token: ");
    for request in &requests {
        let (tenants, session) = (is_the_tenants(&request), is_in_session(&request));
        assert!(
            tenants == session || asks_nothing_of_objects(request),
            "{request}"
        );
    }
    assert!(
        requests.iter().filter(is_in_session).count() > 20,
        "{requests:?}"
    );
}

fn failed(event: &Event) -> Option<ErrorCode> {
    match &event.data {
        EventData::Completed(_) => None,
        EventData::Failed(failed) => Some(failed.code),
    }
}

/// Whether a bucket keeps versions is of no tenant, and asked in a session.
fn asks_nothing_of_objects(request: &str) -> bool {
    let line = request.lines().next().unwrap_or_default();
    line.contains("?versioning") || line.starts_with("POST / ")
}
