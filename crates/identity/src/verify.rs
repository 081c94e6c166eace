//! How each end judges the certificate of the other: first the chain, purpose and time as
//! web PKI has it, then the one name in it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::authority::{IdentityError, RunAuthority};
use crate::role::{Name, Role};
use crate::{CaPin, provider};

/// Why a certificate with a good chain is still refused. Carried through rustls inside
/// [`CertificateError::Other`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum WrongName {
    #[error("the certificate does not hold exactly one URI")]
    NotOneUri,
    #[error("the URI in the certificate is no name of a run")]
    NotAName,
    #[error("the certificate is for another run")]
    OtherRun,
    #[error("the role in the certificate may not stand on this end")]
    WrongRole,
    #[error("the certificate is not of the pinned authority")]
    WrongPin,
}

impl From<WrongName> for Error {
    fn from(wrong: WrongName) -> Error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(wrong))))
    }
}

/// The reason we put into a rustls error, if it is one of ours.
pub(crate) fn wrong_name(error: &Error) -> Option<WrongName> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(ours))) => {
            ours.downcast_ref().copied()
        }
        _ => None,
    }
}

/// The name in a certificate, if its only URI is one. Does not judge the certificate.
pub(crate) fn single_name(leaf: &CertificateDer<'_>) -> Result<Name, WrongName> {
    let leaf = webpki::EndEntityCert::try_from(leaf).map_err(|_| WrongName::NotOneUri)?;
    let mut uris = leaf.valid_uri_names();
    let (Some(uri), None) = (uris.next(), uris.next()) else {
        return Err(WrongName::NotOneUri);
    };
    uri.parse().map_err(|_| WrongName::NotAName)
}

/// The DER SubjectPublicKeyInfo of a certificate, or nothing if it is not a certificate.
pub(crate) fn key_info(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    Some(certificate.subject_public_key_info().to_vec())
}

/// A server's judge of workers and admins: signed by this run's authority, valid now, for
/// client use, and named as a worker or admin of this run.
#[derive(Debug)]
pub(crate) struct PeersOfRun {
    run: String,
    chain: Arc<dyn ClientCertVerifier>,
}

impl PeersOfRun {
    pub(crate) fn new(authority: &RunAuthority) -> Result<PeersOfRun, IdentityError> {
        let mut roots = RootCertStore::empty();
        roots
            .add(authority.certificate().clone())
            .map_err(|source| IdentityError::Tls {
                what: "the authority",
                source,
            })?;
        // Building fails only without roots or with broken revocation lists.
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .expect("there is one root and no revocation list");
        Ok(PeersOfRun {
            run: authority.run().to_owned(),
            chain,
        })
    }

    /// The name of a peer that this verifier judges well.
    fn name_of(&self, leaf: &CertificateDer<'_>) -> Result<Name, WrongName> {
        let name = single_name(leaf)?;
        if name.run() != self.run {
            return Err(WrongName::OtherRun);
        }
        match name.role() {
            Role::Worker { .. } | Role::Admin { .. } => Ok(name),
            Role::Master => Err(WrongName::WrongRole),
        }
    }
}

impl ClientCertVerifier for PeersOfRun {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(leaf, intermediates, now)?;
        self.name_of(leaf)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// A client's judge of its master: the chain ends in an authority with the pinned key, the
/// leaf is signed by it, valid now, for server use, and named as the master of this run.
#[derive(Debug)]
pub(crate) struct MasterOfRun {
    pub(crate) pin: CaPin,
    pub(crate) run: String,
}

impl ServerCertVerifier for MasterOfRun {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let [authority] = intermediates else {
            return Err(WrongName::WrongPin.into());
        };
        let key = key_info(authority).ok_or(WrongName::WrongPin)?;
        if CaPin::of_key_info(&key) != self.pin {
            return Err(WrongName::WrongPin.into());
        }
        // Of the presented authority only its key is believed, and that is the pinned one.
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone())?;
        let algorithms = provider().signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms)?;
        let name = single_name(leaf)?;
        if name.run() != self.run {
            return Err(WrongName::OtherRun.into());
        }
        match name.role() {
            Role::Master => Ok(ServerCertVerified::assertion()),
            Role::Worker { .. } | Role::Admin { .. } => Err(WrongName::WrongRole.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn only_tls13() -> Error {
    Error::General("TLS 1.2 is not spoken here".into())
}
