//! Who may connect, and for what.

use crate::socket::PeerCredentials;

/// Users and groups by their numbers. Nobody is named by default.
///
/// A user's own entry counts more than those of his groups, and one for reading more than one for everything:
///
/// ```text
/// read_only_uids   then   uids   then   read_only_gids   then   gids   then nobody
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Users that may do everything.
    pub uids: Vec<u32>,
    /// Groups whose members may, those of which it is not the first group among them.
    pub gids: Vec<u32>,
    /// Users that may only read.
    pub read_only_uids: Vec<u32>,
    /// Groups whose members may only read.
    pub read_only_gids: Vec<u32>,
}

/// What a peer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Whatever its units take.
    Everything,
    /// What changes nothing. This crate only says so: commands are its owner's.
    ReadOnly,
}

impl Access {
    /// What this peer may do, if it may connect at all. `groups` gives its further groups, and is asked only where they count.
    #[must_use]
    pub fn grant(
        &self,
        peer: &PeerCredentials,
        groups: impl FnOnce() -> Vec<u32>,
    ) -> Option<Grant> {
        if self.read_only_uids.contains(&peer.uid) {
            return Some(Grant::ReadOnly);
        }
        if self.uids.contains(&peer.uid) {
            return Some(Grant::Everything);
        }
        if self.gids.is_empty() && self.read_only_gids.is_empty() {
            return None;
        }
        let groups = groups();
        let member =
            |of: &[u32]| of.contains(&peer.gid) || groups.iter().any(|gid| of.contains(gid));
        if member(&self.read_only_gids) {
            Some(Grant::ReadOnly)
        } else {
            member(&self.gids).then_some(Grant::Everything)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            uids: vec![1, 3],
            gids: vec![10, 12],
            read_only_uids: vec![2, 3],
            read_only_gids: vec![11, 12],
        }
    }

    fn granted(uid: u32, gid: u32, further: &[u32]) -> Option<Grant> {
        let peer = PeerCredentials { pid: 1, uid, gid };
        access().grant(&peer, || further.to_vec())
    }

    #[test]
    fn a_users_entry_counts_more_than_his_groups() {
        assert_eq!(granted(1, 11, &[11]), Some(Grant::Everything));
        assert_eq!(granted(2, 10, &[10]), Some(Grant::ReadOnly));
    }

    #[test]
    fn an_entry_for_reading_counts_more_than_one_for_everything() {
        assert_eq!(granted(3, 0, &[]), Some(Grant::ReadOnly));
        assert_eq!(granted(9, 12, &[]), Some(Grant::ReadOnly));
        assert_eq!(granted(9, 10, &[11]), Some(Grant::ReadOnly));
    }

    #[test]
    fn the_first_group_and_the_further_ones_count_alike() {
        assert_eq!(granted(9, 10, &[]), Some(Grant::Everything));
        assert_eq!(granted(9, 5, &[6, 10]), Some(Grant::Everything));
        assert_eq!(granted(9, 5, &[6, 11]), Some(Grant::ReadOnly));
    }

    #[test]
    fn nobody_else_gets_in() {
        assert_eq!(granted(9, 9, &[]), None);
        let nobody = Access::default();
        let peer = PeerCredentials {
            pid: 1,
            uid: 0,
            gid: 0,
        };
        assert_eq!(nobody.grant(&peer, || vec![0]), None);
    }

    #[test]
    fn groups_are_asked_only_where_they_count() {
        let users = Access {
            uids: vec![1],
            ..Access::default()
        };
        let peer = PeerCredentials {
            pid: 1,
            uid: 7,
            gid: 7,
        };
        assert_eq!(users.grant(&peer, || panic!("no groups are named")), None);
    }
}
