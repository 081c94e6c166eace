//! Both ends over real loopback sockets: who is accepted, who is refused, and as what.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use rcgen::ExtendedKeyUsagePurpose::{self as Purpose, ClientAuth, ServerAuth};
use rustls::{AlertDescription, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::builder;
use crate::*;

const RUN: &str = "night-07";
const HOUR: Duration = Duration::from_secs(3600);
/// Far more than a loopback handshake takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

type Accepted = Result<Peer, AcceptError>;
type Connected = Result<(), ConnectError>;

fn authority() -> RunAuthority {
    RunAuthority::new(RUN, SystemTime::now()).unwrap()
}

fn worker() -> Role {
    Role::Worker {
        instance: "i-1".into(),
    }
}

fn admin() -> Role {
    Role::Admin {
        person: "ann@example.org".into(),
    }
}

fn forged(authority: &RunAuthority, uris: &[&str], usages: &[Purpose]) -> Identity {
    let (chain, key) = authority.forge(uris, usages, SystemTime::now());
    key.into_identity(chain).unwrap()
}

/// Accepts one connection and, like an HTTP/2 server, speaks first.
async fn accept_one(listener: TcpListener, server: ServerSide) -> Accepted {
    let (stream, _) = listener.accept().await.unwrap();
    let (mut stream, peer) = server.accept(stream, LIMIT).await?;
    assert_eq!(
        stream.get_ref().1.handshake_kind(),
        Some(HandshakeKind::Full)
    );
    stream.write_all(b"settings").await.unwrap();
    Ok(peer)
}

async fn meet(server: &ServerSide, client: &Connector) -> (Accepted, Connected) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, connected) = tokio::join!(accept_one(listener, server.clone()), async {
        let mut stream = client.confirmed(address, LIMIT).await?;
        let mut read = [0; 8];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(
            &read, b"settings",
            "what confirmed the connection must stay readable"
        );
        Ok(())
    });
    (accepted, connected)
}

/// Sends `bytes` in place of a client; gives what the server thought and what it answered.
async fn meet_bytes(server: &ServerSide, bytes: &[u8]) -> (Accepted, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::join!(accept_one(listener, server.clone()), async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        answer
    })
}

#[tokio::test]
async fn workers_and_admins_of_the_run_are_accepted_each_time_anew() {
    let authority = authority();
    let server = ServerSide::new(&authority, SystemTime::now()).unwrap();
    for role in [worker(), admin()] {
        let identity = authority
            .issue_identity(role.clone(), SystemTime::now(), HOUR)
            .unwrap();
        let client = Connector::session(authority.pin(), RUN, &identity).unwrap();
        for _ in 0..2 {
            let (accepted, connected) = meet(&server, &client).await;
            connected.unwrap();
            let peer = accepted.unwrap();
            assert_eq!(peer.role, Some(role.clone()));
            assert!(peer.address.ip().is_loopback());
        }
    }
}

#[tokio::test]
async fn only_the_enrolment_face_needs_no_certificate() {
    let authority = authority();
    let server = ServerSide::new(&authority, SystemTime::now()).unwrap();
    let enroll = Connector::enroll(authority.pin(), RUN).unwrap();
    let (accepted, connected) = meet(&server, &enroll).await;
    connected.unwrap();
    assert_eq!(accepted.unwrap().role, None);

    // On the enrolment face a certificate is not asked for and gives no role.
    let identity = authority
        .issue_identity(admin(), SystemTime::now(), HOUR)
        .unwrap();
    let config = builder(authority.pin(), RUN).unwrap();
    let config = config
        .with_client_auth_cert(identity.tls_chain(), identity.tls_key())
        .unwrap();
    let client = Connector::new(config, enroll_server_name(RUN)).unwrap();
    assert_eq!(meet(&server, &client).await.0.unwrap().role, None);

    for name in [
        session_server_name(RUN),
        enroll_server_name("other"),
        "localhost".into(),
    ] {
        let config = builder(authority.pin(), RUN).unwrap().with_no_client_auth();
        let client = Connector::new(config, name.clone()).unwrap();
        let (accepted, connected) = meet(&server, &client).await;
        assert!(
            matches!(accepted, Err(AcceptError::NoCertificate)),
            "{name}: {accepted:?}"
        );
        let Err(ConnectError::Refused { alert, .. }) = connected else {
            panic!("{name}: {connected:?}");
        };
        assert_eq!(alert, AlertDescription::CertificateRequired);
    }
}

