//! The `dayfly` program.

fn main() -> std::process::ExitCode {
    admin::main()
}
