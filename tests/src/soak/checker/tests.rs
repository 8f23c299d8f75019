use super::*;

fn digest(of: &str) -> Sha256 {
    earwitness::spec::sha256(of.as_bytes())
}

fn job(number: u128) -> JobId {
    JobId(Uuid::from_u128(number))
}

fn sent(number: u128) -> (JobId, Sent) {
    let sent = Sent {
        call: format!("acme/{number}"),
        recording_sha256: digest("recording"),
        confirmed_at_once: true,
    };
    (job(number), sent)
}

fn result(number: u128) -> Result {
    Result {
        job: job(number),
        call: format!("acme/{number}"),
        manifest_sha256: digest("manifest"),
        recording_sha256: digest("recording"),
        defects: Vec::new(),
    }
}

fn event(number: u128) -> Event {
    Event {
        id: Uuid::from_u128(number + 1_000),
        job: job(number),
        manifest_sha256: Some(digest("manifest")),
        sha256: digest("event"),
    }
}

/// Three jobs, of which the third was lost once, sent twice, and told of twice.
fn good() -> History {
    let mut jobs: BTreeMap<JobId, Sent> = (1..=3).map(sent).collect();
    jobs.entry(job(3))
        .and_modify(|sent| sent.confirmed_at_once = false);
    History {
        jobs,
        resends_count: 1,
        results: (1..=3).map(result).collect(),
        events: (1..=3).chain([3]).map(event).collect(),
        left_over: Vec::new(),
        runs: [(job(1), 1), (job(2), 1), (job(3), 2)].into(),
        retries_count: 0,
        losses: vec![Loss {
            what: "worker killed",
            deliveries_count: 4,
            moves_count: 3,
        }],
    }
}

#[test]
fn a_run_that_kept_its_promises_is_said_to_have() {
    let verdict = check(&good());
    assert_eq!(verdict.violations(), [""; 0]);
    let expected = Verdict {
        jobs_count: 3,
        manifests_count: 3,
        event_ids_count: 3,
        recovered_count: 1,
        rescued_count: 1,
        event_copies_count: 1,
        bound: 5,
        moves_bound: 3,
        actual: 1,
        ..Verdict::default()
    };
    assert_eq!(verdict, expected);
}

/// What is done to a good history, and how the verdict on it begins.
type Case = (&'static str, fn(&mut History), &'static str);

#[rustfmt::skip] // a table reads as one
const BROKEN: [Case; 16] = [
    ("no manifest", |h| { h.results.remove(0); }, "1 lost, the first: acme/1"),
    ("no event", |h| { h.events.remove(0); }, "1 lost, the first: acme/1"),
    ("all gone", |h| { h.results.clear(); h.events.clear(); }, "3 lost"),
    ("two manifests", |h| h.results.push(Result { manifest_sha256: digest("manifest"), ..result(2) }), "1 duplicated, the first: acme/2: two manifests"),
    ("two events", |h| h.events.push(Event { id: Uuid::from_u128(9), ..event(2) }), "1 duplicated, the first: acme/2: two events"),
    ("copies that differ", |h| h.events.push(Event { sha256: digest("other"), ..event(2) }), "1 duplicated, the first: acme/2: copies differ"),
    ("a stranger's manifest", |h| h.results.push(result(4)), "1 unexpected, the first: a manifest of acme/4"),
    ("a manifest under another call", |h| h.results.push(Result { call: "acme/9".into(), ..result(1) }), "1 unexpected, the first: a manifest of acme/9"),
    ("a stranger's event", |h| h.events.push(event(4)), "1 unexpected, the first: an event of "),
    ("a failure", |h| h.events.push(Event { id: Uuid::from_u128(9), manifest_sha256: None, ..event(2) }), "1 unexpected, the first: acme/2 failed"),
    ("a dead letter", |h| h.left_over.push(("dead".into(), 2)), "1 unexpected, the first: 2 left in dead"),
    ("an object that is not whole", |h| h.results[1].defects.push("transcript.json differs".into()), "1 corrupt, the first: acme/2: transcript.json differs"),
    ("another recording", |h| h.results[1].recording_sha256 = digest("flipped"), "1 corrupt, the first: acme/2: not its recording"),
    ("an event of another manifest", |h| h.events[1].manifest_sha256 = Some(digest("flipped")), "1 corrupt, the first: acme/2: its event names another manifest"),
    ("too many executions", |h| { h.runs.insert(job(2), 10); }, "10 executions too many, at most 8 are explained"),
    ("a repetition without a loss", |h| { h.losses.clear(); h.resends_count = 0; }, "1 executions too many, at most 0 are explained"),
];

#[test]
fn each_way_to_break_a_promise_is_found() {
    for (name, break_it, expected) in BROKEN {
        let mut history = good();
        break_it(&mut history);
        let violations = check(&history).violations();
        assert_eq!(violations.len(), 1, "{name}: {violations:?}");
        assert!(
            violations[0].starts_with(expected),
            "{name}: {violations:?}"
        );
    }
}
