//! The master's port: TLS first, then gRPC. Who a peer is, is known before a byte of a call is
//! read, and stays with the connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use identity::{Peer, ServerSide, ServerStream};
use proto::v1::admin_server::AdminServer;
use proto::v1::enrollment_server::EnrollmentServer;
use proto::v1::work_server::WorkServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::api::admin::AdminApi;
use crate::api::enroll::EnrollApi;
use crate::api::roles::ByRole;
use crate::api::work::WorkApi;

/// A handshake takes milliseconds; a peer that does not get on with it holds a place.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at a time: a thousand workers may come at once, a flood may not take all memory.
const HANDSHAKES: usize = 256;

/// How a half-open connection is found: HTTP/2 pings, off by default in tonic. A worker that
/// is alive answers from its own thread however busy its engine is.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the port answers with.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) enroll: EnrollApi,
    pub(crate) work: WorkApi,
    pub(crate) admin: AdminApi,
}

/// Binds a port that only this machine can reach.
pub(crate) async fn bind() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until `stop` is dropped or sent to.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: ServerSide,
    services: Services,
    stop: tokio::sync::oneshot::Receiver<()>,
) -> Result<(), tonic::transport::Error> {
    let (connections, incoming) = mpsc::channel(HANDSHAKES);
    let accepting = tokio::spawn(accept(listener, tls, connections));
    // A lease of many small files names them all.
    let largest = 64 << 20;
    let served = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .layer(ByRole)
        .add_service(EnrollmentServer::new(services.enroll))
        .add_service(WorkServer::new(services.work).max_decoding_message_size(largest))
        .add_service(AdminServer::new(services.admin))
        .serve_with_incoming_shutdown(ReceiverStream::new(incoming), async {
            let _ = stop.await;
        })
        .await;
    accepting.abort();
    served
}

async fn accept(
    listener: TcpListener,
    tls: ServerSide,
    connections: mpsc::Sender<io::Result<Connection>>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (tls, connections) = (tls.clone(), connections.clone());
                tokio::spawn(async move {
                    if let Some(connection) = shake_hands(&tls, stream).await {
                        // The server is gone when the run is over.
                        let _ = connections.send(Ok(connection)).await;
                    }
                    drop(place);
                });
            }
            Err(error) => {
                log::warn!("accepting a connection failed: {error}");
                // Out of descriptors, most likely: give some time to be closed.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn shake_hands(tls: &ServerSide, stream: TcpStream) -> Option<Connection> {
    match tls.accept(stream, HANDSHAKE).await {
        Ok((stream, peer)) => Some(Connection { stream, peer }),
        Err(error) => {
            log::warn!(security_event = true; "connection refused: {error}");
            None
        }
    }
}

/// A connection whose peer is known.
#[derive(Debug)]
struct Connection {
    stream: ServerStream,
    peer: Peer,
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
