//! Header tables, which may hold anything. Reading is tolerant: a count of a wrong type counts as none, and the next
//! message we publish has a right one.

use lapin::types::{AMQPValue, FieldTable};

use crate::settle::Attempts;

pub(super) const CONTENT_ATTEMPTS: &str = "x-earwitness-content-attempts";
pub(super) const INFRA_ATTEMPTS: &str = "x-earwitness-infra-attempts";
/// Set by quorum queues on what they hand out again.
pub(super) const DELIVERY_COUNT: &str = "x-delivery-count";

pub(super) fn attempts(headers: Option<&FieldTable>) -> Attempts {
    let count = |name| headers.map_or(0, |headers| count(headers, name));
    Attempts {
        content: count(CONTENT_ATTEMPTS),
        infra: count(INFRA_ATTEMPTS),
        redelivered: count(DELIVERY_COUNT),
    }
}

pub(super) fn count(headers: &FieldTable, name: &str) -> u32 {
    let number: i128 = match headers.inner().get(name) {
        Some(AMQPValue::ShortShortInt(n)) => (*n).into(),
        Some(AMQPValue::ShortShortUInt(n)) => (*n).into(),
        Some(AMQPValue::ShortInt(n)) => (*n).into(),
        Some(AMQPValue::ShortUInt(n)) => (*n).into(),
        Some(AMQPValue::LongInt(n)) => (*n).into(),
        Some(AMQPValue::LongUInt(n)) => (*n).into(),
        Some(AMQPValue::LongLongInt(n)) => (*n).into(),
        _ => 0,
    };
    // What does not fit is a count all the same, and a great one.
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// Other keys that the broker is to route a message by. It has, and would each time that the message is sent on.
const COPIES_TO: &str = "CC";

/// What is between the broker and one sending of a message. Its own history would make it take a replay for a loop.
pub(super) fn is_brokers(name: &str) -> bool {
    [DELIVERY_COUNT, COPIES_TO].contains(&name)
        || ["x-death", "x-first-death", "x-last-death"]
            .iter()
            .any(|start| name.starts_with(start))
}

pub(super) fn put_attempts(headers: &mut FieldTable, attempts: Attempts) {
    let attempts = attempts.folded();
    headers.insert(CONTENT_ATTEMPTS.into(), attempts.content.into());
    headers.insert(INFRA_ATTEMPTS.into(), attempts.infra.into());
}

pub(super) fn put_text(headers: &mut FieldTable, name: &str, text: &str) {
    headers.insert(name.into(), AMQPValue::LongString(text.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_whatever_a_client_writes() {
        let values = [
            (AMQPValue::LongLongInt(3), 3),
            (AMQPValue::ShortShortUInt(4), 4),
            (AMQPValue::LongLongInt(-1), 0),
            (AMQPValue::LongLongInt(i64::MAX), u32::MAX),
            (AMQPValue::LongString("7".into()), 0),
            (AMQPValue::Void, 0),
        ];
        for (value, expected) in values {
            let mut headers = FieldTable::default();
            headers.insert(DELIVERY_COUNT.into(), value.clone());
            assert_eq!(attempts(Some(&headers)).redelivered, expected, "{value:?}");
        }
        assert_eq!(attempts(None), Attempts::default());
    }

    #[test]
    fn redeliveries_are_folded_into_what_is_published() {
        let mut headers = FieldTable::default();
        let before = Attempts {
            content: 1,
            infra: 2,
            redelivered: 3,
        };
        put_attempts(&mut headers, before);
        assert_eq!(attempts(Some(&headers)), before.folded());
    }
}
