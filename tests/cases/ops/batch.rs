//! A batch over a real broker and store, killed in the middle: nothing is lost, nothing is done twice, and the counts add up.
//! 150 recordings, or as many as EARWITNESS_TEST_BATCH says.

use std::io::Write;
use std::path::Path;

use earwitness_tests::fleet::{Fleet, TENANT};
use earwitness_tests::process::{WorkerProcess, run, spawn};
use earwitness_tests::recordings::tone;
use earwitness_tests::signals::until;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const KNOWN: usize = 10;

async fn batch(fleet: &Fleet, arguments: &[&str]) -> (Value, i32) {
    let command = [&["batch"], arguments, &["--json"]].concat();
    let output = run(&command, &fleet.settings(&[])).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let line = serde_json::from_slice(&output.stdout);
    (line.expect(&said), output.status.code().unwrap())
}

/// Kept on the test's side of the pipe: a long run is not bound by the patience of a short command.
async fn run_to_its_end(fleet: &Fleet, book: &str) {
    let mut running = start(fleet, book);
    running.wait().await.unwrap();
}

fn start(fleet: &Fleet, book: &str) -> tokio::process::Child {
    let quick = ["--rate", "2000", "--in-flight", "100"];
    let command = [&["batch", "run", book], &quick[..]].concat();
    spawn(&command, &fleet.settings(&[])).unwrap()
}

async fn counts(fleet: &Fleet, book: &str) -> Value {
    batch(fleet, &["status", book]).await.0
}

fn added_up(counts: &Value) -> u64 {
    let fields = counts.as_object().unwrap().iter();
    let parts = fields.filter(|(name, _)| *name != "total");
    parts.map(|(_, count)| count.as_u64().unwrap()).sum()
}

