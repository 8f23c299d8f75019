//! A few values by key, of which the one that was not used for longest goes when there is no room. In: keys, and how a value
//! is made. Out: the value. Nothing fails.

use std::collections::HashMap;
use std::hash::Hash;

#[derive(Debug)]
pub(super) struct Recent<K, V> {
    limit: usize,
    uses_count: u64,
    /// With the use at which it was wanted last.
    values: HashMap<K, (u64, V)>,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            uses_count: 0,
            values: HashMap::new(),
        }
    }

    pub(super) fn get(&mut self, key: K, make: impl FnOnce() -> V) -> V {
        self.uses_count += 1;
        let now = self.uses_count;
        if let Some((used, value)) = self.values.get_mut(&key) {
            *used = now;
            return value.clone();
        }
        if self.values.len() >= self.limit {
            let oldest = self.values.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.values.remove(&oldest);
            }
        }
        let value = make();
        self.values.insert(key, (now, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_the_rest_is_made_once() {
        let mut recent = Recent::new(2);
        let mut made = Vec::new();
        for key in ["a", "b", "a", "c", "a", "b", "c"] {
            let value = recent.get(key, || {
                made.push(key);
                key.to_owned()
            });
            assert_eq!(value, key);
        }
        assert_eq!(made, ["a", "b", "c", "b", "c"]);
    }
}
