use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;
use crate::verify::single_name;

const HOUR: Duration = Duration::from_secs(3600);

fn worker() -> Role {
    Role::Worker {
        instance: "w1".into(),
    }
}

fn authority() -> RunAuthority {
    RunAuthority::new("r-1", SystemTime::now()).unwrap()
}

/// Verifies `chain` as web PKI does for client use, at `when`.
fn valid_at(chain: &CertificateChain, when: SystemTime) -> Result<(), webpki::Error> {
    let authority = CertificateDer::from(chain.authority.as_slice());
    let anchors = [webpki::anchor_from_trusted_cert(&authority).unwrap()];
    let leaf = CertificateDer::from(chain.leaf.as_slice());
    let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
    let when = when.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let when = rustls::pki_types::UnixTime::since_unix_epoch(when);
    let usage = webpki::KeyUsage::client_auth();
    let algorithms = crate::provider().signature_verification_algorithms.all;
    leaf.verify_for_usage(algorithms, &anchors, &[], when, usage, None, None)
        .map(drop)
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let key = KeyAndRequest::generate().unwrap();
    assert!(CheckedRequest::check(key.request()).is_ok());
    for position in [key.request().len() - 3, key.request().len() / 2] {
        let mut forged = key.request().to_vec();
        forged[position] ^= 1;
        assert!(CheckedRequest::check(&forged).is_err(), "byte {position}");
    }
    assert!(CheckedRequest::check(&key.request()[..80]).is_err());
    assert!(CheckedRequest::check(b"").is_err());
}

#[test]
fn only_p256_keys_are_signed() {
    for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let request = CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        assert!(matches!(
            CheckedRequest::check(request.der()),
            Err(IdentityError::Request)
        ));
    }
}

#[test]
fn only_the_key_of_a_request_is_believed() {
    let key = new_key().unwrap();
    let mut asks = CertificateParams::default();
    asks.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    asks.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    asks.subject_alt_names = vec![SanType::URI(
        "spiffe://dayfly/run/r-1/master"
            .to_owned()
            .try_into()
            .unwrap(),
    )];
    let request = asks.serialize_request(&key).unwrap();
    let request = CheckedRequest::check(request.der()).unwrap();
    assert_eq!(
        request.key(),
        KeyFingerprint::of_key_info(&key.subject_public_key_info())
    );

    let chain = authority()
        .issue(worker(), &request, SystemTime::now(), HOUR)
        .unwrap();
    let leaf = CertificateDer::from(chain.leaf.as_slice());
    assert_eq!(
        single_name(&leaf).unwrap(),
        Name::new("r-1", worker()).unwrap()
    );
    // A leaf, not an authority: web PKI refuses an authority in a leaf's place.
    assert_eq!(valid_at(&chain, SystemTime::now()), Ok(()));
}

#[test]
fn a_certificate_is_backdated_and_ends_no_later_than_its_authority() {
    let authority = authority();
    let now = SystemTime::now();
    let short = authority.issue_identity(worker(), now, HOUR).unwrap();
    let long = authority.issue_identity(worker(), now, 48 * HOUR).unwrap();
    for (chain, hours_after, valid) in [
        (short.chain(), 0.0, true),
        (short.chain(), -0.07, true),
        (short.chain(), -0.1, false),
        (short.chain(), 0.99, true),
        (short.chain(), 1.01, false),
        (long.chain(), 23.9, true),
        (long.chain(), 24.1, false),
    ] {
        let offset = HOUR.mul_f64(f64::abs(hours_after));
        let when = if hours_after < 0.0 {
            now - offset
        } else {
            now + offset
        };
        assert_eq!(
            valid_at(chain, when).is_ok(),
            valid,
            "{hours_after} hours after"
        );
    }
    let late = authority.issue_identity(worker(), now + 25 * HOUR, HOUR);
    assert!(matches!(late, Err(IdentityError::AuthorityEnded)));
}

#[test]
fn an_identity_file_is_read_back_and_bad_ones_are_refused() {
    let authority = authority();
    let role = Role::Admin {
        person: "ann@example.org".into(),
    };
    let identity = authority
        .issue_identity(role.clone(), SystemTime::now(), HOUR)
        .unwrap();
    let file = identity.to_secret_pem();
    let read = Identity::from_pem(&file).unwrap();
    assert_eq!((read.run(), read.role()), ("r-1", &role));
    assert_eq!(read.authority_pin(), authority.pin());
    assert_eq!(read.to_secret_pem(), file);

    let other = authority
        .issue_identity(role, SystemTime::now(), HOUR)
        .unwrap()
        .to_secret_pem();
    let key_begins = |file: &str| file.find("-----BEGIN PRIVATE KEY").unwrap();
    let (certificates, key) = file.split_at(key_begins(&file));
    let other_key = &other[key_begins(&other)..];
    for bad in [
        String::new(),
        certificates.to_owned(),
        key.to_owned(),
        format!("{certificates}{other_key}"),
        format!("{file}{key}"),
        format!("{certificates}{certificates}{key}"),
        file.replacen("MII", "MIJ", 1),
    ] {
        assert!(Identity::from_pem(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_restarted_worker_asks_for_the_same_key() {
    let key = KeyAndRequest::generate().unwrap();
    let again = KeyAndRequest::from_secret_pem(&key.to_secret_pem()).unwrap();
    let [first, second] =
        [key, again].map(|key| CheckedRequest::check(key.request()).unwrap().key());
    assert_eq!(first, second);
}

#[test]
fn keys_are_not_shown() {
    let authority = authority();
    let identity = authority
        .issue_identity(worker(), SystemTime::now(), HOUR)
        .unwrap();
    let pin = authority.pin();
    assert_eq!(
        format!("{authority:?} {:?}", KeyAndRequest::generate().unwrap()),
        format!("RunAuthority {{ run: \"r-1\", pin: {pin:?}, .. }} KeyAndRequest(…)"),
    );
    assert_eq!(
        format!("{identity:?}"),
        "Identity { name: Name { run: \"r-1\", role: Worker { instance: \"w1\" } }, .. }",
    );
}