#[tokio::test]
async fn peers_with_a_wrong_certificate_are_refused_each_for_its_reason() {
    let (now, authority) = (SystemTime::now(), authority());
    let server = ServerSide::new(&authority, now).unwrap();
    // The same run id, another authority: a peer of a run that was started twice.
    let stranger = self::authority();
    let good = "spiffe://dayfly/run/night-07/worker/i-1";
    let issue = |from: &RunAuthority, role, now| from.issue_identity(role, now, HOUR).unwrap();
    let past = now - 2 * HOUR;
    let cases = [
        ("authority", issue(&stranger, worker(), now)),
        ("time", issue(&authority, worker(), past)),
        ("time", issue(&authority, worker(), now + HOUR)),
        ("time", issue(&stranger, worker(), past)),
        (
            "run",
            forged(
                &authority,
                &["spiffe://dayfly/run/night-08/worker/i-1"],
                &[ClientAuth],
            ),
        ),
        ("name", issue(&authority, Role::Master, now)),
        (
            "name",
            forge_uris(
                &authority,
                &[good, "spiffe://dayfly/run/night-07/worker/i-2"],
            ),
        ),
        ("name", forge_uris(&authority, &["https://example.org/"])),
        ("name", forge_uris(&authority, &[])),
        ("purpose", forged(&authority, &[good], &[ServerAuth])),
    ];
    for (number, (reason, identity)) in cases.into_iter().enumerate() {
        let client = Connector::session(authority.pin(), RUN, &identity).unwrap();
        let (accepted, connected) = meet(&server, &client).await;
        let refused = match accepted.unwrap_err() {
            AcceptError::OtherAuthority => "authority",
            AcceptError::OutsideItsTime => "time",
            AcceptError::OtherRun => "run",
            AcceptError::WrongName => "name",
            AcceptError::BadCertificate(_) => "purpose",
            other => panic!("case {number}: {other:?}"),
        };
        assert_eq!(refused, reason, "case {number}");
        assert!(
            matches!(connected, Err(ConnectError::Refused { .. })),
            "case {number}: {connected:?}",
        );
    }
}

/// An identity whose holder believes it has one good name, while its certificate has `uris`.
fn forge_uris(authority: &RunAuthority, uris: &[&str]) -> Identity {
    let good = ["spiffe://dayfly/run/night-07/worker/i-1"];
    let (chain, key) = authority.forge(&good, &[ClientAuth], SystemTime::now());
    let request = CheckedRequest::check(key.request()).unwrap();
    let forged = authority.forge_for(&request, uris, &[ClientAuth], SystemTime::now());
    key.into_identity(chain).unwrap().with_chain(forged)
}

