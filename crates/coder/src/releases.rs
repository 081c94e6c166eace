//! Several releases at hand: the chart's date of service picks one, because ICD-10-CM changes every October.

use std::sync::Arc;

use crate::Coder;

/// A calendar date, as in the `meta` of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateOfService {
    year: u16,
    month: u8,
    day: u8,
}

impl DateOfService {
    /// Reads `YYYY-MM-DD`, `YYYYMMDD` or a time stamp that begins with one of them. None if it is no such date.
    pub fn parse(text: &str) -> Option<DateOfService> {
        let text = text.trim();
        let head: String = match text.get(4..5) {
            Some("-") if text.get(7..8) == Some("-") => {
                format!("{}{}{}", text.get(..4)?, text.get(5..7)?, text.get(8..10)?)
            }
            _ => text.get(..8)?.to_owned(),
        };
        if !head.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (year, month, day) = (
            head.get(..4)?.parse().ok()?,
            head.get(4..6)?.parse().ok()?,
            head.get(6..)?.parse().ok()?,
        );
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(DateOfService {
            year,
            month,
            day,
        })
    }

    /// The federal fiscal year whose codes hold on this date: it begins on the first of October before.
    pub fn fiscal_year(self) -> u16 {
        self.year + u16::from(self.month >= 10)
    }
}

/// Coders for several releases, by the date from which each holds.
#[derive(Debug, Clone)]
pub struct Releases {
    /// Sorted by date; the first also serves charts that are older than it.
    coders: Vec<(DateOfService, Arc<Coder>)>,
    default: Arc<Coder>,
}

impl Releases {
    /// `default` codes charts without a date. A release's name tells the date from which it holds:
    /// `icd10cm-fy2026` from 2025-10-01, `icd10cm-fy2026-04` from 2026-04-01. One without such a name
    /// serves as default only.
    pub fn new(default: Arc<Coder>, others: impl IntoIterator<Item = Arc<Coder>>) -> Releases {
        let mut coders: Vec<_> = std::iter::once(Arc::clone(&default))
            .chain(others)
            .filter_map(|c| Some((effective_from(c.terminology_version())?, c)))
            .collect();
        coders.sort_by_key(|(from, _)| *from);
        Releases { coders, default }
    }

    /// The coder for a chart of that date: the newest release that held then. A date before every release gets
    /// the oldest at hand, no date the default.
    pub fn for_date(&self, date: Option<DateOfService>) -> &Arc<Coder> {
        let Some(date) = date else {
            return &self.default;
        };
        let after = self.coders.partition_point(|(from, _)| *from <= date);
        self.coders
            .get(after.saturating_sub(1))
            .map_or(&self.default, |(_, coder)| coder)
    }
}

/// The date from which a release of that name holds.
fn effective_from(version: &str) -> Option<DateOfService> {
    let rest = &version[version.find("fy")? + 2..];
    let year: u16 = rest.get(..4)?.parse().ok()?;
    match rest.get(4..) {
        Some("") | Some("-10") => Some(DateOfService {
            year: year.checked_sub(1)?,
            month: 10,
            day: 1,
        }),
        Some(month) => {
            let month = month.strip_prefix('-')?.parse().ok()?;
            (1..=9).contains(&month).then_some(DateOfService {
                year,
                month,
                day: 1,
            })
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cues, Terminology};

    #[test]
    fn dates_are_read_in_the_forms_of_real_metadata() {
        for (text, expected) in [
            ("2026-04-01", Some((2026, 4, 1))),
            ("20260401", Some((2026, 4, 1))),
            ("2025-11-30T08:00:00Z", Some((2025, 11, 30))),
            ("2025-13-01", None),
            ("soon", None),
            ("ä26-04-01", None),
        ] {
            let expected = expected.map(|(year, month, day)| DateOfService { year, month, day });
            assert_eq!(DateOfService::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn october_begins_a_fiscal_year() {
        let year = |t: &str| DateOfService::parse(t).expect("a date").fiscal_year();
        assert_eq!((year("2025-09-30"), year("2025-10-01")), (2025, 2026));
    }

    #[test]
    fn releases_hold_from_their_own_date() {
        assert_eq!(
            effective_from("icd10cm-fy2026"),
            DateOfService::parse("2025-10-01")
        );
        assert_eq!(
            effective_from("icd10cm-fy2026-04"),
            DateOfService::parse("2026-04-01")
        );
        assert_eq!(effective_from("mine"), None);
        let coder = Arc::new(Coder::new(Terminology::embedded(), Cues::built_in()));
        let releases = Releases::new(Arc::clone(&coder), []);
        assert!(Arc::ptr_eq(releases.for_date(None), &coder));
        assert!(Arc::ptr_eq(
            releases.for_date(DateOfService::parse("1999-01-01")),
            &coder
        ));
    }
}
