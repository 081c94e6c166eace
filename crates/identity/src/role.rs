//! What a certificate says about its holder: one role in one run, written as one URI.

use std::fmt;
use std::str::FromStr;

/// What a peer may be in a run.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The master of the run. Only servers hold it.
    Master,
    /// A worker; `instance` names its machine (or its slot on one machine):
    /// ASCII letters, digits, `-`, `_`, `.`.
    Worker { instance: String },
    /// A person who looks at the run or steers it.
    Admin { person: String },
}

/// A role in a run. Its text is the URI in a certificate:
/// `spiffe://dayfly/run/<run>/master`, `…/worker/<instance>` or `…/admin/<person>`.
///
/// There is exactly one spelling of each name: parsing accepts what `Display` writes and
/// nothing else.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    run: String,
    role: Role,
}

/// Why something is not a [`Name`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    #[error("not a name of the form spiffe://dayfly/run/<run>/<role>")]
    Form,
    #[error("the run id must be 1 to 63 letters, digits, '_' or inner hyphens")]
    Run,
    #[error("the instance name must be 1 to 128 letters, digits, '-', '_' or '.'")]
    Instance,
    #[error("the person must have 1 to 256 bytes")]
    Person,
}

const PREFIX: &str = "spiffe://dayfly/run/";

impl Name {
    /// A checked name. A run id must also be one label of a server name.
    pub fn new(run: &str, role: Role) -> Result<Name, NameError> {
        check_run(run)?;
        match &role {
            Role::Master => {}
            Role::Worker { instance } => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                if instance.is_empty() || instance.len() > 128 || !instance.bytes().all(plain) {
                    return Err(NameError::Instance);
                }
            }
            Role::Admin { person } => {
                if person.is_empty() || person.len() > 256 {
                    return Err(NameError::Person);
                }
            }
        }
        Ok(Name {
            run: run.to_owned(),
            role,
        })
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    pub fn role(&self) -> &Role {
        &self.role
    }

    pub fn into_role(self) -> Role {
        self.role
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/", self.run)?;
        match &self.role {
            Role::Master => f.write_str("master"),
            Role::Worker { instance } => write!(f, "worker/{instance}"),
            Role::Admin { person } => {
                f.write_str("admin/")?;
                percent_encode(person, f)
            }
        }
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(uri: &str) -> Result<Name, NameError> {
        let rest = uri.strip_prefix(PREFIX).ok_or(NameError::Form)?;
        let mut parts = rest.split('/');
        let run = parts.next().ok_or(NameError::Form)?;
        let role = match (parts.next(), parts.next(), parts.next()) {
            (Some("master"), None, None) => Role::Master,
            (Some("worker"), Some(instance), None) => Role::Worker {
                instance: instance.into(),
            },
            (Some("admin"), Some(person), None) => Role::Admin {
                person: percent_decode(person).ok_or(NameError::Form)?,
            },
            _ => return Err(NameError::Form),
        };
        let name = Name::new(run, role)?;
        // Two spellings of one person would be two people in an audit trail.
        if name.to_string() == uri {
            Ok(name)
        } else {
            Err(NameError::Form)
        }
    }
}

/// A run id becomes a label of the server name `enroll.<run>.dayfly`, so it must be one.
pub(crate) fn check_run(run: &str) -> Result<(), NameError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let inner = !run.starts_with('-') && !run.ends_with('-');
    if (1..=63).contains(&run.len()) && run.bytes().all(plain) && inner {
        Ok(())
    } else {
        Err(NameError::Run)
    }
}

/// Everything but the unreserved characters of RFC 3986 is encoded, in upper-case hex.
fn percent_encode(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let pair = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&pair).ok()?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read_back() {
        let worker = Role::Worker {
            instance: "i-0abc.1_2".into(),
        };
        let admin = Role::Admin {
            person: "Zoë O'Neil/ops@example.org %".into(),
        };
        for (role, uri) in [
            (Role::Master, "spiffe://dayfly/run/r-1/master"),
            (worker, "spiffe://dayfly/run/r-1/worker/i-0abc.1_2"),
            (
                admin,
                "spiffe://dayfly/run/r-1/admin/Zo%C3%AB%20O%27Neil%2Fops%40example.org%20%25",
            ),
        ] {
            let name = Name::new("r-1", role).unwrap();
            assert_eq!(name.to_string(), uri);
            assert_eq!(uri.parse::<Name>().unwrap(), name);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for uri in [
            "",
            "spiffe://dayfly/run/r-1",
            "spiffe://dayfly/run/r-1/",
            "spiffe://dayfly/run/r-1/master/",
            "spiffe://dayfly/run/r-1/master/x",
            "spiffe://dayfly/run//master",
            "spiffe://dayfly/run/r-1/Master",
            "spiffe://dayfly/run/r.1/master",
            "spiffe://dayfly/run/-r/master",
            "spiffe://Dayfly/run/r-1/master",
            "spiffe://dayfly/run/r-1/worker/",
            "spiffe://dayfly/run/r-1/worker/a/b",
            "spiffe://dayfly/run/r-1/worker/a%62",
            "spiffe://dayfly/run/r-1/admin/",
            "spiffe://dayfly/run/r-1/admin/a b",
            "spiffe://dayfly/run/r-1/admin/%61nn",
            "spiffe://dayfly/run/r-1/admin/a%2f",
            "spiffe://dayfly/run/r-1/admin/%+1",
            "spiffe://dayfly/run/r-1/admin/%F",
            "spiffe://dayfly/run/r-1/admin/%FF",
            "spiffe://dayfly/run/r-1/admin/ann?x",
            "https://dayfly/run/r-1/master",
        ] {
            assert!(uri.parse::<Name>().is_err(), "{uri}");
        }
    }
}
