//! Nobody talks without an identity: through the listener of a real run, strangers of every kind
//! are refused, nobody may call what is not for its role, and the run does not mind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::SystemTime;

use hyper_util::rt::TokioIo;
use identity::{
    CertificateChain, ConnectError, Connector, EnrolmentToken, Identity, KeyAndRequest, Role,
    RunAuthority,
};
use master::api::roles::{Caller, TABLE};
use master::{AdminFile, private_folder};
use proto::v1;
use proto::v1::admin_client::AdminClient;
use proto::v1::enrollment_client::EnrollmentClient;
use proto::v1::work_client::WorkClient;
use tests::gate::Gate;
use tests::place::{PATIENCE, Place, Running, block_on, until};
use tonic::codegen::tokio_stream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};
use worker::LaunchLine;

/// A run that stands still until its gate is opened.
struct Standing {
    place: Place,
    gate: Gate,
    running: Running,
    run: String,
    admin: Identity,
    address: SocketAddr,
}

impl Standing {
    fn new(variables: &[(&str, &Path)]) -> Standing {
        let place = Place::new(env!("CARGO_BIN_EXE_dayfly-under-test"));
        for n in 0..4 {
            place.write(&format!("{n}.txt"), "Gout.");
        }
        let gate = Gate::new(&place);
        let mut command = place.run_command(&["--workers", "2", "--", &gate.engine()]);
        command.envs(variables.iter().copied());
        let running = place.start(command);
        let run = place.wait_for_run();
        let private = private_folder(&place.output(), &run);
        let path = AdminFile::path(&private);
        let file: AdminFile = until("the admin file", || {
            serde_json::from_slice(&std::fs::read(&path).ok()?).ok()
        });
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(
            (mode(&path), mode(&private)),
            (0o600, 0o700),
            "it holds a private key"
        );
        gate.wait();
        Standing {
            admin: Identity::from_pem(&file.identity).unwrap(),
            address: file.address.parse().unwrap(),
            place,
            gate,
            running,
            run,
        }
    }

    fn session(&self, identity: &Identity) -> Connector {
        Connector::session(self.admin.authority_pin(), &self.run, identity).unwrap()
    }

    /// The master does not accept this identity, and says this in its log.
    #[track_caller]
    fn refuses(&self, identity: &Identity, why: &str) {
        let connector = self.session(identity);
        let refused = block_on(connector.confirmed(self.address, PATIENCE)).unwrap_err();
        assert!(
            matches!(refused, ConnectError::Refused { .. }),
            "{refused:?}"
        );
        self.logs(why);
    }

    fn accepts(&self, identity: &Identity) {
        let connector = self.session(identity);
        block_on(connector.confirmed(self.address, PATIENCE)).unwrap();
    }

    #[track_caller]
    fn logs(&self, what: &str) {
        until(what, || self.running.stderr().contains(what).then_some(()));
    }

    /// Another TLS than ours, as `session` or `enroll`, with this setting. Answers what it got.
    fn by_python(&self, face: &str, setting: &str) -> String {
        let script = format!(
            "import socket, ssl\n\
             c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n\
             c.check_hostname = False\n\
             c.verify_mode = ssl.CERT_NONE\n\
             c.set_alpn_protocols(['h2'])\n\
             {setting}\n\
             try:\n\
             \x20   s = socket.create_connection(('127.0.0.1', {port}))\n\
             \x20   s = c.wrap_socket(s, server_hostname='{face}{run}.dayfly')\n\
             \x20   first = s.read(9)\n\
             \x20   print('frame', first[3] if first else 'none')\n\
             except OSError as e:\n\
             \x20   print('refused', e)\n",
            port = self.address.port(),
            run = self.run,
        );
        let done = Command::new("python3")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// The run completes as if nothing had been.
    #[track_caller]
    fn completes(self) {
        self.gate.open();
        let done = self.running.wait().expect(0);
        assert_eq!(done.json()["outcome"], "complete");
        assert_eq!(done.json()["charts"], 4);
        self.place.wait_for_no_workers(&self.run);
    }
}

/// What an HTTP/2 server says first, in the words of `by_python`.
const SETTINGS: &str = "frame 4";

#[test]
fn strangers_are_refused_and_the_run_goes_on() {
    let run = Standing::new(&[]);
    run.accepts(&run.admin);

    // Without a certificate.
    let said = run.by_python("", "");
    assert!(
        said.starts_with("refused") && said.contains("CERTIFICATE_REQUIRED"),
        "{said}"
    );
    run.logs("the peer presented no certificate");
    // The same peer gets in where none is needed, and where it shows the admin's.
    assert_eq!(run.by_python("enroll.", ""), SETTINGS);
    let path = AdminFile::path(&private_folder(&run.place.output(), &run.run));
    let file: AdminFile = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let pem = run.place.path().join("admin.pem");
    std::fs::write(&pem, file.identity).unwrap();
    let with_the_admins = format!("c.load_cert_chain({:?})", pem.display().to_string());
    assert_eq!(run.by_python("", &with_the_admins), SETTINGS);

    // With that and TLS 1.2, or not speaking TLS.
    let old = format!("{with_the_admins}\nc.maximum_version = ssl.TLSVersion.TLSv1_2");
    for face in ["", "enroll."] {
        let said = run.by_python(face, &old);
        assert!(
            said.starts_with("refused") && said.contains("PROTOCOL_VERSION"),
            "{said}"
        );
    }
    run.logs("the peer does not speak TLS 1.3");
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        &[0x16, 3, 1, 0xff, 0xff, 1, 0, 0, 0],
        &[0; 4096],
    ] {
        let mut stream = TcpStream::connect(run.address).unwrap();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A reset is an answer as well.
        let _ = stream.read_to_end(&mut answer);
        // An alert, the record type 21, or nothing.
        assert!(answer.first().is_none_or(|byte| *byte == 21), "{answer:?}");
    }

