//! A master that answers nothing by itself: it enrolls whoever has the token, and hands each
//! session to the test.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use identity::{
    CaPin, CheckedRequest, EnrolmentToken, Peer, Role, RunAuthority, ServerSide, ServerStream,
};
use proto::v1;
use proto::v1::enrollment_server::{Enrollment, EnrollmentServer};
use proto::v1::work_server::{Work, WorkServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};

/// Far more than anything here takes on a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const RUN: &str = "night-07";
pub(crate) const INSTANCE: &str = "w0001";

pub(crate) struct Master {
    pub(crate) address: SocketAddr,
    pub(crate) pin: CaPin,
    pub(crate) token: EnrolmentToken,
    sessions: mpsc::UnboundedReceiver<Session>,
}

/// The master's end of a session. Dropping it ends the session.
pub(crate) struct Session {
    pub(crate) hello: v1::Hello,
    from: Streaming<v1::WorkerMessage>,
    to: mpsc::Sender<Result<v1::MasterMessage, Status>>,
    /// What has come and was not asked for yet.
    pub(crate) credit: u32,
    pub(crate) started: Vec<v1::Started>,
    reports: Vec<v1::Report>,
    pub(crate) heartbeats: Vec<v1::Heartbeat>,
    pub(crate) broken: String,
    pub(crate) leaving: bool,
    pub(crate) answers_heartbeats: bool,
}

impl Master {
    pub(crate) async fn start() -> Master {
        let authority = RunAuthority::new(RUN, SystemTime::now()).unwrap();
        let tls = ServerSide::new(&authority, SystemTime::now()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (pin, token) = (authority.pin(), EnrolmentToken::generate().unwrap());
        let (opened, sessions) = mpsc::unbounded_channel();
        let services = Services {
            authority: Arc::new(authority),
            token: token.clone(),
            opened,
        };
        tokio::spawn(serve(listener, tls, services));
        Master {
            address,
            pin,
            token,
            sessions,
        }
    }

    /// The next session, before its welcome.
    pub(crate) async fn session(&mut self) -> Session {
        let session = timeout(LIMIT, self.sessions.recv()).await.unwrap();
        session.unwrap()
    }

    /// Another one is not coming.
    pub(crate) async fn no_session(mut self) {
        tokio::task::yield_now().await;
        assert!(self.sessions.try_recv().is_err());
    }
}

impl Session {
    pub(crate) async fn send(&self, message: v1::MasterMessage) {
        // A worker that is gone is found out by what it does not say.
        self.to.send(Ok(message)).await.ok();
    }

    pub(crate) async fn refuse(&self, status: Status) {
        self.to.send(Err(status)).await.unwrap();
    }

    pub(crate) async fn welcome(&self, welcome: v1::Welcome) {
        self.send(v1::MasterMessage {
            welcome: Some(welcome),
            ..Default::default()
        })
        .await;
    }

    pub(crate) async fn lease(&self, leases: Vec<v1::Lease>) {
        self.send(v1::MasterMessage {
            leases,
            ..Default::default()
        })
        .await;
    }

    pub(crate) async fn drain(&self, mode: v1::DrainMode) {
        self.send(v1::MasterMessage {
            drain: mode.into(),
            ..Default::default()
        })
        .await;
    }

    /// Takes one message in; false when the worker has ended its side.
    pub(crate) async fn hear(&mut self) -> bool {
        let Ok(Some(message)) = timeout(LIMIT, self.from.message()).await.unwrap() else {
            return false;
        };
        assert!(message.hello.is_none(), "one hello for one session");
        self.credit += message.credit;
        self.started.extend(message.started);
        self.reports.extend(message.reports);
        if let Some(heartbeat) = message.heartbeat {
            if self.answers_heartbeats {
                self.send(v1::MasterMessage {
                    heartbeat: heartbeat.number,
                    ..Default::default()
                })
                .await;
            }
            self.heartbeats.push(heartbeat);
        }
        if !message.engine_broken.is_empty() {
            self.broken = message.engine_broken;
        }
        self.leaving |= message.leaving;
        true
    }