#[tokio::test]
async fn peers_that_do_not_speak_tls_13_and_h2_are_refused() {
    let authority = authority();
    let server = ServerSide::new(&authority, SystemTime::now()).unwrap();

    let (accepted, answer) = meet_bytes(&server, &tls12_hello()).await;
    assert!(
        matches!(accepted, Err(AcceptError::Protocol(_))),
        "{accepted:?}"
    );
    const FATAL_PROTOCOL_VERSION: [u8; 7] = [21, 3, 3, 0, 2, 2, 70];
    assert_eq!(answer, FATAL_PROTOCOL_VERSION);

    let (accepted, _) = meet_bytes(&server, b"GET / HTTP/1.1\r\nHost: dayfly\r\n\r\n").await;
    assert!(
        matches!(accepted, Err(AcceptError::Protocol(_))),
        "{accepted:?}"
    );
    let (accepted, _) = meet_bytes(&server, &tls12_hello()[..20]).await;
    assert!(
        matches!(accepted, Err(AcceptError::Connection(_))),
        "{accepted:?}"
    );
    let (accepted, _) = meet_bytes(&server, b"").await;
    assert!(
        matches!(accepted, Err(AcceptError::Connection(_))),
        "{accepted:?}"
    );

    let identity = authority
        .issue_identity(worker(), SystemTime::now(), HOUR)
        .unwrap();
    for alpn in [vec![], vec![b"http/1.1".to_vec()]] {
        let config = builder(authority.pin(), RUN).unwrap();
        let config = config.with_client_auth_cert(identity.tls_chain(), identity.tls_key());
        let client = Connector::new(config.unwrap(), session_server_name(RUN)).unwrap();
        let (accepted, _) = meet(&server, &client.with_alpn(alpn)).await;
        assert!(
            matches!(accepted, Err(AcceptError::Protocol(_))),
            "{accepted:?}"
        );
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_given_up() {
    let authority = authority();
    let server = ServerSide::new(&authority, SystemTime::now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _silent = TcpStream::connect(address).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    tokio::time::pause();
    let accepted = server.accept(stream, LIMIT).await.map(|(_, peer)| peer);
    assert!(
        matches!(accepted, Err(AcceptError::TimedOut)),
        "{accepted:?}"
    );
}

#[tokio::test]
async fn a_client_knows_its_master_and_refuses_all_others() {
    let (now, authority, stranger) = (SystemTime::now(), authority(), self::authority());
    let both = [ServerAuth, ClientAuth];
    let master = "spiffe://dayfly/run/night-07/master";
    // The pinned authority is public: anybody can show it below a leaf of their own.
    let (mut posing, key) = stranger.forge(&[master], &both, now);
    posing.authority = authority.certificate().to_vec();
    let posing = key.into_identity(posing).unwrap();
    let cases = [
        (
            "pin",
            stranger.issue_identity(Role::Master, now, HOUR).unwrap(),
        ),
        ("pin", posing),
        (
            "name",
            forged(&authority, &["spiffe://dayfly/run/night-08/master"], &both),
        ),
        (
            "name",
            forged(
                &authority,
                &["spiffe://dayfly/run/night-07/worker/i-1"],
                &both,
            ),
        ),
        (
            "name",
            forged(
                &authority,
                &["spiffe://dayfly/run/night-07/admin/ann"],
                &both,
            ),
        ),
        (
            "time",
            authority
                .issue_identity(Role::Master, now - 2 * HOUR, HOUR)
                .unwrap(),
        ),
        (
            "purpose",
            authority.issue_identity(worker(), now, HOUR).unwrap(),
        ),
        ("purpose", forged(&authority, &[master], &[ClientAuth])),
    ];
    let identity = authority.issue_identity(worker(), now, HOUR).unwrap();
    for (number, (reason, master)) in cases.into_iter().enumerate() {
        let server = ServerSide::with_identity(&authority, &master).unwrap();
        for client in [
            Connector::enroll(authority.pin(), RUN).unwrap(),
            Connector::session(authority.pin(), RUN, &identity).unwrap(),
        ] {
            let (accepted, connected) = meet(&server, &client).await;
            let refused = match connected.unwrap_err() {
                ConnectError::WrongPin { .. } => "pin",
                ConnectError::NotTheMaster { .. } => "name",
                ConnectError::OutsideItsTime { .. } => "time",
                ConnectError::Tls { .. } => "purpose",
                other => panic!("case {number}: {other:?}"),
            };
            assert_eq!(refused, reason, "case {number}");
            assert!(
                matches!(accepted, Err(AcceptError::RefusedUs(_))),
                "case {number}: {accepted:?}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_said_with_the_address() {
    let address: SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let client = Connector::enroll(authority().pin(), RUN).unwrap();
    let error = client.connect(address, LIMIT).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
}

#[test]
fn a_run_id_that_is_no_server_name_is_refused_early() {
    let pin = authority().pin();
    for run in ["", "a.b", "-a", "a b", &"x".repeat(64)] {
        assert!(RunAuthority::new(run, SystemTime::now()).is_err(), "{run}");
        assert!(Connector::enroll(pin, run).is_err(), "{run}");
    }
    let longest = "x".repeat(63);
    let authority = RunAuthority::new(&longest, SystemTime::now()).unwrap();
    assert!(Connector::enroll(authority.pin(), &longest).is_ok());
}

/// A well-formed ClientHello of TLS 1.2: no supported_versions extension.
fn tls12_hello() -> Vec<u8> {
    let extensions: &[u8] = &[
        0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17, // supported_groups: X25519, P-256
        0, 11, 0, 2, 1, 0, // ec_point_formats: uncompressed
        0, 13, 0, 4, 0, 2, 4, 3, // signature_algorithms: ECDSA P-256
    ];
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]); // no session, one suite, no compression
    hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    hello.extend(extensions);
    let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
    let mut record = vec![22, 3, 1];
    record.extend(length(hello.len() + 4));
    record.extend([1, 0]);
    record.extend(length(hello.len()));
    record.extend(hello);
    record
}
