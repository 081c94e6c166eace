//! Every number that a decision depends on, in one place, with its unit and its reason.

/// All durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a lease lives after the heartbeat that renewed it was sent. A worker counts
    /// from its own sending and stops `lease_margin` earlier, so it stops before the master
    /// may give the shard to somebody else, whatever the network did in between.
    pub lease: u64,
    /// What a worker takes off `lease` on its side: covers the drift of two clocks over one
    /// lease and the time a slot needs to notice.
    pub lease_margin: u64,
    /// How often a worker sends a heartbeat: five fit into a lease, so that one or two lost
    /// on a slow machine cost nothing.
    pub heartbeat: u64,
    /// Silence after which a worker gets no new leases.
    pub suspect: u64,
    /// How long a worker whose session broke may take to come back before it is given up.
    pub reconnect: u64,
    /// From launch to the first session.
    pub boot: u64,
    /// A started lease whose chart counter stands still for longer than this, and for longer
    /// than `stall_factor` times its own mean time per chart, is stalled.
    pub stall: u64,
    /// See `stall`.
    pub stall_factor: u64,
    /// A lease younger than this is never hedged: the second attempt would cost more than it saves.
    pub hedge: u64,
    /// A lease is slow when it is this many times older than the mean attempt.
    pub hedge_factor: u64,
    /// Charges at which a shard of a single chart is quarantined.
    pub charges: u32,
    /// How long workers may take to finish what they hold after a suspend, before they are
    /// told to give it back.
    pub suspend_grace: u64,
    /// How long a worker with nothing left to do may take to leave, before it is terminated.
    pub leave: u64,
    /// Workers wanted while there is work.
    pub workers: u32,
    /// Launches in a row that ended before their first session, after which launching stops.
    pub failed_boots: u32,
    /// Workers in a row that died without any shard ending in between, after which launching
    /// stops. More than the cuts that isolate one chart of a million (20), plus its charges.
    pub barren_deaths: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            lease: 10_000,
            lease_margin: 2_000,
            heartbeat: 2_000,
            suspect: 5_000,
            reconnect: 5_000,
            boot: 30_000,
            stall: 240_000,
            stall_factor: 20,
            hedge: 2_000,
            hedge_factor: 3,
            charges: 3,
            suspend_grace: 10_000,
            leave: 20_000,
            workers: 2,
            failed_boots: 5,
            barren_deaths: 25,
        }
    }
}