    /// Hears until `done`.
    pub(crate) async fn until(&mut self, done: impl Fn(&Session) -> bool) {
        let heard = async {
            while !done(self) {
                assert!(self.hear().await, "the session ended too early");
            }
        };
        // Heartbeats never end: what does not come must be missed all the same.
        timeout(LIMIT, heard).await.expect("it was never said");
    }

    /// The next report.
    pub(crate) async fn report(&mut self) -> v1::Report {
        self.until(|session| !session.reports.is_empty()).await;
        self.reports.remove(0)
    }

    pub(crate) fn has_reports(&self) -> bool {
        !self.reports.is_empty()
    }

    /// What was reported so far.
    pub(crate) fn reports(&mut self) -> Vec<v1::Report> {
        std::mem::take(&mut self.reports)
    }

    /// That the engine began on that shard.
    pub(crate) async fn hear_started(&mut self, shard: u32) -> v1::Started {
        self.until(|session| session.started.iter().any(|s| s.shard == shard))
            .await;
        *self.started.iter().find(|s| s.shard == shard).unwrap()
    }

    /// The rest of a session that the worker ends; gives the reports that were still to come.
    pub(crate) async fn goodbye(mut self) -> Vec<v1::Report> {
        let heard = async { while self.hear().await {} };
        timeout(LIMIT, heard).await.expect("it never left");
        assert!(self.leaving, "it ended without a goodbye");
        self.reports
    }
}

async fn serve(listener: TcpListener, tls: ServerSide, services: Services) {
    let (connections, incoming) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok((stream, peer)) = tls.accept(stream, LIMIT).await {
                let _ = connections
                    .send(Ok::<_, io::Error>(Connection { stream, peer }))
                    .await;
            }
        }
    });
    tonic::transport::Server::builder()
        .add_service(EnrollmentServer::new(services.clone()))
        .add_service(WorkServer::new(services))
        .serve_with_incoming(ReceiverStream::new(incoming))
        .await
        .unwrap();
}

#[derive(Clone)]
struct Services {
    authority: Arc<RunAuthority>,
    token: EnrolmentToken,
    opened: mpsc::UnboundedSender<Session>,
}

#[tonic::async_trait]
impl Enrollment for Services {
    async fn enroll(
        &self,
        request: Request<v1::EnrollRequest>,
    ) -> Result<Response<v1::EnrollReply>, Status> {
        let request = request.into_inner();
        let Some(v1::enroll_request::Proof::Token(token)) = request.proof else {
            return Err(Status::invalid_argument("no token"));
        };
        if token.parse() != Ok(self.token.clone()) {
            return Err(Status::permission_denied("not that token"));
        }
        let request_der = CheckedRequest::check(&request.certificate_request).unwrap();
        let role = Role::Worker {
            instance: request.instance,
        };
        let hour = Duration::from_secs(3600);
        let chain = self
            .authority
            .issue(role, &request_der, SystemTime::now(), hour)
            .unwrap();
        Ok(Response::new(v1::EnrollReply {
            certificate_chain: vec![chain.leaf.into(), chain.authority.into()],
        }))
    }
}

#[tonic::async_trait]
impl Work for Services {
    type SessionStream = ReceiverStream<Result<v1::MasterMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<v1::WorkerMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let peer = request.extensions().get::<Peer>().unwrap();
        assert_eq!(
            peer.role,
            Some(Role::Worker {
                instance: INSTANCE.into()
            })
        );
        let mut from = request.into_inner();
        let hello = from.message().await?.and_then(|message| message.hello);
        let (to, messages) = mpsc::channel(64);
        let session = Session {
            hello: hello.expect("the first message holds a hello"),
            from,
            to,
            credit: 0,
            started: Vec::new(),
            reports: Vec::new(),
            heartbeats: Vec::new(),
            broken: String::new(),
            leaving: false,
            answers_heartbeats: true,
        };
        self.opened.send(session).ok();
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}

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
