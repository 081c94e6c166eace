//! What holds after every step. Tests, the simulator and the models call
//! [`check_invariants`] after each one.

use std::collections::BTreeSet;

use crate::ledger::{Ledger, Stage};
use crate::shard::{Phase, ShardState};
use crate::worker::WorkerState;

/// Runs every check.
///
/// # Errors
/// The name of the first that does not hold, and where.
pub fn check_invariants(ledger: &Ledger) -> Result<(), String> {
    leases_and_holders_agree(ledger)?;
    epochs_are_unique_and_own(ledger)?;
    two_attempts_have_two_workers(ledger)?;
    pending_shards_can_be_found(ledger)?;
    children_count_only_by_their_parents_ending(ledger)?;
    only_those_in_session_hold_leases(ledger)?;
    tallies_agree(ledger)?;
    never_more_instances_than_allowed(ledger)?;
    finished_means_nothing_alive(ledger)
}

/// A shard names a worker's attempt exactly when that worker holds the shard.
pub fn leases_and_holders_agree(ledger: &Ledger) -> Result<(), String> {
    let by_shard: BTreeSet<_> = ledger
        .shards
        .iter()
        .enumerate()
        .flat_map(|(i, s)| s.attempts().map(move |a| (a.worker, i)))
        .collect();
    let by_worker: BTreeSet<_> = ledger
        .workers
        .iter()
        .flat_map(|(id, w)| w.held.iter().map(|s| (*id, s.0 as usize)))
        .collect();
    check(by_shard == by_worker, "leases_and_holders_agree", || {
        format!("{:?}", by_shard.symmetric_difference(&by_worker).next())
    })
}

/// No two attempts share an epoch, and every epoch was given by this master.
pub fn epochs_are_unique_and_own(ledger: &Ledger) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for attempt in ledger.shards.iter().flat_map(crate::shard::Shard::attempts) {
        let fresh = seen.insert(attempt.epoch);
        let own = attempt.epoch.master == ledger.master_epoch
            && attempt.epoch.counter < ledger.next_counter;
        check(fresh && own, "epochs_are_unique_and_own", || {
            attempt.epoch.to_string()
        })?;
    }
    Ok(())
}

/// A hedge is another worker's.
pub fn two_attempts_have_two_workers(ledger: &Ledger) -> Result<(), String> {
    for (i, shard) in ledger.shards.iter().enumerate() {
        if let ShardState::Leased {
            first,
            second: Some(second),
        } = shard.state()
        {
            check(
                first.worker != second.worker,
                "two_attempts_have_two_workers",
                || i.to_string(),
            )?;
        }
    }
    Ok(())
}

/// Every pending shard is in the queue: nothing waits for ever.
pub fn pending_shards_can_be_found(ledger: &Ledger) -> Result<(), String> {
    let queued: BTreeSet<_> = ledger.pending.iter().map(|s| s.0 as usize).collect();
    for (i, shard) in ledger.shards.iter().enumerate() {
        let found = shard.phase() != Phase::Pending || queued.contains(&i);
        check(found, "pending_shards_can_be_found", || i.to_string())?;
    }
    Ok(())
}

/// The children of a split parent are no longer reserved.
pub fn children_count_only_by_their_parents_ending(ledger: &Ledger) -> Result<(), String> {
    for shard in &ledger.shards {
        if let ShardState::Split { children } = shard.state() {
            for child in children {
                let phase = ledger.shards[child.0 as usize].phase();
                check(
                    phase != Phase::Reserved,
                    "children_count_only_by_their_parents_ending",
                    || child.to_string(),
                )?;
            }
        }
    }
    Ok(())
}

/// A worker without a session holds nothing.
pub fn only_those_in_session_hold_leases(ledger: &Ledger) -> Result<(), String> {
    for (id, worker) in &ledger.workers {
        let right = worker.held.is_empty() || (worker.in_session() && !worker.ended);
        check(right, "only_those_in_session_hold_leases", || {
            id.to_string()
        })?;
    }
    Ok(())
}

/// The running totals are what counting again would give.
pub fn tallies_agree(ledger: &Ledger) -> Result<(), String> {
    let mut phases = [0; 7];
    for shard in &ledger.shards {
        phases[shard.phase() as usize] += 1;
    }
    check(phases == ledger.tally.phases, "tallies_agree", || {
        format!("{phases:?}")
    })
}

/// Instances not confirmed gone are never more than the limit.
pub fn never_more_instances_than_allowed(ledger: &Ledger) -> Result<(), String> {
    let alive = ledger.workers.values().filter(|w| !w.ended).count();
    check(
        alive <= ledger.limits.workers as usize,
        "never_more_instances_than_allowed",
        || alive.to_string(),
    )
}

/// The last effect is returned only when no instance is left, and, before a seal, no verdict
/// is half carried out.
pub fn finished_means_nothing_alive(ledger: &Ledger) -> Result<(), String> {
    let alive = ledger.workers.values().any(|w| !w.ended);
    let right = ledger.stage != Stage::Finished || !alive;
    check(right, "finished_means_nothing_alive", || {
        let left = ledger
            .workers
            .values()
            .filter(|w| w.state() != WorkerState::Lost)
            .count();
        format!("{left} workers")
    })
}

fn check(holds: bool, name: &str, at: impl FnOnce() -> String) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("{name}: {}", at()))
    }
}
