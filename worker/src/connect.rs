//! One HTTP/2 connection to the master over TLS, and how a worker gets the identity for it.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use identity::{CertificateChain, ConnectError, Connector, Identity, KeyAndRequest};
use proto::v1;
use proto::v1::enrollment_client::EnrollmentClient;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};
use tower::service_fn;

use crate::config::Config;
use crate::error::WorkerError;

/// For a connection to a process of the same machine, or of the same network.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// How a connection is found to be dead, in either state of it.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(4);

const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// A lease of many small files names them all.
pub(crate) const LARGEST_MESSAGE: usize = 64 << 20;

/// Why there is no connection, or no session on it.
#[derive(Debug)]
pub(crate) enum NotConnected {
    /// Trying again may help.
    Lost(Box<dyn std::error::Error + Send + Sync>),
    /// The master knows us and says no.
    Refused(Box<dyn std::error::Error + Send + Sync>),
}

/// Connects once. What is returned has been accepted by the master, and does not connect
/// again by itself: a new connection is a new session.
pub(crate) async fn connect(
    connector: &Connector,
    address: SocketAddr,
) -> Result<Channel, NotConnected> {
    let stream =
        connector
            .confirmed(address, CONNECT_LIMIT)
            .await
            .map_err(|error| match error {
                ConnectError::Refused { .. }
                | ConnectError::WrongPin { .. }
                | ConnectError::NotTheMaster { .. }
                | ConnectError::OutsideItsTime { .. } => NotConnected::Refused(error.into()),
                error => NotConnected::Lost(error.into()),
            })?;
    let once = Mutex::new(Some(TokioIo::new(stream)));
    let take = service_fn(move |_: Uri| {
        let stream = once.lock().ok().and_then(|mut once| once.take());
        std::future::ready(stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)))
    });
    // The name means nothing here: TLS has its own.
    Endpoint::from_static("http://master")
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_with_connector(take)
        .await
        .map_err(|error| NotConnected::Lost(error.into()))
}

/// Makes a key, proves who we are by the token, and comes back with our identity.
pub(crate) async fn enroll(config: &Config) -> Result<Identity, WorkerError> {
    let address = config.master.master;
    let connector = Connector::enroll(config.master.pin, config.run.as_str())?;
    let channel = connect(&connector, address)
        .await
        .map_err(|error| match error {
            NotConnected::Refused(source) => WorkerError::Refused { address, source },
            NotConnected::Lost(source) => WorkerError::MasterLost {
                address,
                limit: CONNECT_LIMIT,
                source,
            },
        })?;
    let key = KeyAndRequest::generate()?;
    let request = v1::EnrollRequest {
        instance: config.instance.clone(),
        certificate_request: key.request().to_vec().into(),
        proof: Some(v1::enroll_request::Proof::Token(
            config.master.token.reveal_hex(),
        )),
    };
    let reply = EnrollmentClient::new(channel)
        .enroll(request)
        .await
        .map_err(|status| WorkerError::Enroll {
            address,
            source: Box::new(status),
        })?;
    let chain = <[_; 2]>::try_from(reply.into_inner().certificate_chain);
    let [leaf, authority] = chain.map_err(|_| WorkerError::Nonsense {
        address,
        what: "a certificate chain that is not two certificates",
    })?;
    let chain = CertificateChain {
        leaf: leaf.into(),
        authority: authority.into(),
    };
    Ok(key.into_identity(chain)?)
}

/// Whether trying again can help.
pub(crate) fn judge(status: Status) -> NotConnected {
    match status.code() {
        Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::InvalidArgument
        | Code::Unimplemented => NotConnected::Refused(Box::new(status)),
        _ => NotConnected::Lost(Box::new(status)),
    }
}
