//! The holder's side of an identity: its private key, its certificate request, its file.

use std::fmt;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::authority::{CertificateChain, IdentityError, new_key};
use crate::role::{Name, Role};
use crate::verify::{key_info, single_name};
use crate::{CaPin, provider};

/// A private key and the certificates that say whose it is.
#[derive(Clone)]
pub struct Identity {
    name: Name,
    authority_pin: CaPin,
    chain: CertificateChain,
    key: Arc<PrivatePkcs8KeyDer<'static>>,
}

/// A new key and the request for its certificate: what a worker makes before it enrolls.
pub struct KeyAndRequest {
    key: KeyPair,
    request: Vec<u8>,
}

impl KeyAndRequest {
    /// Makes an ECDSA P-256 key and a request signed by it. The request says nothing else:
    /// whose key it is, the authority decides.
    pub fn generate() -> Result<KeyAndRequest, IdentityError> {
        KeyAndRequest::of_key(new_key()?)
    }

    /// The DER certificate request. A public value.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Joins the key with the chain that the authority signed for it.
    /// Errors if the chain is for another key or holds no single name of a run.
    pub fn into_identity(self, chain: CertificateChain) -> Result<Identity, IdentityError> {
        Identity::new(chain, self.key.serialize_der().into())
    }

    /// The private key as PEM, for a file that only its owner can read: a worker that is
    /// restarted reads it back and does not enroll as somebody new.
    pub fn to_secret_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Reads back what [`to_secret_pem`](Self::to_secret_pem) wrote.
    pub fn from_secret_pem(text: &str) -> Result<KeyAndRequest, IdentityError> {
        let key = KeyPair::from_pem(text).map_err(|_| IdentityError::File("no usable key"))?;
        KeyAndRequest::of_key(key)
    }

    fn of_key(key: KeyPair) -> Result<KeyAndRequest, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params
            .serialize_request(&key)
            .map_err(|source| IdentityError::Make {
                doing: "sign a certificate request",
                source,
            })?;
        Ok(KeyAndRequest {
            key,
            request: request.der().to_vec(),
        })
    }
}

impl Identity {
    fn new(
        chain: CertificateChain,
        key: PrivatePkcs8KeyDer<'static>,
    ) -> Result<Identity, IdentityError> {
        let leaf = CertificateDer::from(chain.leaf.as_slice());
        let name = single_name(&leaf).map_err(|_| IdentityError::File("no single name in it"))?;
        let authority = CertificateDer::from(chain.authority.as_slice());
        let authority = key_info(&authority).ok_or(IdentityError::File("no authority in it"))?;
        let identity = Identity {
            name,
            authority_pin: CaPin::of_key_info(&authority),
            chain,
            key: Arc::new(key),
        };
        // This also finds a key that is not that of the leaf.
        CertifiedKey::from_der(identity.tls_chain(), identity.tls_key(), &provider()).map_err(
            |source| IdentityError::Tls {
                what: "an identity",
                source,
            },
        )?;
        Ok(identity)
    }

    pub fn run(&self) -> &str {
        self.name.run()
    }

    pub fn role(&self) -> &Role {
        self.name.role()
    }

    /// The pin of the authority that signed this identity: all that its holder needs to know
    /// about the master.
    pub fn authority_pin(&self) -> CaPin {
        self.authority_pin
    }

    /// The certificates alone. Public values.
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// Leaf, authority and private key as PEM. **A secret**: for a file that only its owner
    /// can read.
    pub fn to_secret_pem(&self) -> String {
        pem::encode_many_config(
            &[
                pem::Pem::new("CERTIFICATE", self.chain.leaf.as_slice()),
                pem::Pem::new("CERTIFICATE", self.chain.authority.as_slice()),
                pem::Pem::new("PRIVATE KEY", self.key.secret_pkcs8_der()),
            ],
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    }

    /// Reads what [`to_secret_pem`](Self::to_secret_pem) wrote: two certificates and one key
    /// that belong together. Whether they are still valid is found when they are used.
    pub fn from_pem(text: &str) -> Result<Identity, IdentityError> {
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            match section.map_err(|_| IdentityError::File("not PEM"))? {
                (SectionKind::Certificate, der) => certificates.push(der),
                (SectionKind::PrivateKey, der) => keys.push(der),
                _ => return Err(IdentityError::File("it holds something else too")),
            }
        }
        let (Ok([leaf, authority]), Ok([key])) = (
            <[Vec<u8>; 2]>::try_from(certificates),
            <[Vec<u8>; 1]>::try_from(keys),
        ) else {
            return Err(IdentityError::File(
                "it must hold two certificates and one key",
            ));
        };
        Identity::new(CertificateChain { leaf, authority }, key.into())
    }

    /// The same key under certificates that a real holder would not accept.
    #[cfg(test)]
    pub(crate) fn with_chain(self, chain: CertificateChain) -> Identity {
        Identity { chain, ..self }
    }

    pub(crate) fn tls_chain(&self) -> Vec<CertificateDer<'static>> {
        vec![
            self.chain.leaf.clone().into(),
            self.chain.authority.clone().into(),
        ]
    }

    pub(crate) fn tls_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyAndRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAndRequest(…)")
    }
}
