//! Who may call what: one table, looked up for every call before its handler. What is not in
//! the table may be called by nobody.

use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use identity::{Peer, Role};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// The kinds of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Has no certificate.
    Anybody,
    /// Has the certificate of a worker of this run.
    Worker,
    /// Has the certificate of an admin of this run.
    Admin,
}

/// Every RPC, and the one kind of caller it is for.
pub const TABLE: &[(&str, Caller)] = &[
    ("/dayfly.v1.Enrollment/Enroll", Caller::Anybody),
    ("/dayfly.v1.Work/Session", Caller::Worker),
    ("/dayfly.v1.Admin/GetRun", Caller::Admin),
    ("/dayfly.v1.Admin/WatchRun", Caller::Admin),
    ("/dayfly.v1.Admin/ListWorkers", Caller::Admin),
    ("/dayfly.v1.Admin/ListShards", Caller::Admin),
    ("/dayfly.v1.Admin/Drain", Caller::Admin),
    ("/dayfly.v1.Admin/Abort", Caller::Admin),
];

/// The kind of a peer, by its certificate alone.
#[must_use]
pub fn caller(peer: &Peer) -> Option<Caller> {
    match &peer.role {
        None => Some(Caller::Anybody),
        Some(Role::Worker { .. }) => Some(Caller::Worker),
        Some(Role::Admin { .. }) => Some(Caller::Admin),
        // A master calls nobody.
        Some(Role::Master) => None,
    }
}

/// Whether this caller may call this path.
#[must_use]
pub fn allowed(path: &str, caller: Caller) -> bool {
    TABLE
        .iter()
        .any(|(known, wanted)| *known == path && *wanted == caller)
}

/// Refuses calls that the table does not allow, before anything is decoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByRole;

impl<S> Layer<S> for ByRole {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner }
    }
}

/// A service behind the table.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
}

impl<S, B> Service<http::Request<B>> for Guarded<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<http::Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let peer = request.extensions().get::<Peer>().and_then(caller);
        match peer {
            Some(caller) if allowed(request.uri().path(), caller) => {
                Either::Left(self.inner.call(request))
            }
            caller => {
                log::warn!(
                    "refused: {} called by {caller:?}",
                    known_path(request.uri().path())
                );
                let refused = Status::permission_denied("this identity may not call that");
                Either::Right(ready(Ok(refused.into_http())))
            }
        }
    }
}

/// The path for a log line: what a peer made up is not repeated.
fn known_path(path: &str) -> &'static str {
    TABLE
        .iter()
        .find(|(known, _)| *known == path)
        .map_or("an unknown path", |(known, _)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_wire_is_in_the_table_once() {
        let mut wire = Vec::new();
        for file in ["enroll", "work", "admin"] {
            let path = format!(
                "{}/../proto/dayfly/v1/{file}.proto",
                env!("CARGO_MANIFEST_DIR")
            );
            let mut service = String::new();
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let mut words = line.trim().split([' ', '(']);
                match (words.next(), words.next()) {
                    (Some("service"), Some(name)) => service = name.to_owned(),
                    (Some("rpc"), Some(name)) => wire.push(format!("/dayfly.v1.{service}/{name}")),
                    _ => {}
                }
            }
        }
        assert_eq!(
            wire,
            TABLE
                .iter()
                .map(|(path, _)| (*path).to_owned())
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn each_caller_may_call_its_own_and_nothing_else() {
        for (path, wanted) in TABLE {
            for caller in [Caller::Anybody, Caller::Worker, Caller::Admin] {
                assert_eq!(
                    allowed(path, caller),
                    caller == *wanted,
                    "{path} by {caller:?}"
                );
            }
        }
        assert!(!allowed("/dayfly.v1.Admin/Invented", Caller::Admin));
        assert!(!allowed(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            Caller::Admin
        ));
    }
}
