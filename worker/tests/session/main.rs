//! A real worker against a master that does what the test says, over TLS on loopback.
//!
//! This file has its own `main`: an engine starts its guard from the file of the running
//! program, and a worker process is started from it too. Each test runs alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, which clippy does not see because of its own main"
)]

mod ending;
mod leaving;
mod losing;
mod master;
mod process;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;

type Test = fn() -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! tests {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$((stringify!($name), (|| Box::pin($module::$name())) as Test)),*]
    };
}

const TESTS: &[(&str, Test)] = tests![
    ending::charts_become_rows_of_an_ending,
    ending::a_lease_of_a_part_reads_only_that,
    ending::many_leases_end_once_each_and_within_credit,
    ending::an_ending_of_somebody_else_is_left_alone,
    ending::a_full_disk_is_reported_as_such,
    ending::another_coder_than_the_pinned_one_does_not_work,
    leaving::a_drain_that_finishes_ends_what_began,
    leaving::a_drain_that_releases_ends_now,
    leaving::a_worker_that_is_told_to_end_finishes_and_leaves,
    leaving::a_broken_engine_is_told_and_everything_given_back,
    losing::a_revoked_attempt_is_interrupted_and_the_next_one_runs,
    losing::leases_are_given_back_before_they_can_have_expired,
    losing::heartbeats_renew_and_tell_progress,
    losing::a_cut_session_is_opened_again_and_old_leases_are_forgotten,
    losing::what_was_created_during_a_cut_is_told_afterwards,
    losing::a_refusal_ends_the_worker,
    losing::the_end_of_the_pipe_ends_the_worker,
    process::a_worker_process_ends_with_its_pipe,
    process::a_worker_process_leaves_when_it_is_told,
];

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if let Some(ended) = worker::engine::guard::stage(arguments.iter().cloned()) {
        return ended;
    }
    if arguments
        .get(1)
        .is_some_and(|first| first == process::WORKER)
    {
        return process::worker(arguments.split_off(2));
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let mut failed = 0;
    for (name, test) in TESTS {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let passed = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test()))).is_ok();
        runtime.shutdown_background();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    ExitCode::from(u8::from(failed > 0))
}
