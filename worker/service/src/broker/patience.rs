//! How long a confirm is waited for. In: a limit, and the connection where alarms of the broker are to be waited out. Out: the
//! answer. Fails with a timeout, and as what is waited for does. While a broker is short of memory or disk nothing is written to
//! it: to send the same once more would only be to send it twice when it has room again.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lapin::ConnectionStatus;

use super::error::BrokerError;

pub(super) struct Patience {
    pub(super) limit: Duration,
    /// Where set, the time in which this connection is blocked does not count. Whoever waits has to end it then.
    pub(super) waits_out: Option<ConnectionStatus>,
}

impl Patience {
    pub(super) async fn confirm<T>(
        &self,
        // Boxed by the caller: passed on by value it would make each future around it twice as large.
        work: Pin<Box<impl Future<Output = Result<T, BrokerError>>>>,
    ) -> Result<T, BrokerError> {
        let is_blocked = || {
            let connection = self.waits_out.as_ref();
            connection.is_some_and(ConnectionStatus::blocked)
        };
        in_time(self.limit, is_blocked, work).await
    }
}

async fn in_time<T>(
    limit: Duration,
    is_blocked: impl Fn() -> bool,
    mut work: Pin<Box<impl Future<Output = Result<T, BrokerError>>>>,
) -> Result<T, BrokerError> {
    loop {
        let was_blocked = is_blocked();
        if let Ok(answer) = tokio::time::timeout(limit, work.as_mut()).await {
            return answer;
        }
        // One that was blocked a moment ago has yet to take and confirm what was kept back.
        if !was_blocked && !is_blocked() {
            return Err(BrokerError::Timeout {
                action: "publish",
                after: limit,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::Notify;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(1);

    /// Whether an answer came to one who saw this at each look, and afterwards no alarm; it is given at one of them, if at all.
    async fn is_answered(blocked: &[bool], answered_at: Option<usize>) -> bool {
        let (looks, answer) = (Cell::new(0), Notify::new());
        let is_blocked = || {
            let look = looks.replace(looks.get() + 1);
            if answered_at == Some(look) {
                answer.notify_one();
            }
            blocked.get(look).copied().unwrap_or(false)
        };
        let work = async {
            answer.notified().await;
            Ok(())
        };
        in_time(LIMIT, is_blocked, Box::pin(work)).await.is_ok()
    }

    #[tokio::test]
    async fn an_alarm_is_waited_out_and_silence_without_one_is_not() {
        let long = [true; 50];
        assert!(is_answered(&[], Some(0)).await);
        assert!(!is_answered(&[], None).await);
        assert!(is_answered(&long, Some(50)).await);
        assert!(!is_answered(&long, None).await, "it is over");
        let mut sudden = long;
        sudden[0] = false;
        assert!(is_answered(&sudden, Some(50)).await, "it came later");
    }
}
