//! The admin's connection to a living master, over mutually authenticated TLS.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use identity::{Connector, Identity};
use master::{AdminFile, private_folder};
use proto::v1::admin_client::AdminClient;
use store::RunId;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::error::Failure;

/// A master on this machine answers within milliseconds or not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// How a master that hangs is told from one that has nothing to say.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The master of a run, as seen from here.
#[derive(Debug)]
pub(crate) enum Master {
    /// It answers.
    Alive(AdminClient<Channel>),
    /// There is none.
    Gone,
}

/// Looks for the master of `run`.
///
/// # Errors
/// When the identity file is there and is not ours to use.
pub(crate) async fn find(output: &Path, run: &RunId) -> Result<Master, Failure> {
    let path = AdminFile::path(&private_folder(output, run.as_str()));
    let unusable =
        |failure: Failure| failure.context(format!("cannot use the admin's identity of run {run}"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Master::Gone),
        Err(error) => {
            return Err(unusable(Failure::failed_because(error))
                .hint("only the user who started the run may look at it while it runs"));
        }
    };
    let mode = std::fs::metadata(&path)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(unusable(Failure::failed(format_args!(
            "others than its owner may read {}",
            path.display()
        ))));
    }
    let file: AdminFile =
        serde_json::from_str(&text).map_err(|e| unusable(Failure::failed_because(e)))?;
    let address: SocketAddr = file
        .address
        .parse()
        .map_err(|e| unusable(Failure::failed_because(e)))?;
    let identity =
        Identity::from_pem(&file.identity).map_err(|e| unusable(Failure::failed_because(e)))?;
    let connector = Connector::session(identity.authority_pin(), run.as_str(), &identity)
        .map_err(|e| unusable(Failure::failed_because(e)))?;
    match connect(&connector, address).await {
        Ok(channel) => Ok(Master::Alive(AdminClient::new(channel))),
        // A master that was killed leaves its file behind; its port is nobody's, or another's.
        Err(error) => {
            log::info!(run = run.as_str(); "no master answers: {error}");
            Ok(Master::Gone)
        }
    }
}

/// Connects once; a lost connection stays lost.
async fn connect(
    connector: &Connector,
    address: SocketAddr,
) -> Result<Channel, Box<dyn std::error::Error + Send + Sync>> {
    let stream = connector.confirmed(address, CONNECT_LIMIT).await?;
    let once = Mutex::new(Some(TokioIo::new(stream)));
    let take = service_fn(move |_: Uri| {
        let stream = once.lock().ok().and_then(|mut once| once.take());
        std::future::ready(stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)))
    });
    // The name means nothing here: TLS has its own.
    let channel = Endpoint::from_static("http://master")
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .connect_with_connector(take)
        .await?;
    Ok(channel)
}
