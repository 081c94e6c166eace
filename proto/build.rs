//! Compiles the `.proto` files with protox, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=dayfly");
    let files = protox::compile(
        [
            "dayfly/v1/enroll.proto",
            "dayfly/v1/work.proto",
            "dayfly/v1/admin.proto",
        ],
        ["."],
    )?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(files)?;
    Ok(())
}