    // With certificates of another authority that says it is this run's, or is another's.
    for name in [run.run.as_str(), "another-run"] {
        let other = RunAuthority::new(name, SystemTime::now()).unwrap();
        let worker = Role::Worker {
            instance: "w0001".to_owned(),
        };
        for role in [
            worker,
            Role::Admin {
                person: "eve".to_owned(),
            },
        ] {
            let life = identity::MAX_AUTHORITY_LIFE;
            let forged = other.issue_identity(role, SystemTime::now(), life).unwrap();
            run.refuses(&forged, "was signed by another authority");
        }
    }
    run.accepts(&run.admin);
    run.completes();
}

#[test]
fn an_expired_certificate_of_the_run_itself_is_refused() {
    let run = Standing::new(&[("DAYFLY_EXPIRED_ADMIN", Path::new("1"))]);
    run.refuses(
        &run.admin,
        "the certificate of the peer is outside its time",
    );
    run.completes();
}

/// A connection that the master has accepted.
async fn channel(connector: &Connector, address: SocketAddr) -> Channel {
    let stream = connector.confirmed(address, PATIENCE).await.unwrap();
    let once = Mutex::new(Some(TokioIo::new(stream)));
    let take = tower::service_fn(move |_: Uri| {
        let stream = once.lock().unwrap().take();
        std::future::ready(stream.ok_or(std::io::Error::from(std::io::ErrorKind::NotConnected)))
    });
    Endpoint::from_static("http://master")
        .connect_with_connector(take)
        .await
        .unwrap()
}

/// Calls the RPC with this path with an empty message.
async fn call(channel: &Channel, path: &str) -> Result<(), Status> {
    let channel = channel.clone();
    let mut admin = AdminClient::new(channel.clone());
    match path {
        "/dayfly.v1.Enrollment/Enroll" => {
            let mut enrollment = EnrollmentClient::new(channel);
            enrollment
                .enroll(v1::EnrollRequest::default())
                .await
                .map(drop)
        }
        "/dayfly.v1.Work/Session" => {
            let nothing = tokio_stream::empty::<v1::WorkerMessage>();
            WorkClient::new(channel).session(nothing).await.map(drop)
        }
        "/dayfly.v1.Admin/GetRun" => admin.get_run(v1::GetRunRequest {}).await.map(drop),
        "/dayfly.v1.Admin/WatchRun" => admin.watch_run(v1::WatchRunRequest {}).await.map(drop),
        "/dayfly.v1.Admin/ListWorkers" => admin
            .list_workers(v1::ListWorkersRequest {})
            .await
            .map(drop),
        "/dayfly.v1.Admin/ListShards" => admin
            .list_shards(v1::ListShardsRequest::default())
            .await
            .map(drop),
        "/dayfly.v1.Admin/Drain" => admin.drain(v1::DrainRequest {}).await.map(drop),
        "/dayfly.v1.Admin/Abort" => admin.abort(v1::AbortRequest {}).await.map(drop),
        other => panic!("this test does not know {other}"),
    }
}

