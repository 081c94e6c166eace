//! `dayfly` with fail points: what the end-to-end tests start, kill and resume.

use std::process::ExitCode;

fn main() -> ExitCode {
    admin::main()
}
