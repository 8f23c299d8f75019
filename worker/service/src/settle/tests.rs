use proptest::prelude::*;

use super::*;

fn policy() -> Policy {
    Policy {
        delays: [30, 300, 1800].map(Duration::from_secs).to_vec(),
        max_content_attempts: 3,
        max_infra_attempts: 20,
    }
}

fn attempts(content: u32, infra: u32, redelivered: u32) -> Attempts {
    Attempts {
        content,
        infra,
        redelivered,
    }
}

#[test]
fn each_outcome_is_settled_by_its_class_and_the_attempts_before() {
    use ErrorCode::{EngineCrashed, StoreUnavailable, UnsupportedCodec};
    // Code of the failure; content, infra, redelivered before; step of the retry or none for dead; content, infra after.
    let table = [
        (UnsupportedCodec, (0, 0, 0), None, (0, 0)),
        (UnsupportedCodec, (2, 7, 3), None, (2, 10)),
        (EngineCrashed, (0, 0, 0), Some(0), (1, 0)),
        (EngineCrashed, (1, 0, 0), Some(1), (2, 0)),
        (EngineCrashed, (2, 0, 0), None, (3, 0)),
        (EngineCrashed, (0, 19, 0), Some(0), (1, 19)),
        (StoreUnavailable, (0, 0, 0), Some(0), (0, 1)),
        (StoreUnavailable, (0, 1, 0), Some(1), (0, 2)),
        (StoreUnavailable, (0, 1, 2), Some(2), (0, 4)),
        (StoreUnavailable, (2, 18, 0), Some(2), (2, 19)),
        (StoreUnavailable, (0, 19, 0), None, (0, 20)),
        (StoreUnavailable, (0, 0, 19), None, (0, 20)),
        (StoreUnavailable, (0, u32::MAX, 9), None, (0, u32::MAX)),
    ];
    for (code, (content, infra, redelivered), step, (content_after, infra_after)) in table {
        let before = attempts(content, infra, redelivered);
        let after = attempts(content_after, infra_after, 0);
        let failure = Failure::new(code, "x");
        let expected = match step {
            Some(step) => Settlement::Retry {
                failure: failure.clone(),
                step,
                delay: policy().delays[step],
                attempts: after,
            },
            None => Settlement::Dead {
                failure: failure.clone(),
                attempts: after,
            },
        };
        let settled = settle(Outcome::Failed(failure), before, &policy());
        assert_eq!(settled, expected, "{code} after {before:?}");
    }
}

#[test]
fn a_shutdown_is_not_an_attempt() {
    let interrupted = Outcome::Interrupted {
        checkpoint: None,
        stalled: false,
    };
    let handed_over = Settlement::HandOver {
        checkpoint: None,
        attempts: attempts(2, 19, 0),
    };
    assert_eq!(
        settle(interrupted, attempts(2, 19, 0), &policy()),
        handed_over
    );
}

#[test]
fn a_hold_without_progress_is_a_failed_attempt() {
    let stalled = Outcome::Interrupted {
        checkpoint: None,
        stalled: true,
    };
    let Settlement::Retry {
        attempts: after, ..
    } = settle(stalled, attempts(0, 0, 0), &policy())
    else {
        panic!("not retried");
    };
    assert_eq!(after, attempts(1, 0, 0));
}

#[test]
fn a_stop_blames_the_recording_by_its_time_in_the_engine_and_else_the_host_by_the_whole_hold() {
    let (again, content, infra) = ((0, 0), (1, 0), (0, 1));
    let cases_s = [
        // In the engine, held, of at most.
        (29, 29, 30, again),
        (29, 30, 30, content),
        (14, 30, 30, infra),
        (599, 610, 1_200, again),
        (600, 601, 1_200, content),
        // A fetch of ten minutes and more, then a stop.
        (0, 700, 1_200, again),
        (90, 700, 1_200, again),
        (0, 1_200, 1_200, infra),
    ];
    for (recognised, held, max_hold, expected) in cases_s {
        let [recognised, held, max_hold] = [recognised, held, max_hold].map(Duration::from_secs);
        for progressed in [false, true] {
            let stopped = Stopped {
                checkpoint: None,
                progressed,
                recognised,
            };
            let outcome = after_stop(stopped, held, max_hold);
            let after = match settle(outcome, Attempts::default(), &policy()) {
                Settlement::HandOver { attempts, .. } | Settlement::Retry { attempts, .. } => {
                    (attempts.content, attempts.infra)
                }
                other => panic!("{other:?}"),
            };
            let expected = if progressed { again } else { expected };
            assert_eq!(after, expected, "{recognised:?}, {held:?} of {max_hold:?}");
        }
    }
}

#[test]
fn a_job_that_lost_too_many_workers_is_not_tried_again() {
    assert_eq!(worn_out(attempts(2, 10, 9), &policy()), None);
    let Some(Settlement::Dead { failure, attempts }) = worn_out(attempts(0, 10, 10), &policy())
    else {
        panic!("tried again");
    };
    assert_eq!((failure.code, attempts.infra), (ErrorCode::WorkerLost, 20));
}

fn any_code() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(ErrorCode::ALL)
}

proptest! {
    #[test]
    fn a_failure_is_never_dropped_and_never_forgotten(
        code in any_code(), content in 0..30_u32, infra in 0..30_u32, redelivered in 0..30_u32,
    ) {
        let before = attempts(content, infra, redelivered);
        let after = match settle(Outcome::Failed(Failure::new(code, "x")), before, &policy()) {
            Settlement::Retry { attempts, .. } | Settlement::Dead { attempts, .. } => attempts,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert!(after.content >= content);
        prop_assert!(after.infra >= infra + redelivered);
        prop_assert_eq!(after.redelivered, 0);
    }

    #[test]
    fn no_row_of_failures_goes_on_for_ever(
        codes in prop::collection::vec((any_code(), 0..3_u32), 40),
    ) {
        let mut attempts = Attempts::default();
        let limit = policy().max_content_attempts + policy().max_infra_attempts;
        for (round, (code, redelivered)) in (0..limit).zip(codes) {
            attempts.redelivered = redelivered;
            match settle(Outcome::Failed(Failure::new(code, "x")), attempts, &policy()) {
                Settlement::Retry { attempts: after, .. } => attempts = after,
                Settlement::Dead { .. } => return Ok(()),
                other => return Err(TestCaseError::fail(format!("round {round}: {other:?}"))),
            }
        }
        prop_assert!(false, "still retried after {} failures", limit);
    }
}
