//! The master's end: one port with two faces, told apart by the server name that is asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use rustls::server::{Acceptor, NoServerSessionStorage};
use rustls::{AlertDescription, CertificateError, Error, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use crate::authority::{IdentityError, MAX_AUTHORITY_LIFE, RunAuthority};
use crate::role::Role;
use crate::verify::{PeersOfRun, WrongName, single_name, wrong_name};
use crate::{ALPN, enroll_server_name, provider};

/// An accepted connection.
pub type ServerStream = tokio_rustls::server::TlsStream<TcpStream>;

/// What a master listens with. Cheap to clone.
#[derive(Clone)]
pub struct ServerSide {
    enroll_name: Arc<str>,
    enroll: Arc<ServerConfig>,
    session: Arc<ServerConfig>,
}

/// Who is at the other end of an accepted connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// From its certificate; `None` if it has none and may only enroll.
    pub role: Option<Role>,
    pub address: SocketAddr,
}

/// Why a connection was not accepted: a closed set to count and to log, without any text
/// from the peer. Its `Display` is one stable line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    #[error("the handshake took too long")]
    TimedOut,
    #[error("the connection broke during the handshake")]
    Connection(#[source] io::Error),
    /// Not TLS, TLS below 1.3, no common algorithm, no `h2`.
    #[error("the peer does not speak TLS 1.3 as required")]
    Protocol(#[source] Error),
    /// It ended the handshake itself: for it, this is not the master it looks for.
    #[error("the peer refused this master ({0:?})")]
    RefusedUs(AlertDescription),
    #[error("the peer presented no certificate")]
    NoCertificate,
    /// Expired, or not valid yet; judged before who signed it.
    #[error("the certificate of the peer is outside its time")]
    OutsideItsTime,
    /// Also the authority of another run.
    #[error("the certificate of the peer was signed by another authority")]
    OtherAuthority,
    #[error("the certificate of the peer names another run")]
    OtherRun,
    /// Signed by our authority but not a name of a worker or admin.
    #[error("the certificate of the peer names no worker or admin")]
    WrongName,
    /// Anything else that is wrong with a certificate or its signature.
    #[error("the certificate of the peer is not acceptable")]
    BadCertificate(#[source] Error),
}

impl ServerSide {
    /// Makes the master's own identity and both faces. Good until the authority ends.
    pub fn new(authority: &RunAuthority, now: SystemTime) -> Result<ServerSide, IdentityError> {
        let identity = authority.issue_identity(Role::Master, now, MAX_AUTHORITY_LIFE)?;
        ServerSide::with_identity(authority, &identity)
    }

    /// As [`new`](Self::new), with an identity that the caller made.
    pub fn with_identity(
        authority: &RunAuthority,
        identity: &crate::Identity,
    ) -> Result<ServerSide, IdentityError> {
        let tls = |source| IdentityError::Tls {
            what: "the master",
            source,
        };
        let builder = || {
            ServerConfig::builder_with_provider(provider())
                .with_protocol_versions(&[&rustls::version::TLS13])
                .map_err(tls)
        };
        let enroll = builder()?
            .with_no_client_auth()
            .with_single_cert(identity.tls_chain(), identity.tls_key())
            .map_err(tls)?;
        let session = builder()?
            .with_client_cert_verifier(Arc::new(PeersOfRun::new(authority)?))
            .with_single_cert(identity.tls_chain(), identity.tls_key())
            .map_err(tls)?;
        Ok(ServerSide {
            enroll_name: enroll_server_name(authority.run()).into(),
            enroll: Arc::new(finish(enroll)),
            session: Arc::new(finish(session)),
        })
    }

    /// Performs the handshake, for at most `limit`, and says who the peer is.
    ///
    /// A peer learns of its refusal by an alert, which it reads *after* its own handshake has
    /// succeeded: see [`Connector::confirmed`](crate::Connector::confirmed).
    pub async fn accept(
        &self,
        stream: TcpStream,
        limit: Duration,
    ) -> Result<(ServerStream, Peer), AcceptError> {
        tokio::time::timeout(limit, self.handshake(stream))
            .await
            .map_err(|_| AcceptError::TimedOut)?
    }

    async fn handshake(&self, stream: TcpStream) -> Result<(ServerStream, Peer), AcceptError> {
        let address = stream.peer_addr().map_err(AcceptError::Connection)?;
        stream.set_nodelay(true).map_err(AcceptError::Connection)?;
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream)
            .await
            .map_err(cause)?;
        let wanted = start.client_hello().server_name().map(str::to_owned);
        let enrolling = wanted.is_some_and(|name| name.eq_ignore_ascii_case(&self.enroll_name));
        let face = if enrolling {
            &self.enroll
        } else {
            &self.session
        };
        let stream = start.into_stream(face.clone()).await.map_err(cause)?;
        let (_, tls) = stream.get_ref();
        if tls.alpn_protocol() != Some(ALPN) {
            return Err(AcceptError::Protocol(Error::NoApplicationProtocol));
        }
        let role = if enrolling {
            None
        } else {
            let leaf = tls.peer_certificates().and_then(<[_]>::first);
            let name = single_name(leaf.ok_or(AcceptError::NoCertificate)?);
            Some(name.map_err(|_| AcceptError::WrongName)?.into_role())
        };
        Ok((stream, Peer { role, address }))
    }
}

impl fmt::Debug for ServerSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSide")
            .field("enroll", &self.enroll_name)
            .finish_non_exhaustive()
    }
}

/// What both faces share: one protocol, and nothing to resume.
fn finish(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// tokio-rustls wraps every error in an `io::Error`; this finds what it was.
fn cause(error: io::Error) -> AcceptError {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        return AcceptError::Connection(error);
    };
    if let Some(wrong) = wrong_name(tls) {
        return match wrong {
            WrongName::OtherRun => AcceptError::OtherRun,
            WrongName::WrongPin => AcceptError::OtherAuthority,
            WrongName::NotOneUri | WrongName::NotAName | WrongName::WrongRole => {
                AcceptError::WrongName
            }
        };
    }
    match tls {
        Error::AlertReceived(alert) => AcceptError::RefusedUs(*alert),
        Error::NoCertificatesPresented => AcceptError::NoCertificate,
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => AcceptError::OutsideItsTime,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                AcceptError::OtherAuthority
            }
            _ => AcceptError::BadCertificate(tls.clone()),
        },
        _ => AcceptError::Protocol(tls.clone()),
    }
}
