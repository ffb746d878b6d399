//! Who takes part, and in what.

use crate::exchange::{Sample, Setting, each, run};
use crate::{channels, eventfd, iceoryx, limits, queues, registry, rings, sgring, uring};
use std::fs;

/// One way to do a request.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// Settings that it does not know.
    not: Not,
    /// What else a setting has to be.
    fits: fn(&Setting) -> bool,
    /// Takes a sample of that many requests.
    pub(crate) run: fn(&Setting, usize) -> Sample,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Not {
    /// It knows them all.
    Any,
    /// It has no way to sleep.
    Asleep,
    /// And its memory or its descriptors are one process's.
    AsleepNorApart,
}

impl Contestant {
    /// Whether it takes part in a setting, on this machine.
    pub(crate) fn takes_part(&self, setting: &Setting) -> bool {
        let asleep = setting.sleep && self.not != Not::Any;
        let apart = setting.process && self.not == Not::AsleepNorApart;
        !asleep && !apart && (self.fits)(setting)
    }
}

/// In the order in which they are shown.
pub(crate) const CONTESTANTS: &[Contestant] = &[
    Contestant {
        name: "sgring",
        not: Not::Any,
        fits: |setting| sgring::geometry(setting).is_some(),
        run: |setting, count| run(setting, count, |all| each(all, sgring::pair)),
    },
    Contestant {
        name: "entries",
        not: Not::Asleep,
        fits: |_| true,
        run: |setting, count| {
            run(setting, count, |all| {
                each(all, |one| queues::exchange(one, rings::entries))
            })
        },
    },
    Contestant {
        name: "counters",
        not: Not::Asleep,
        fits: |_| true,
        run: |setting, count| {
            run(setting, count, |all| {
                each(all, |one| queues::exchange(one, rings::counters))
            })
        },
    },
    Contestant {
        name: "shared-tail",
        not: Not::Asleep,
        fits: has_payload,
        run: |setting, count| {
            run(setting, count, |all| {
                queues::funnel(all, rings::shared_tail)
            })
        },
    },
    Contestant {
        name: "rtrb",
        not: Not::AsleepNorApart,
        fits: |_| true,
        run: |setting, count| {
            run(setting, count, |all| {
                each(all, |one| queues::exchange(one, registry::rtrb))
            })
        },
    },
    Contestant {
        name: "rtrb-chunks",
        not: Not::AsleepNorApart,
        fits: |_| true,
        run: |setting, count| {
            run(setting, count, |all| {
                each(all, |one| queues::exchange(one, registry::rtrb_chunks))
            })
        },
    },
    Contestant {
        name: "crossbeam",
        not: Not::AsleepNorApart,
        fits: |setting| setting.producers == 1,
        run: |setting, count| {
            run(setting, count, |all| {
                each(all, |one| queues::exchange(one, registry::crossbeam))
            })
        },
    },
    Contestant {
        name: "crossbeam",
        not: Not::AsleepNorApart,
        fits: |setting| setting.producers > 1 && has_payload(setting),
        run: |setting, count| {
            run(setting, count, |all| {
                queues::funnel(all, registry::crossbeam)
            })
        },
    },
    Contestant {
        name: "msg-ring",
        not: Not::AsleepNorApart,
        fits: |_| uring::is_there(),
        run: |setting, count| {
            run(setting, count, |all| {
                each(all, |one| queues::exchange(one, uring::messages))
            })
        },
    },
    Contestant {
        name: "eventfd",
        not: Not::Any,
        fits: |_| true,
        run: |setting, count| {
            let sleep = setting.sleep;
            run(setting, count, |all| {
                each(all, |one| {
                    queues::exchange(one, |len| eventfd::queue(len, sleep))
                })
            })
        },
    },
    Contestant {
        name: "pipe",
        not: Not::Any,
        fits: |_| true,
        run: |setting, count| run(setting, count, |all| each(all, channels::pipes)),
    },
    Contestant {
        name: "stream",
        not: Not::Any,
        fits: |_| true,
        run: |setting, count| run(setting, count, |all| each(all, channels::stream_socket)),
    },
    Contestant {
        name: "seqpacket",
        not: Not::Any,
        // A packet is a socket's whole buffer at most (unix(7)), and the buffer counts more than its bytes.
        fits: |setting| {
            number_in("/proc/sys/net/core/wmem_default")
                .is_some_and(|most| 2 * record(setting) <= most)
        },
        run: |setting, count| run(setting, count, |all| each(all, channels::seqpacket)),
    },
    Contestant {
        name: "mqueue",
        not: Not::Any,
        // What a queue holds that an unprivileged process makes (mq_overview(7)).
        fits: |setting| {
            number_in("/proc/sys/fs/mqueue/msg_max").is_some_and(|most| setting.depth <= most)
                && number_in("/proc/sys/fs/mqueue/msgsize_max")
                    .is_some_and(|most| record(setting) <= most)
        },
        run: |setting, count| run(setting, count, |all| each(all, channels::message_queues)),
    },
    Contestant {
        name: "iceoryx2",
        not: Not::Asleep,
        fits: |_| true,
        run: |setting, count| run(setting, count, iceoryx::group),
    },
    Contestant {
        name: "ping-pong",
        not: Not::Asleep,
        fits: |setting| setting.depth == 1 && setting.cpus.len() > 1 && does_nothing_else(setting),
        run: limits::ping_pong,
    },
    Contestant {
        name: "memcpy",
        not: Not::Any,
        fits: |setting| has_payload(setting) && does_nothing_else(setting),
        run: limits::memcpy,
    },
    Contestant {
        name: "fionread",
        not: Not::Any,
        fits: |setting| !setting.process && does_nothing_else(setting),
        run: limits::fionread,
    },
    Contestant {
        name: "nop",
        not: Not::Any,
        fits: |setting| !setting.process && does_nothing_else(setting) && uring::is_there(),
        run: uring::nops,
    },
];

fn has_payload(setting: &Setting) -> bool {
    setting.payload > 0
}

/// One pair that does not work beside its requests: what limits are for.
fn does_nothing_else(setting: &Setting) -> bool {
    setting.threads() == 2 && setting.client_ns == 0 && setting.server_ns == 0
}

/// Bytes of a request as it is written.
fn record(setting: &Setting) -> usize {
    channels::HEAD + setting.payload
}

fn number_in(path: &str) -> Option<usize> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
