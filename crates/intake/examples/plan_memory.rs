//! Plans an input and prints what it took: `cargo run --release -p intake --example
//! plan_memory -- DIR`. Segments are dropped as they come, as after their writing.

use std::path::Path;
use std::time::Instant;

use intake::{Input, Planner, ReadOptions, SegmentBounds, ShardReader, ShardSize, extent_of};

#[expect(clippy::print_stdout, reason = "its purpose")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: plan_memory DIR [read]")?;
    let read = arguments.next().is_some();
    let input = Input::open(Path::new(&directory))?;
    let started = Instant::now();
    let mut planner = Planner::new(
        input.list(None),
        &input,
        ShardSize::default(),
        SegmentBounds::default(),
        2,
        None,
    );
    let options = ReadOptions::default();
    let (mut charts, mut unreadable, mut bytes) = (0_u64, 0_u64, 0);
    while let Some(segment) = planner.next() {
        if segment.last || planner.summary().segments == 1 {
            println!(
                "segment {}: {:?}",
                planner.summary().segments,
                started.elapsed()
            );
        }
        for shard in segment.shards.iter().filter(|_| read) {
            let extent = extent_of(&shard.source);
            let mut reader = ShardReader::new(input.root(), &shard.source, extent, &options);
            while let Some(chart) = reader.next_chart()? {
                charts += 1;
                match chart.outcome {
                    Ok(chart) => bytes += chart.text.len(),
                    Err(_) => unreadable += 1,
                }
            }
        }
    }
    let summary = planner.summary();
    println!(
        "{} objects, {} bytes, {} shards",
        summary.objects(),
        summary.bytes(),
        summary.shards
    );
    println!("{charts} charts read, {unreadable} unreadable, {bytes} bytes of text");
    println!("{:?}", started.elapsed());
    let status = std::fs::read_to_string("/proc/self/status")?;
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        println!("{line}");
    }
    Ok(())
}
