//! How fast each user connects.
//!
//! A token bucket a user: full at first and refilled by time. Who connects without end is turned away before anything is read or mapped for
//! him, and takes from nobody else's bucket.

use std::{collections::HashMap, time::Instant};

/// Buckets of a second's connections.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Connections a second, of each user; 0 is no limit.
    per_second: u32,
    /// Those that are not full. A user who is not here has a full one, so there are as many as connected within the last second.
    buckets: HashMap<u32, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Pace {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: HashMap::new(),
        }
    }

    /// Whether this user may connect once more, which is counted if so.
    pub(crate) fn admits(&mut self, uid: u32, now: Instant) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let full = f64::from(self.per_second);
        let refilled = |bucket: &Bucket| {
            let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
            full.min(bucket.tokens + seconds * full)
        };
        if !self.buckets.contains_key(&uid) {
            self.buckets.retain(|_, bucket| refilled(bucket) < full);
        }
        let tokens = self.buckets.get(&uid).map_or(full, refilled);
        let admitted = tokens >= 1.0;
        let tokens = if admitted { tokens - 1.0 } else { tokens };
        self.buckets.insert(uid, Bucket { tokens, at: now });
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_user_has_a_seconds_connections_at_once_and_then_as_they_are_refilled() {
        let mut pace = Pace::new(10);
        let start = Instant::now();
        let admitted = |pace: &mut Pace, now| (0..100).filter(|_| pace.admits(1, now)).count();
        assert_eq!(admitted(&mut pace, start), 10);
        assert_eq!(admitted(&mut pace, start + Duration::from_millis(350)), 3);
        assert_eq!(admitted(&mut pace, start + Duration::from_secs(60)), 10);
    }

    #[test]
    fn one_user_takes_nothing_from_another() {
        let mut pace = Pace::new(1);
        let now = Instant::now();
        assert!(pace.admits(1, now));
        assert!(!pace.admits(1, now));
        assert!(pace.admits(2, now));
    }

    #[test]
    fn users_who_have_not_connected_for_a_second_take_no_room() {
        let mut pace = Pace::new(5);
        let start = Instant::now();
        for uid in 0..1000 {
            assert!(pace.admits(uid, start));
        }
        assert!(pace.admits(5000, start + Duration::from_secs(1)));
        assert_eq!(pace.buckets.len(), 1);
    }

    #[test]
    fn without_a_limit_everybody_may_always() {
        let mut pace = Pace::new(0);
        let now = Instant::now();
        assert!((0..10_000).all(|_| pace.admits(1, now)));
        assert!(pace.buckets.is_empty());
    }
}
