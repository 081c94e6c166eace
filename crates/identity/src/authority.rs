//! The certificate authority of one run, and what it signs.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};

use crate::holder::{Identity, KeyAndRequest};
use crate::role::{Name, NameError, Role};
use crate::{CaPin, KeyFingerprint};

/// How long the authority of a run lives. No certificate that it signs lives longer.
pub const MAX_AUTHORITY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Certificates begin this much before they are made, for clocks that are behind.
const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// The certificate authority of one run: ECDSA P-256, in memory only, for at most
/// [`MAX_AUTHORITY_LIFE`]. Its certificate may sign leaves and no further authority.
pub struct RunAuthority {
    run: String,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pin: CaPin,
    ends: SystemTime,
}

/// A leaf and the authority that signed it, DER, in the order TLS sends them. Public values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateChain {
    pub leaf: Vec<u8>,
    pub authority: Vec<u8>,
}

/// A certificate request whose signature was made by the key it names (ECDSA P-256).
/// Nothing else that it says is believed.
#[derive(Clone, Debug)]
pub struct CheckedRequest {
    key: rcgen::PublicKey,
    fingerprint: KeyFingerprint,
}

/// Why a certificate, key or request could not be made or was refused.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot name an identity")]
    Name(#[from] NameError),
    #[error("cannot {doing}")]
    Make {
        doing: &'static str,
        #[source]
        source: rcgen::Error,
    },
    #[error("cannot set up TLS for {what}")]
    Tls {
        what: &'static str,
        #[source]
        source: rustls::Error,
    },
    #[error("the certificate request is not signed by an ECDSA P-256 key of its own")]
    Request,
    #[error("the authority of this run has ended; it signs nothing more")]
    AuthorityEnded,
    #[error("the random number generator gave nothing")]
    NoRandomness,
    #[error("the identity file is not usable: {0}")]
    File(&'static str),
}

impl RunAuthority {
    /// Makes the authority of `run`, valid from five minutes before `now` for
    /// [`MAX_AUTHORITY_LIFE`] after it.
    pub fn new(run: &str, now: SystemTime) -> Result<RunAuthority, IdentityError> {
        crate::role::check_run(run)?;
        let key = new_key()?;
        let ends = now + MAX_AUTHORITY_LIFE;
        let mut params = params(&format!("Dayfly run {run}"), now, ends)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let made = params
            .self_signed(&key)
            .map_err(|source| IdentityError::Make {
                doing: "sign the authority",
                source,
            })?;
        Ok(RunAuthority {
            run: run.to_owned(),
            certificate: made.der().clone(),
            pin: CaPin::of_key_info(&key.subject_public_key_info()),
            issuer: Issuer::new(params, key),
            ends,
        })
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// What a worker must know to recognise this authority. A public value.
    pub fn pin(&self) -> CaPin {
        self.pin
    }

    /// The authority's own certificate, DER. A public value.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// When the authority and all that it signed end.
    pub fn ends(&self) -> SystemTime {
        self.ends
    }

    /// Signs the public key of `request` for `role`, from five minutes before `now` until
    /// `valid_for` after it, or until the authority ends if that is earlier.
    pub fn issue(
        &self,
        role: Role,
        request: &CheckedRequest,
        now: SystemTime,
        valid_for: Duration,
    ) -> Result<CertificateChain, IdentityError> {
        self.sign(role, &request.key, now, valid_for)
    }

    /// Makes a key and signs it: for the master itself and for the file of a local admin.
    pub fn issue_identity(
        &self,
        role: Role,
        now: SystemTime,
        valid_for: Duration,
    ) -> Result<Identity, IdentityError> {
        let key = KeyAndRequest::generate()?;
        let request = CheckedRequest::check(key.request())?;
        let chain = self.issue(role, &request, now, valid_for)?;
        key.into_identity(chain)
    }

    fn sign(
        &self,
        role: Role,
        key: &impl PublicKeyData,
        now: SystemTime,
        valid_for: Duration,
    ) -> Result<CertificateChain, IdentityError> {
        if now >= self.ends {
            return Err(IdentityError::AuthorityEnded);
        }
        let (common_name, usages) = match &role {
            Role::Master => (
                "Dayfly master",
                vec![
                    ExtendedKeyUsagePurpose::ServerAuth,
                    ExtendedKeyUsagePurpose::ClientAuth,
                ],
            ),
            Role::Worker { .. } => ("Dayfly worker", vec![ExtendedKeyUsagePurpose::ClientAuth]),
            Role::Admin { .. } => ("Dayfly admin", vec![ExtendedKeyUsagePurpose::ClientAuth]),
        };
        let name = Name::new(&self.run, role)?.to_string();
        self.sign_uris(common_name, vec![name], usages, key, now, valid_for)
    }

    /// Signs whatever it is told; tests use it to make certificates that must be refused.
    fn sign_uris(
        &self,
        common_name: &str,
        uris: Vec<String>,
        usages: Vec<ExtendedKeyUsagePurpose>,
        key: &impl PublicKeyData,
        now: SystemTime,
        valid_for: Duration,
    ) -> Result<CertificateChain, IdentityError> {
        let ends = now
            .checked_add(valid_for)
            .map_or(self.ends, |ends| ends.min(self.ends));
        let mut params = params(common_name, now, ends)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages;
        for uri in uris {
            let uri = uri.try_into();
            let uri = uri.map_err(|source| IdentityError::Make {
                doing: "write a name",
                source,
            })?;
            params.subject_alt_names.push(SanType::URI(uri));
        }
        params.use_authority_key_identifier_extension = true;
        let made = params
            .signed_by(key, &self.issuer)
            .map_err(|source| IdentityError::Make {
                doing: "sign a certificate",
                source,
            })?;
        Ok(CertificateChain {
            leaf: made.der().to_vec(),
            authority: self.certificate.to_vec(),
        })
    }

    /// Signs a new key for any URIs and purposes.
    #[cfg(test)]
    pub(crate) fn forge(
        &self,
        uris: &[&str],
        usages: &[ExtendedKeyUsagePurpose],
        now: SystemTime,
    ) -> (CertificateChain, KeyAndRequest) {
        let key = KeyAndRequest::generate().unwrap();
        let request = CheckedRequest::check(key.request()).unwrap();
        (self.forge_for(&request, uris, usages, now), key)
    }

    #[cfg(test)]
    pub(crate) fn forge_for(
        &self,
        request: &CheckedRequest,
        uris: &[&str],
        usages: &[ExtendedKeyUsagePurpose],
        now: SystemTime,
    ) -> CertificateChain {
        let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        let hour = Duration::from_secs(3600);
        self.sign_uris("forged", uris, usages.to_vec(), &request.key, now, hour)
            .unwrap()
    }
}

impl fmt::Debug for RunAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RunAuthority");
        shown
            .field("run", &self.run)
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}

impl CheckedRequest {
    /// Checks the self-signature of a DER certificate request and takes its key.
    pub fn check(der: &[u8]) -> Result<CheckedRequest, IdentityError> {
        /// A P-256 point, uncompressed.
        const POINT: usize = 65;
        let der = CertificateSigningRequestDer::from(der);
        let parsed = CertificateSigningRequestParams::from_der(&der);
        let key = parsed.map_err(|_| IdentityError::Request)?.public_key;
        // The algorithm is that of the signature; the length tells P-256 from larger curves.
        let is_p256 = *PublicKeyData::algorithm(&key) == PKCS_ECDSA_P256_SHA256;
        if !is_p256 || key.der_bytes().len() != POINT {
            return Err(IdentityError::Request);
        }
        let fingerprint = KeyFingerprint::of_key_info(&key.subject_public_key_info());
        Ok(CheckedRequest { key, fingerprint })
    }

    /// Which key asks: what [`TokenBook`](crate::TokenBook) binds a token to.
    pub fn key(&self) -> KeyFingerprint {
        self.fingerprint
    }
}

pub(crate) fn new_key() -> Result<KeyPair, IdentityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|source| IdentityError::Make {
        doing: "generate a key",
        source,
    })
}

fn params(
    common_name: &str,
    now: SystemTime,
    ends: SystemTime,
) -> Result<CertificateParams, IdentityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = (now - BACKDATE).into();
    params.not_after = ends.into();
    params.serial_number = Some(SerialNumber::from_slice(&crate::random_bytes::<16>()?));
    Ok(params)
}

#[cfg(test)]
mod tests;
