//! Who may enroll, and the certificates they get. Shared by the listener and the controller;
//! the book inside is pure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use identity::{
    CertificateChain, CheckedRequest, EnrolmentToken, IdentityError, Redeemed, Refused, Role,
    RunAuthority, TokenBook,
};

/// How long a worker's certificate is good: as long as its authority. On one machine a worker
/// lives no longer than its master, so there is nothing to renew.
const VALID_FOR: Duration = identity::MAX_AUTHORITY_LIFE;

/// The run's authority and the book of its workers.
#[derive(Debug)]
pub(crate) struct Enrolments {
    authority: RunAuthority,
    book: Mutex<TokenBook>,
}

/// Why nobody enrolled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrollError {
    /// A security event: counted and logged.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The request is not one, or it cannot be signed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl Enrolments {
    pub(crate) fn new(authority: RunAuthority) -> Arc<Enrolments> {
        Arc::new(Enrolments {
            authority,
            book: Mutex::default(),
        })
    }

    pub(crate) fn authority(&self) -> &RunAuthority {
        &self.authority
    }

    /// From now on this instance may enroll with this token.
    pub(crate) fn expect(&self, instance: &str, token: &EnrolmentToken) {
        self.book().expects(instance, token);
    }

    /// The instance is gone.
    pub(crate) fn forget(&self, instance: &str) {
        self.book().forget(instance);
    }

    /// A certificate for whoever proves to be that instance.
    pub(crate) fn enroll(
        &self,
        instance: &str,
        token: &EnrolmentToken,
        request: &[u8],
    ) -> Result<(CertificateChain, Redeemed), EnrollError> {
        let request = CheckedRequest::check(request)?;
        let redeemed = self.book().redeem(instance, token, request.key())?;
        let role = Role::Worker {
            instance: instance.to_owned(),
        };
        let chain = self
            .authority
            .issue(role, &request, SystemTime::now(), VALID_FOR)?;
        Ok((chain, redeemed))
    }

    fn book(&self) -> MutexGuard<'_, TokenBook> {
        // The book holds no invariant that a panic could have broken half-way.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
