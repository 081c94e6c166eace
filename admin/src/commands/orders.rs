//! `dayfly drain` and `dayfly abort`: orders to a living master. They are in the run log when
//! these commands return, so that a later master obeys them too.

use master::outcome_word;
use proto::v1;
use serde::Serialize;

use crate::cli::{OrderArgs, TableOrJson};
use crate::connect::{self, Master};
use crate::error::{Failure, quoted, resume_command};
use crate::exit::Exit;
use crate::output;
use crate::stored;

/// The answer of a master.
#[derive(Debug, Serialize)]
struct Ordered {
    run: String,
    order: &'static str,
    /// The run log's record that holds it.
    record: u64,
}

#[derive(Clone, Copy)]
enum Order {
    Drain,
    Abort,
}

/// Runs `dayfly drain`.
///
/// # Errors
/// When the run is sealed (exit 2) or has no master (exit 1).
pub(crate) fn drain(arguments: &OrderArgs) -> Result<Exit, Failure> {
    order(arguments, Order::Drain)
}

/// Runs `dayfly abort`.
///
/// # Errors
/// When the run is sealed (exit 2) or has no master (exit 1).
pub(crate) fn abort(arguments: &OrderArgs) -> Result<Exit, Failure> {
    order(arguments, Order::Abort)
}

fn order(arguments: &OrderArgs, order: Order) -> Result<Exit, Failure> {
    let word = match order {
        Order::Drain => "drain",
        Order::Abort => "abort",
    };
    super::block_on(async {
        let (folder, run) = stored::chosen(&arguments.choice).await?;
        let Master::Alive(mut client) = connect::find(&folder.output, &run).await? else {
            if let Some(seal) = folder.stored(&run).await?.seal() {
                return Err(Failure::usage(format_args!(
                    "run {run} is sealed ({}): there is nothing to {word}",
                    outcome_word(seal.outcome)
                )));
            }
            return Err(Failure::failed(format_args!(
                "no master of run {run} is alive to {word} it"
            ))
            .hint(format!(
                "to resume it: {}",
                resume_command(run.as_str(), &folder.output)
            )));
        };
        let reply = match order {
            Order::Drain => client.drain(v1::DrainRequest {}).await,
            Order::Abort => client.abort(v1::AbortRequest {}).await,
        };
        let record = reply
            .map_err(|status| super::refused(&status))?
            .into_inner()
            .record;
        match arguments.output_format {
            TableOrJson::Json => output::print_json(&Ordered {
                run: run.to_string(),
                order: word,
                record,
            })?,
            TableOrJson::Table => output::print_text(&format!(
                "{word} of {run} is ordered (record {record}); to follow it: \
                 dayfly watch {run} --output {}\n",
                quoted(&folder.output)
            ))?,
        }
        Ok(Exit::Complete)
    })
}
