//! `dayfly shards`: the shards of a run.

use proto::v1;
use proto::v1::admin_client::AdminClient;
use serde::Serialize;
use tonic::transport::Channel;

use crate::cli::ShardsArgs;
use crate::connect::{self, Master};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{self, Column};
use crate::stored;

/// Shards asked for at a time.
const PAGE: u32 = 1_000;

/// A shard, as its master or the store has it. `None` is what the one that answered does not
/// know: a master keeps no counts of ended shards, the store none of attempts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ShardLine {
    /// Its number.
    pub(crate) shard: u32,
    /// pending, leased, committed, split or quarantined.
    pub(crate) state: String,
    /// Whose it is, or was: of two at a time, both.
    pub(crate) worker: Option<String>,
    /// Charts: done so far, or of its ending.
    pub(crate) charts: Option<u64>,
    /// Charts of its ending that could not be coded.
    pub(crate) charts_quarantined: Option<u64>,
    /// Rows with a code in its ending.
    pub(crate) findings: Option<u64>,
    /// Failures charged to it.
    pub(crate) charges: Option<u32>,
    /// Bytes of charts in it.
    pub(crate) bytes: Option<u64>,
    /// Why it was split or given up.
    pub(crate) reason: Option<String>,
}

const COLUMNS: [Column<ShardLine>; 9] = [
    ("shard", |s| s.shard.to_string()),
    ("state", |s| s.state.clone()),
    ("worker", |s| s.worker.clone().unwrap_or_default()),
    ("charts", |s| number(s.charts)),
    ("charts_quarantined", |s| number(s.charts_quarantined)),
    ("findings", |s| number(s.findings)),
    ("charges", |s| number(s.charges.map(u64::from))),
    ("bytes", |s| number(s.bytes)),
    ("reason", |s| s.reason.clone().unwrap_or_default()),
];

/// Runs the command.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub(crate) fn run(arguments: &ShardsArgs) -> Result<Exit, Failure> {
    let state = arguments.state.map_or("", |state| state.as_str());
    let limit = arguments.limit.unwrap_or(usize::MAX);
    super::block_on(async {
        let (folder, run) = stored::chosen(&arguments.choice).await?;
        let alive = match connect::find(&folder.output, &run).await? {
            Master::Alive(client) => of_master(client, state, limit).await.ok(),
            Master::Gone => None,
        };
        let shards = match alive {
            Some(shards) => shards,
            None => {
                let mut shards = folder.stored(&run).await?.shards().await?;
                shards.retain(|shard| state.is_empty() || shard.state == state);
                shards.truncate(limit);
                shards
            }
        };
        output::print_list(arguments.output_format, &shards, &COLUMNS)?;
        Ok(Exit::Complete)
    })
}

async fn of_master(
    mut client: AdminClient<Channel>,
    state: &str,
    limit: usize,
) -> Result<Vec<ShardLine>, tonic::Status> {
    let mut shards = Vec::new();
    let mut after = 0;
    while shards.len() < limit {
        let left = limit - shards.len();
        let request = v1::ListShardsRequest {
            state: state.to_owned(),
            after,
            limit: u32::try_from(left).unwrap_or(PAGE).min(PAGE),
        };
        let reply = client.list_shards(request).await?.into_inner();
        shards.extend(reply.shards.into_iter().map(of_wire));
        match reply.next {
            Some(next) => after = next,
            None => break,
        }
    }
    Ok(shards)
}

impl ShardLine {
    /// A shard of which nothing is known but that it has not ended.
    #[must_use]
    pub(crate) fn pending(shard: u32) -> ShardLine {
        ShardLine {
            shard,
            state: "pending".to_owned(),
            worker: None,
            charts: None,
            charts_quarantined: None,
            findings: None,
            charges: None,
            bytes: None,
            reason: None,
        }
    }
}

fn of_wire(shard: v1::Shard) -> ShardLine {
    let workers: Vec<&str> = shard
        .attempts
        .iter()
        .map(|attempt| attempt.worker.as_str())
        .collect();
    ShardLine {
        state: shard.state,
        worker: (!workers.is_empty()).then(|| workers.join(" ")),
        charts: shard.attempts.iter().map(|attempt| attempt.charts).max(),
        charges: Some(shard.charges),
        bytes: Some(shard.bytes),
        ..ShardLine::pending(shard.shard)
    }
}

fn number(number: Option<u64>) -> String {
    number.map(|n| n.to_string()).unwrap_or_default()
}
