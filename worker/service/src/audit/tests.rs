//! Each kind of tampering with an audit log is found, and a log is taken up where it ended.

use super::*;

fn event(number: usize) -> Event {
    Event {
        action: Action::Completed,
        tenant: Some("acme".into()),
        job: Some(format!("j{number}")),
        call: Some("a \"b\" }".into()),
        outcome: "completed".into(),
    }
}

async fn log_of(path: &Path, events_count: usize) -> String {
    let log = AuditLog::open(Some(path), "w1").unwrap();
    for number in 0..events_count {
        log.record(event(number)).await.unwrap();
    }
    drop(log);
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn any_line_that_is_changed_added_or_taken_out_breaks_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let text = log_of(&dir.path().join("audit.jsonl"), 5).await;
    assert_eq!(verify(&text).unwrap().entries_count, 5);
    let lines: Vec<&str> = text.lines().collect();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change(&mut changed);
        verify(&changed.join("\n")).map_err(|broken| broken.line)
    };
    assert_eq!(
        with(&|all| all[2] = all[2].replace("acme", "globex")),
        Err(3)
    );
    assert_eq!(with(&|all| drop(all.remove(1))), Err(2));
    assert_eq!(with(&|all| drop(all.remove(0))), Err(1));
    assert_eq!(with(&|all| all.insert(3, all[3].clone())), Err(5));
    assert_eq!(with(&|all| all.swap(1, 2)), Err(2));
    assert_eq!(with(&|all| all[3] = String::new()), Err(4));
    // A cut at the end is whole, and shows in the last hash only.
    assert_eq!(
        with(&|all| drop(all.pop())).map(|head| head.entries_count),
        Ok(4)
    );
}

#[tokio::test]
async fn a_log_goes_on_where_it_ended_and_forgets_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let before = log_of(&path, 2).await;
    std::fs::write(&path, format!("{before}{{\"seq\":3,\"at\"")).unwrap();
    let after = log_of(&path, 1).await;
    assert!(after.starts_with(&before));
    assert_eq!(verify(&after).unwrap().entries_count, 3);
}

#[tokio::test]
async fn a_log_that_another_process_has_or_somebody_changed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let held = AuditLog::open(Some(&path), "w1").unwrap();
    assert!(AuditLog::open(Some(&path), "w2").is_err());
    held.record(event(0)).await.unwrap();
    drop(held);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("acme", "globex")).unwrap();
    assert!(AuditLog::open(Some(&path), "w1").is_err());
}

#[tokio::test]
async fn without_a_file_nothing_is_recorded() {
    let log = AuditLog::open(None, "w1").unwrap();
    assert_eq!(log.record(event(0)).await, Ok(()));
}
