//! Who may talk to whom in a run: its certificate authority, the names in its certificates,
//! and the two ends of its connections.
//!
//! Each run has an authority of its own ([`RunAuthority`]), which lives in the memory of its
//! master and signs short-lived certificates. A certificate says one thing, in its only URI:
//! `spiffe://dayfly/run/<run>/master`, `…/worker/<instance>` or `…/admin/<person>` ([`Role`]).
//!
//! - A master listens with a [`ServerSide`]: one port, two faces. Who asks for
//!   `enroll.<run>.dayfly` needs no certificate and is a [`Peer`] without a role. Who asks
//!   for anything else must present a certificate of a worker or an admin of this run.
//! - A worker or admin connects with a [`Connector`]. It knows the master by [`CaPin`], the
//!   hash of the public key of the run's authority: a public value that needs no protection,
//!   only integrity.
//! - On one machine a worker proves who it is with an [`EnrolmentToken`], kept in a
//!   [`TokenBook`]; it makes its own key ([`KeyAndRequest`]), which never leaves the process.
//!
//! Promises: TLS 1.3 and nothing below it; no session resumption, so that an identity is
//! judged on every connection; ALPN is `h2`; no key and no token appears in a `Debug` or
//! `Display`. An identity is judged when a connection begins: a certificate that expires
//! later does not end it.

mod authority;
mod client;
mod holder;
mod pin;
mod role;
mod server;
mod token;
mod verify;

pub use authority::{
    CertificateChain, CheckedRequest, IdentityError, MAX_AUTHORITY_LIFE, RunAuthority,
};
pub use client::{ConnectError, Connector};
pub use holder::{Identity, KeyAndRequest};
pub use pin::{CaPin, KeyFingerprint, NotAFingerprint};
pub use role::{Name, NameError, Role};
pub use server::{AcceptError, Peer, ServerSide, ServerStream};
pub use token::{EnrolmentToken, NotAToken, Redeemed, Refused, TokenBook};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The one protocol spoken over these connections.
const ALPN: &[u8] = b"h2";

/// The one cryptography provider. It is passed explicitly everywhere: a process-wide default
/// could be set by somebody else, or not at all.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: std::sync::LazyLock<Arc<CryptoProvider>> =
        std::sync::LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    PROVIDER.clone()
}

/// `N` bytes from the provider's random number generator.
fn random_bytes<const N: usize>() -> Result<[u8; N], IdentityError> {
    let mut bytes = [0; N];
    provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| IdentityError::NoRandomness)?;
    Ok(bytes)
}

/// The server name of a run, and that of its enrolment face.
fn session_server_name(run: &str) -> String {
    format!("{run}.dayfly")
}

fn enroll_server_name(run: &str) -> String {
    format!("enroll.{run}.dayfly")
}

#[cfg(test)]
mod tests;
