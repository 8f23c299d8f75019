//! Hundreds of canaries, spoken in calls and in everything that a job, a rule or a key can carry: they may be in results
//! and nowhere else, with every log of every crate turned on, on every way that a job can end.

mod host;

use std::collections::BTreeSet;

use earwitness_tests::canaries::{found_in, number, words};
use earwitness_tests::chaos::link::Proxy;
use earwitness_tests::fleet::{Fleet, job};
use earwitness_tests::process::WorkerProcess;
use earwitness_tests::rabbit::PlainMessage;
use earwitness_tests::recordings::spoken;
use serde_json::{Value, json};

use super::poison::{LOUD, deadly_when_loud};
use super::stop;

const SPOKEN_COUNT: usize = 240;
const VOCABULARY_COUNT: usize = 200;
/// As many as can be heard of those: the recogniser picks them by the samples.
const HEARD_AT_LEAST: usize = 200;
const CALLS_COUNT: usize = 12;
/// Messages that end in `dead`, and those among them whose job could be read.
const DEAD_COUNT: usize = 7;
const FAILED_COUNT: usize = 3;

#[tokio::test]
async fn what_is_private_is_in_the_results_and_nowhere_else() {
    let mut script = deadly_when_loud("abort");
    script["words"] = json!(words('s', SPOKEN_COUNT));
    let fleet = Fleet::start(&script).await.unwrap();
    add_rules(&fleet);
    let mut worker = talkative(&fleet, "a", &[]);
    worker.ready().await.unwrap();

    calls_that_end_well(&fleet).await;
    let mut seen = Seen::default();
    for event in fleet.event_messages(CALLS_COUNT).await.unwrap() {
        seen.message("a completed event", &event);
    }
    let heard = heard(&fleet).await;
    assert!(heard.len() >= HEARD_AT_LEAST, "{} were heard", heard.len());

    let mut codes = calls_that_end_badly(&fleet, &mut seen, DEAD_COUNT - 1).await;
    for page in ["/metrics", "/readyz"] {
        seen.text(page, &worker.page(page).await.unwrap().body);
    }
    stop(worker).await;
    codes.insert(a_call_without_a_store(&fleet, &mut seen).await);
    let expected = [
        "bad_job",
        "bad_rules",
        "engine_crashed",
        "recording_not_found",
        "store_unavailable",
        "tenant_mismatch",
    ];
    assert_eq!(codes, expected.map(str::to_owned).into(), "ways to end");
    for event in fleet.event_messages(FAILED_COUNT + 1).await.unwrap() {
        seen.message("a failed event", &event);
    }

    seen.objects_beside_results(&fleet).await;
    seen.files(&fleet);
    let log = std::fs::read_to_string(fleet.scratch("a.log")).unwrap();
    for proof in ["job done", r#""level":"DEBUG""#, "engine process ended"] {
        assert!(log.contains(proof), "the log is to say: {proof}");
    }
    assert_eq!(seen.leaks, Vec::<String>::new());
    assert!(
        seen.places_count > 50,
        "{} places were looked at",
        seen.places_count
    );
}

/// With everything on, and a folder of its own for temporary files.
fn talkative(fleet: &Fleet, name: &str, more: &[(&str, &str)]) -> WorkerProcess {
    let temp = fleet.scratch("temp");
    std::fs::create_dir_all(&temp).unwrap();
    let audit = fleet.path(&format!("{name}.audit"));
    let more = [more, &[("audit.file", &*audit), ("worker.name", name)]].concat();
    let mut settings = fleet.settings(&more);
    settings.push(("RUST_LOG".to_owned(), "trace".to_owned()));
    settings.push(("TMPDIR".to_owned(), temp.display().to_string()));
    WorkerProcess::start(name, fleet.scratch(&format!("{name}.log")), &settings).unwrap()
}

fn add_rules(fleet: &Fleet) {
    let spoken = words('s', SPOKEN_COUNT);
    let rule = |(n, pair): (usize, &[String])| {
        format!(
            "[[rule]]\nname = \"rule-{n}\"\nphrases = [\"{}\"]\nweight = 1\n",
            pair.join(" ")
        )
    };
    let rules: String = spoken.chunks(2).enumerate().map(rule).collect();
    fleet
        .add_rules(
            "canary@1.toml",
            &format!("id = \"canary\"\nversion = 1\n{rules}"),
        )
        .unwrap();
    let broken = words('b', 2).join(" ");
    fleet
        .add_rules("broken@1.toml", &format!("id = \"broken\"\nversion = 1\n[[rule]]\nname = \"x\"\nphrases = [\"{broken}\"]\nquery = \"{broken} ((\"\n"))
        .unwrap();
}

/// All that can carry a word or a number, carries one.
fn canary_job(n: usize) -> Value {
    let mut job = job(&format!("call-{n}"));
    job["recording"]["key"] = json!(recording(n));
    let attributes: Vec<String> = words('a', 50);
    let attributes = attributes.iter().enumerate();
    let attributes =
        attributes.map(|(i, value)| (format!("agent{i}"), json!(format!("{value} {}", number(i)))));
    job["options"] = json!({
        "rules": { "id": "canary", "version": 1 },
        "vocabulary": words('v', VOCABULARY_COUNT),
        "formats": ["vtt", "srt", "txt", "verbose_json", "call_analytics"],
        "attributes": attributes.collect::<serde_json::Map<_, _>>(),
        "redaction": {},
    });
    job
}

