//! The worker's and the admin's end: a connection to the master of one run and to nobody else.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error};
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::IdentityError;
use crate::holder::Identity;
use crate::role::check_run;
use crate::verify::{MasterOfRun, WrongName, wrong_name};
use crate::{ALPN, CaPin, enroll_server_name, provider, session_server_name};

/// Connects to the master of one run. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

/// Why there is no connection to the master. Nothing in it is a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    #[error("no answer from {address} within {limit:?}")]
    TimedOut {
        address: SocketAddr,
        limit: Duration,
    },
    #[error("cannot connect to {address}")]
    Connection {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// Another master: an older run on the same address, or somebody who poses as one.
    #[error("{address} is not of the pinned authority")]
    WrongPin { address: SocketAddr },
    /// Of the pinned authority, but not named as the master of this run.
    #[error("{address} is not the master of this run")]
    NotTheMaster { address: SocketAddr },
    #[error("the certificate of {address} is outside its time; is one of the clocks wrong?")]
    OutsideItsTime { address: SocketAddr },
    /// The master judged our certificate and refused it.
    #[error("the master at {address} refused this identity ({alert:?})")]
    Refused {
        address: SocketAddr,
        alert: AlertDescription,
    },
    #[error("the TLS handshake with {address} failed")]
    Tls {
        address: SocketAddr,
        #[source]
        source: Error,
    },
}

impl Connector {
    /// For the one call that needs no certificate.
    pub fn enroll(pin: CaPin, run: &str) -> Result<Connector, IdentityError> {
        check_run(run)?;
        let config = builder(pin, run)?.with_no_client_auth();
        Connector::new(config, enroll_server_name(run))
    }

    /// For everything else: presents `identity`.
    pub fn session(pin: CaPin, run: &str, identity: &Identity) -> Result<Connector, IdentityError> {
        check_run(run)?;
        let config = builder(pin, run)?
            .with_client_auth_cert(identity.tls_chain(), identity.tls_key())
            .map_err(|source| IdentityError::Tls {
                what: "an identity",
                source,
            })?;
        Connector::new(config, session_server_name(run))
    }

    pub(crate) fn new(
        mut config: ClientConfig,
        server_name: String,
    ) -> Result<Connector, IdentityError> {
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        let server_name = ServerName::try_from(server_name)
            .map_err(|_| IdentityError::Name(crate::NameError::Run))?;
        Ok(Connector {
            config: Arc::new(config),
            server_name,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_alpn(mut self, protocols: Vec<Vec<u8>>) -> Connector {
        Arc::make_mut(&mut self.config).alpn_protocols = protocols;
        self
    }

    /// Connects within `limit` and returns once the master has proved who it is. TCP_NODELAY
    /// is set.
    ///
    /// In TLS 1.3 a client is done before the server has judged its certificate, so a
    /// connection from here may yet be refused: the first read then fails. A caller that wants
    /// to tell that from a lost connection uses [`confirmed`](Self::confirmed).
    pub async fn connect(
        &self,
        address: SocketAddr,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let attempt = async {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            TlsConnector::from(self.config.clone())
                .connect(self.server_name.clone(), tcp)
                .await
        };
        match tokio::time::timeout(limit, attempt).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(cause(address, error)),
            Err(_) => Err(ConnectError::TimedOut { address, limit }),
        }
    }

    /// As [`connect`](Self::connect), and waits within the same `limit` for the first bytes of
    /// the master, which it sends only to a peer that it accepted: an HTTP/2 server speaks
    /// first. The bytes stay in the stream.
    pub async fn confirmed(
        &self,
        address: SocketAddr,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let attempt = async {
            let mut stream = self.connect(address, limit).await?;
            match Pin::new(&mut stream).fill_buf().await {
                Ok([]) => Err(ConnectError::Connection {
                    address,
                    source: io::ErrorKind::UnexpectedEof.into(),
                }),
                Ok(_) => Ok(stream),
                Err(error) => Err(cause(address, error)),
            }
        };
        let in_time = tokio::time::timeout(limit, attempt).await;
        in_time.unwrap_or(Err(ConnectError::TimedOut { address, limit }))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("server", &self.server_name)
            .finish_non_exhaustive()
    }
}

pub(crate) fn builder(
    pin: CaPin,
    run: &str,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, IdentityError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|source| IdentityError::Tls {
            what: "a connection",
            source,
        })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(MasterOfRun {
            pin,
            run: run.to_owned(),
        })))
}

/// tokio-rustls wraps every error in an `io::Error`; this finds what it was.
fn cause(address: SocketAddr, error: io::Error) -> ConnectError {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        return ConnectError::Connection {
            address,
            source: error,
        };
    };
    match wrong_name(tls) {
        Some(WrongName::WrongPin) => return ConnectError::WrongPin { address },
        Some(_) => return ConnectError::NotTheMaster { address },
        None => {}
    }
    match tls {
        Error::AlertReceived(alert) => ConnectError::Refused {
            address,
            alert: *alert,
        },
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => ConnectError::OutsideItsTime { address },
        // Whoever shows the pinned authority, which is public, with a leaf it did not sign.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => ConnectError::WrongPin { address },
        _ => ConnectError::Tls {
            address,
            source: tls.clone(),
        },
    }
}