/// Enrolls as this instance with this proof and key.
async fn enroll(
    channel: &Channel,
    instance: &str,
    key: &KeyAndRequest,
    token: Option<String>,
) -> Result<CertificateChain, Status> {
    let request = v1::EnrollRequest {
        instance: instance.to_owned(),
        certificate_request: key.request().to_vec().into(),
        proof: token.map(v1::enroll_request::Proof::Token),
    };
    let reply = EnrollmentClient::new(channel.clone())
        .enroll(request)
        .await?
        .into_inner();
    let [leaf, authority] = &reply.certificate_chain[..] else {
        panic!("not two certificates")
    };
    Ok(CertificateChain {
        leaf: leaf.to_vec(),
        authority: authority.to_vec(),
    })
}

/// The launch line that a worker gave away, and the name of that worker.
fn stolen(run: &Standing, file: &Path) -> (LaunchLine, String) {
    let line = until("the launch line", || {
        std::fs::read_to_string(file)
            .ok()
            .filter(|line| line.ends_with('\n'))
    });
    let line = LaunchLine::parse(&line).unwrap();
    // The other worker waits at the gate; the one that gave its line away never enrolled.
    let listed = block_on(async {
        let channel = channel(&run.session(&run.admin), run.address).await;
        let mut admin = AdminClient::new(channel);
        admin
            .list_workers(v1::ListWorkersRequest {})
            .await
            .unwrap()
            .into_inner()
            .workers
    });
    let launched = listed.into_iter().find(|worker| worker.state == "launched");
    (
        line,
        launched.expect("one worker has not enrolled").instance,
    )
}

#[test]
fn each_identity_may_call_what_is_for_its_role_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("line");
    let run = Standing::new(&[("GIVE_LAUNCH_LINE_TO", &file)]);
    let (line, instance) = stolen(&run, &file);
    assert_eq!(
        (line.master, line.pin),
        (run.address, run.admin.authority_pin())
    );
    let nobody = Connector::enroll(line.pin, &run.run).unwrap();

    let worker = block_on(async {
        let channel = channel(&nobody, run.address).await;
        let key = KeyAndRequest::generate().unwrap();
        let right = || Some(line.token.reveal_hex());
        let wrong: EnrolmentToken = "5a".repeat(32).parse().unwrap();
        for (name, token) in [
            (instance.as_str(), Some(wrong.reveal_hex())),
            (&instance, Some("no token".to_owned())),
            (&instance, None),
            ("w0099", right()),
            ("../w0001", right()),
            ("", right()),
        ] {
            let refused = enroll(&channel, name, &key, token).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied, "{name}");
            assert_eq!(
                refused.message(),
                "enrollment refused",
                "it must not say why"
            );
        }
        let chain = enroll(&channel, &instance, &key, right()).await.unwrap();
        // The reply may be lost, so the same key may come again; with another, it is a thief.
        enroll(&channel, &instance, &key, right()).await.unwrap();
        let another = KeyAndRequest::generate().unwrap();
        let refused = enroll(&channel, &instance, &another, right())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        key.into_identity(chain).unwrap()
    });
    run.logs("the token is not that of this instance");
    run.logs("this instance is enrolled with another key");
    assert_eq!(worker.role(), &Role::Worker { instance });

    for (caller, connector) in [
        (Caller::Anybody, nobody),
        (Caller::Worker, run.session(&worker)),
        (Caller::Admin, run.session(&run.admin)),
    ] {
        block_on(async {
            let channel = channel(&connector, run.address).await;
            for (path, wanted) in TABLE {
                let is_order = path.ends_with("/Drain") || path.ends_with("/Abort");
                if caller == Caller::Admin && is_order {
                    // It may, and it would end the run: see `admin_service`.
                    continue;
                }
                let answer = call(&channel, path).await;
                let by_role = answer.as_ref().is_err_and(|status| {
                    status.code() == Code::PermissionDenied && status.message().contains("identity")
                });
                assert_eq!(
                    by_role,
                    caller != *wanted,
                    "{path} by {caller:?}: {answer:?}"
                );
            }
        });
    }
    // On the session name, a worker's certificate makes no admin, whatever it asks for.
    run.logs("refused: /dayfly.v1.Admin/Abort called by Some(Worker)");
    run.logs("refused: /dayfly.v1.Work/Session called by Some(Admin)");
    run.logs("refused: /dayfly.v1.Work/Session called by Some(Anybody)");
    run.completes();
}
