//! Which code is meant when a chart says no more than its category.

use std::collections::BTreeMap;

use super::tabular::Tabular;
use super::terms;

/// The child that stands for a code when nothing more is known.
pub(crate) fn defaults(codes: &Tabular) -> BTreeMap<String, String> {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, code) in codes {
        if let Some(parent) = &code.parent {
            children.entry(parent).or_default().push(key);
        }
    }
    let mut defaults = BTreeMap::new();
    for (parent, kids) in children {
        let text = |k: &str| {
            codes
                .get(k)
                .map(|c| c.description.to_lowercase())
                .unwrap_or_default()
        };
        let seventh = |k: &str| codes.get(k).is_some_and(|c| c.seventh.is_some());
        let own = text(parent);
        let choice = if kids.iter().all(|k| seventh(k)) {
            // The initial encounter, or else the first in order.
            kids.iter().find(|k| k.ends_with('A')).or(kids.first())
        } else {
            let plain = |k: &&&str| {
                let description = text(k);
                terms::plain_form(&description).is_some_and(|f| f == own)
                    || description == format!("{own}, unspecified")
                    || description == format!("unspecified {own}")
            };
            let shortest = |k: &&&str| text(k).len();
            kids.iter()
                .filter(|k| plain(k) && text(k).contains("unspecified"))
                .min_by_key(shortest)
                .or_else(|| {
                    kids.iter().rev().find(|k| {
                        (k.ends_with('9') || k.ends_with('0')) && text(k).contains("unspecified")
                    })
                })
                .or_else(|| kids.iter().filter(plain).min_by_key(shortest))
                .or_else(|| {
                    kids.iter().find(|k| {
                        text(k).contains("without complication")
                            || text(k).contains("uncomplicated")
                    })
                })
                .or_else(|| kids.iter().find(|k| text(k).contains("unspecified")))
        };
        if let Some(choice) = choice {
            defaults.insert(parent.to_owned(), (*choice).to_owned());
        }
    }
    defaults
}