/// Recorders like to name a file by the caller's number.
fn recording(n: usize) -> String {
    format!("acme/{}.wav", number(n))
}

async fn calls_that_end_well(fleet: &Fleet) {
    for n in 0..CALLS_COUNT {
        // Another loudness is other samples, and other words.
        let gain = 0.4 + 0.05 * n as f32;
        let sound = spoken(1, gain).unwrap();
        fleet.upload(&recording(n), sound).await.unwrap();
        let job = canary_job(n).to_string();
        fleet.publish(job.as_bytes()).await.unwrap();
    }
}

/// Canaries in the transcripts: what is looked for was really said.
async fn heard(fleet: &Fleet) -> BTreeSet<String> {
    let mut heard = BTreeSet::new();
    for n in 0..CALLS_COUNT {
        let manifest = fleet.result(&format!("call-{n}")).await.unwrap();
        let mut objects = manifest.objects.iter();
        let transcript = objects.find(|o| o.name == "transcript.json").unwrap();
        let bytes = fleet.bytes(transcript.key.as_str()).await.unwrap().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let all = words('s', SPOKEN_COUNT);
        heard.extend(all.into_iter().filter(|word| text.contains(word)));
        assert!(manifest.summary.rules_hit_count > 0, "no rule was hit");
    }
    heard
}

/// Sends a job for each way to end, and takes what becomes of it.
async fn calls_that_end_badly(fleet: &Fleet, seen: &mut Seen, count: usize) -> BTreeSet<String> {
    let mut refused = canary_job(0);
    refused["options"]["language"] = json!(words('l', 1)[0]);
    let mut cut_off = canary_job(0).to_string();
    cut_off.truncate(cut_off.len() / 2);
    let mut broken = canary_job(0);
    broken["call"] = json!("broken");
    broken["options"]["rules"]["id"] = json!("broken");
    let mut missing = canary_job(99);
    missing["call"] = json!("missing");
    let mut foreign = canary_job(1);
    foreign["recording"]["key"] = json!(format!("globex/{}.wav", number(1)));
    let mut loud = canary_job(98);
    loud["call"] = json!("loud");
    let poison = spoken(1, LOUD).unwrap();
    fleet.upload(&recording(98), poison).await.unwrap();
    let jobs = [refused, broken, missing, foreign, loud];
    let mut bodies: Vec<String> = jobs.iter().map(Value::to_string).collect();
    bodies.push(cut_off);
    assert_eq!(bodies.len(), count);
    let mut codes = BTreeSet::new();
    for body in bodies {
        fleet.publish(body.as_bytes()).await.unwrap();
        codes.insert(seen.dead_letter(fleet).await);
    }
    codes
}

/// Its worker had a store when it started, and has none when the job comes.
async fn a_call_without_a_store(fleet: &Fleet, seen: &mut Seen) -> String {
    let way = Proxy::start(fleet.store_address()).await.unwrap();
    let endpoint = format!("http://{}", way.address());
    let settings = [
        ("store.endpoint", &*endpoint),
        ("store.max_attempts", "1"),
        ("retry.max_infra_attempts", "1"),
    ];
    let mut worker = talkative(fleet, "b", &settings);
    worker.ready().await.unwrap();
    drop(way);
    let job = canary_job(0).to_string();
    fleet.publish(job.as_bytes()).await.unwrap();
    let code = seen.dead_letter(fleet).await;
    stop(worker).await;
    code
}

/// Where was looked, and what was found there.
#[derive(Default)]
struct Seen {
    places_count: usize,
    leaks: Vec<String>,
}

impl Seen {
    fn text(&mut self, place: &str, text: &str) {
        assert!(!text.is_empty(), "{place}: nothing to look at");
        self.places_count += 1;
        let leak = found_in(text).map(|found| format!("{place}: {found}"));
        self.leaks.extend(leak);
    }

    fn message(&mut self, place: &str, message: &PlainMessage) {
        let body = String::from_utf8_lossy(&message.body);
        self.text(place, &body);
        self.text(place, &format!("{:?}", message.properties));
    }

    /// The body of a dead letter is the message as it came. Returns the code in its headers.
    async fn dead_letter(&mut self, fleet: &Fleet) -> String {
        let dead = fleet.dead_letter().await.unwrap();
        let around = format!("{} {:?}", dead.routing_key, dead.properties);
        self.text("what is around a dead letter", &around);
        dead.header("x-earwitness-code").unwrap()
    }

    /// Status, presence, tombstones, receipts, and the names of all objects.
    async fn objects_beside_results(&mut self, fleet: &Fleet) {
        for key in fleet.keys("").await.unwrap() {
            self.text("the name of an object", &key);
            if !key.contains("/calls/") {
                let bytes = fleet.bytes(&key).await.unwrap().unwrap();
                self.text(&key, &String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// Logs, audit logs, and whatever else a worker left.
    fn files(&mut self, fleet: &Fleet) {
        let temp = std::fs::read_dir(fleet.scratch("temp")).unwrap();
        assert_eq!(temp.count(), 0, "temporary files are left");
        for name in ["a.log", "b.log", "a.audit", "b.audit"] {
            self.text(name, &std::fs::read_to_string(fleet.scratch(name)).unwrap());
        }
    }
}
