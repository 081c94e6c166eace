//! The `exec` engine with real programs and real processes.
//!
//! This file has its own `main`, because an engine starts its guard from the file of the
//! running program: here that is the test itself, which therefore also plays the guard, the
//! programs ([`program`]) and a worker to be killed ([`doomed`]).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a test, which clippy does not see because of its own main"
)]

mod answering;
mod doomed;
mod failing;
mod gone;
mod program;
mod stage;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Every test, by name.
const TESTS: &[(&str, fn())] = &[
    ("answers_become_rows", answering::answers_become_rows),
    (
        "large_charts_and_answers_pass",
        answering::large_charts_and_answers_pass,
    ),
    (
        "an_answer_before_the_end_of_a_chart_passes",
        answering::an_early_answer_passes,
    ),
    (
        "one_process_answers_all_charts",
        answering::one_process_answers_all_charts,
    ),
    (
        "a_program_that_ends_after_each_answer_is_fine",
        answering::one_shot_programs_work,
    ),
    (
        "a_finished_program_may_end_by_itself",
        answering::a_finished_program_may_end_by_itself,
    ),
    (
        "stderr_is_kept_and_not_logged",
        answering::stderr_is_kept_and_not_logged,
    ),
    (
        "the_built_in_coder_finds",
        answering::the_built_in_coder_finds,
    ),
    ("each_failure_is_named", failing::each_failure_is_named),
    (
        "a_program_that_cannot_start_is_named",
        failing::a_program_that_cannot_start_is_named,
    ),
    (
        "one_bad_chart_costs_one_chart",
        failing::one_bad_chart_costs_one_chart,
    ),
    (
        "a_program_that_always_fails_is_broken",
        failing::a_program_that_always_fails_is_broken,
    ),
    (
        "a_slot_can_be_interrupted",
        failing::a_slot_can_be_interrupted,
    ),
    (
        "all_is_gone_after_a_failure",
        gone::all_is_gone_after_a_failure,
    ),
    (
        "all_is_gone_when_a_slot_ends",
        gone::all_is_gone_when_a_slot_ends,
    ),
    (
        "all_is_gone_when_the_worker_is_killed",
        gone::all_is_gone_when_the_worker_is_killed,
    ),
    (
        "all_is_gone_when_the_guard_is_killed",
        gone::all_is_gone_when_the_guard_is_killed,
    ),
    (
        "what_is_said_between_two_charts_answers_none",
        failing::what_is_said_between_two_charts_answers_none,
    ),
    (
        "a_program_dies_with_its_guard_also_where_nobody_reaps",
        gone::a_program_dies_with_its_guard_also_where_nobody_reaps,
    ),
];

fn main() -> ExitCode {
    if let Some(code) = worker::engine::guard::stage(std::env::args_os()) {
        return code;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("program") => return program::main(&args[1..]),
        Some("doomed") => return doomed::main(&args[1]),
        _ => {}
    }
    stage::keep_log();
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let mut failed = 0;
    for (name, test) in TESTS {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let passed = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += u32::from(!passed);
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