async fn settled(workers: &mut [WorkerProcess], outcome: &str) -> f64 {
    let name = format!(r#"earwitness_jobs_total{{lane="batch",outcome="{outcome}",reason=""}}"#);
    let mut sum = 0.0;
    for worker in workers {
        sum += worker.metric(&name).await.unwrap();
    }
    sum
}

fn write_list(path: &Path, keys: impl Iterator<Item = String>) {
    let mut list = std::fs::File::create(path).unwrap();
    writeln!(list, "key").unwrap();
    for key in keys {
        writeln!(list, "{key}").unwrap();
    }
}

async fn manifests(fleet: &Fleet) -> usize {
    let keys = fleet.keys(&format!("{TENANT}/calls/")).await.unwrap();
    keys.iter()
        .filter(|key| key.ends_with("/manifest.json"))
        .count()
}

/// Where the lists and books of a test lie.
struct Desk {
    fleet: Fleet,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let fleet = Fleet::start(&json!({ "words": ["one"] })).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        Self { fleet, dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// What was planned, and the book's path.
    async fn plan(&self, list: &str, book: &str, look_up: &str) -> (Value, String) {
        let book = self.path(book);
        let plan = ["plan", list, "--tenant", TENANT, "--book", &book];
        let look_up = ["--look-up", look_up];
        let (planned, status) = batch(&self.fleet, &[&plan[..], &look_up].concat()).await;
        assert_eq!(status, 0, "{planned}");
        (planned, book)
    }

    async fn plan_keys(&self, book: &str, keys: impl Iterator<Item = String>) -> (Value, String) {
        let list = self.path(&format!("{book}.csv"));
        write_list(Path::new(&list), keys);
        self.plan(&list, book, "1000000").await
    }

    /// Two runs that are killed as soon as so many are done.
    async fn run_and_kill(&self, book: &str, at: [usize; 2]) {
        for done in at {
            let mut running = start(&self.fleet, book);
            let mut completed = 0;
            // Patient for as long as it goes on: thousands take their time.
            while completed < done as u64 {
                let more = async || {
                    let counts = counts(&self.fleet, book).await;
                    let total = counts["total"].as_u64().unwrap();
                    assert_eq!(added_up(&counts), total, "{counts}");
                    Ok(counts["completed"].as_u64().filter(|now| *now > completed))
                };
                completed = until("more of the batch to be done", more).await.unwrap();
            }
            // SIGKILL.
            running.kill().await.unwrap();
        }
    }
}

fn key(n: usize) -> String {
    format!("{TENANT}/archive/call-{n:05}.wav")
}

/// One is empty, one is no recording.
async fn upload_archive(fleet: &Fleet, count: usize) {
    for n in 0..count {
        let body = match n {
            20 => Vec::new(),
            21 => b"not a recording".to_vec(),
            _ => tone().unwrap(),
        };
        fleet.upload(&key(n), body).await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_that_is_killed_goes_on_and_every_recording_has_one_result() {
    let count = std::env::var("EARWITNESS_TEST_BATCH").map_or(150, |n| n.parse().unwrap());
    let desk = Desk::new().await;
    let fleet = &desk.fleet;
    upload_archive(fleet, count).await;
    let mut workers = [
        fleet.worker("a", &[]).unwrap(),
        fleet.worker("b", &[]).unwrap(),
    ];
    for worker in &mut workers {
        worker.ready().await.unwrap();
    }
    let (planned, first) = desk.plan_keys("first", (0..KNOWN).map(key)).await;
    assert_eq!(planned["items"], KNOWN);
    run_to_its_end(fleet, &first).await;
    assert_eq!(counts(fleet, &first).await["completed"], KNOWN);

    // The last one listed is not there, one is another tenant's, one is listed twice.
    let odd = ["globex/archive/c.wav".to_owned(), key(5)];
    let keys = (0..=count).map(key).chain(odd);
    let (planned, book) = desk.plan_keys("all", keys).await;
    assert_eq!(planned["refused"].as_array().unwrap().len(), 2);
    assert_eq!(planned["audio"]["known_count"], KNOWN, "from manifests");
    assert_eq!(planned["audio"]["unknown_count"], 1, "not there");
    assert!(planned["wall_hours"].as_f64().unwrap() > 0.0, "{planned}");
    let began = std::time::Instant::now();
    desk.run_and_kill(&book, [count / 6, count / 3]).await;
    run_to_its_end(fleet, &book).await;
    let counted = counts(fleet, &book).await;
    let expected = json!({
        "total": count + 3, "completed": count - KNOWN - 2, "skipped": KNOWN, "failed": 3,
        "refused": 2, "other_spec": 0, "in_flight": 0, "waiting": 0,
    });
    assert_eq!(counted, expected);
    assert_eq!(manifests(fleet).await, count - 2);
    let executed = settled(&mut workers, "completed").await;
    let wanted = f64::from(u32::try_from(count - 2).unwrap());
    // The one item that a run was publishing when it was killed may be published again, and two workers may have it at once.
    let bound = wanted + 2.0;
    assert!(
        (wanted..=bound).contains(&executed),
        "{executed} executed of {wanted}"
    );
    let repeated = settled(&mut workers, "already_done").await;
    let took = began.elapsed();
    println!("{executed} executed, {repeated} sent twice, in {took:?}: {counted}");
    failures_are_told_and_mended(&desk, &book, count).await;
}

async fn failures_are_told_and_mended(desk: &Desk, book: &str, count: usize) {
    let fleet = &desk.fleet;
    let (report, _) = batch(fleet, &["report", book]).await;
    let failures = report["failures"].as_array().unwrap();
    let text = |n: usize, field: &str| failures[n][field].as_str().unwrap().to_owned();
    let reasons = [0, 1, 2].map(|n| text(n, "reason"));
    assert_eq!(
        reasons,
        [
            "recording_not_found",
            "recording_empty",
            "unsupported_format"
        ]
    );
    assert_eq!(text(0, "replay"), format!("earwitness batch run {book}"));
    let replay = "earwitness dlq replay --tenant acme --reason recording_empty && ";
    assert!(text(1, "replay").starts_with(replay), "{report}");

    // What was put right is done by the next run.
    fleet.upload(&key(count), tone().unwrap()).await.unwrap();
    run_to_its_end(fleet, book).await;
    let mended = counts(fleet, book).await;
    assert_eq!(mended["failed"], 2, "{mended}");
    assert_eq!(mended["completed"], count - KNOWN - 1, "{mended}");

    // Planned anew, there is nothing left to do.
    let below = format!("s3://recordings/{TENANT}/archive/");
    let (_, again) = desk.plan(&below, "again", "10").await;
    run_to_its_end(fleet, &again).await;
    let counted = counts(fleet, &again).await;
    assert_eq!(counted["skipped"], count - 1, "{counted}");
    assert_eq!(counted["failed"], 2, "{counted}");
    assert_eq!(manifests(fleet).await, count - 1);
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn an_inventory_gives_the_newest_version_of_every_recording() {
    let desk = Desk::new().await;
    let lines = "\"recordings\",\"acme/a.wav\",\"\",\"true\",\"false\",\"16000\"\n\
                 \"recordings\",\"acme/b+%28c%29.wav\",\"\",\"true\",\"false\",\"32000\"\n\
                 \"recordings\",\"acme/a.wav\",\"v1\",\"false\",\"false\",\"1\"\n\
                 \"recordings\",\"acme/gone.wav\",\"v2\",\"true\",\"true\",\"\"\n\
                 \"recordings\",\"acme/d%zz.wav\",\"\",\"true\",\"false\",\"5\"\n";
    let data = packed(lines);
    let mut manifest = json!({
        "sourceBucket": "recordings", "destinationBucket": "arn:aws:s3:::recordings",
        "version": "2016-11-30", "creationTimestamp": "1514944800000", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size",
        "files": [{ "key": "inventory/data/1.csv.gz", "size": data.len(), "MD5checksum": "" }],
    });
    let fleet = &desk.fleet;
    fleet.upload("inventory/data/1.csv.gz", data).await.unwrap();
    let put = async |manifest: &Value| {
        let body = manifest.to_string().into_bytes();
        fleet.upload("inventory/manifest.json", body).await.unwrap();
    };
    put(&manifest).await;
    let list = "s3://recordings/inventory/manifest.json";
    let (planned, _) = desk.plan(list, "all", "0").await;
    // The second one's name makes no call name, and the last line's key is no UTF-8.
    assert_eq!(planned["items"], 1, "{planned}");
    let refused = planned["refused"].as_array().unwrap();
    let numbers: Vec<&Value> = refused.iter().map(|r| &r["line"]).collect();
    assert_eq!(numbers, [2, 5], "{planned}");
    assert_eq!(planned["audio"]["estimated_count"], 1);
    for (field, value) in [
        ("fileFormat", json!("ORC")),
        ("fileSchema", json!("Bucket")),
    ] {
        manifest[field] = value;
        put(&manifest).await;
        let book = desk.path(field);
        let plan = ["batch", "plan", list, "--tenant", TENANT, "--book", &book];
        let output = run(&plan, &fleet.settings(&[])).await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{field}");
        assert!(!Path::new(&book).exists(), "{field}");
    }
}
