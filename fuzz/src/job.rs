//! A message body, from any producer. In: bytes. Promise: a job or a failure with a code; a job names a recording of its
//! own tenant, and written out again it is read as the same job.

use job_schema::{Job, parse};

pub fn read(bytes: &[u8]) -> bool {
    let Ok(job) = parse::job(bytes) else {
        return false;
    };
    let key = &job.recording.key;
    assert!(key.belongs_to(&job.tenant), "a recording of another tenant");
    assert_eq!(again(&job), job, "read back as another job");
    true
}

/// As a worker that publishes it to another queue writes it.
pub(crate) fn again(job: &Job) -> Job {
    let body = serde_json::to_vec(job).expect("a job has string keys only");
    parse::job(&body).expect("a job that was read can be read again")
}
