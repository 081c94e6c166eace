//! What creating objects costs: `cargo run --release -p store --example store_cost -- FOLDER`.

#![expect(
    clippy::print_stdout,
    reason = "a program that prints what it measured"
)]

use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use store::{DirectoryStore, RunId, Store, layout};

const OBJECTS: u32 = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder to write to")?;
    let begun = Instant::now();
    let store = DirectoryStore::open(&PathBuf::from(folder))?;
    println!("open: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let bytes = Bytes::from(vec![7; 100_000]);
    for writers in [1, 2, 8] {
        let run: RunId = format!("cost-{}-{writers}", std::process::id()).parse()?;
        let begun = Instant::now();
        stream::iter(0..OBJECTS)
            .map(|shard| {
                let (store, bytes) = (&store, bytes.clone());
                let key = layout::ending(&run, shard.into());
                async move { store.create(&key, bytes).await.map(drop) }
            })
            .buffer_unordered(writers)
            .try_collect::<()>()
            .await?;
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{writers} at a time: {:.0} objects of 100 kB a second",
            f64::from(OBJECTS) / seconds
        );
        let begun = Instant::now();
        for shard in 0..OBJECTS {
            store.exists(&layout::ending(&run, shard.into())).await?;
        }
        let each = begun.elapsed().as_secs_f64() / f64::from(OBJECTS);
        println!("exists: {:.1} µs", each * 1e6);
    }
    Ok(())
}
