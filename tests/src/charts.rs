//! Invented clinical charts for load, tests and the examples: the same seed and number
//! give the same chart on every machine. No patient, and no text of anybody else's.
//!
//! A chart is drawn in two steps: a *case* (who, with what, found how, treated how), then
//! a *note* about it in one of fourteen styles, each with its own sections and habits.

mod case;
mod conditions;
mod notes;
pub mod output;
mod phrases;

use case::Case;

/// Makes charts, by number or one after the other.
#[derive(Debug, Clone)]
pub struct ChartGenerator {
    seed: u64,
    next: u64,
}

/// One invented chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticChart {
    /// From 1.
    pub number: u64,
    /// What kind of note.
    pub kind: NoteKind,
    /// Unique within a seed: the style and the number.
    pub id: String,
    /// The note.
    pub text: String,
    /// An invented encounter number.
    pub encounter: String,
    /// An invented record number.
    pub patient: String,
    /// `YYYY-MM-DD`.
    pub date_of_service: String,
}

/// The styles of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum NoteKind {
    Emergency,
    HistoryAndPhysical,
    Discharge,
    Progress,
    Clinic,
    Radiology,
    Operative,
    Nursing,
    Telephone,
    Psychiatry,
    Paediatrics,
    Obstetrics,
    Consult,
    Therapy,
}

impl ChartGenerator {
    /// A generator of the charts of `seed`.
    pub fn new(seed: u64) -> ChartGenerator {
        ChartGenerator { seed, next: 1 }
    }

    /// Chart `number` (from 1), without making those before it.
    pub fn chart(&self, number: u64) -> SyntheticChart {
        let mut dice = Dice::new(self.seed, number);
        let kind = NoteKind::draw(&mut dice);
        let case = Case::draw(kind, &mut dice);
        let text = notes::write(kind, &case, &mut dice);
        SyntheticChart {
            number,
            kind,
            id: format!("{}-{number:06}", kind.word()),
            text,
            encounter: format!("E{:08}", dice.below(100_000_000)),
            patient: case.record,
            date_of_service: case.date,
        }
    }
}

impl Iterator for ChartGenerator {
    type Item = SyntheticChart;

    fn next(&mut self) -> Option<SyntheticChart> {
        let chart = self.chart(self.next);
        self.next += 1;
        Some(chart)
    }
}

impl NoteKind {
    /// As often as a hospital writes them.
    fn draw(dice: &mut Dice) -> NoteKind {
        use NoteKind::*;
        let [kind] = dice.some(&[
            Emergency,
            Emergency,
            Emergency,
            HistoryAndPhysical,
            HistoryAndPhysical,
            Discharge,
            Discharge,
            Progress,
            Progress,
            Progress,
            Clinic,
            Clinic,
            Clinic,
            Radiology,
            Radiology,
            Operative,
            Nursing,
            Nursing,
            Telephone,
            Psychiatry,
            Paediatrics,
            Paediatrics,
            Obstetrics,
            Consult,
            Therapy,
        ]);
        kind
    }

    /// The style in one lower-case word, for ids and folders.
    pub fn word(self) -> &'static str {
        match self {
            NoteKind::Emergency => "emergency",
            NoteKind::HistoryAndPhysical => "admission",
            NoteKind::Discharge => "discharge",
            NoteKind::Progress => "progress",
            NoteKind::Clinic => "clinic",
            NoteKind::Radiology => "radiology",
            NoteKind::Operative => "operative",
            NoteKind::Nursing => "nursing",
            NoteKind::Telephone => "telephone",
            NoteKind::Psychiatry => "psychiatry",
            NoteKind::Paediatrics => "paediatrics",
            NoteKind::Obstetrics => "obstetrics",
            NoteKind::Consult => "consult",
            NoteKind::Therapy => "therapy",
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    fn new(seed: u64, number: u64) -> Dice {
        let mut dice = Dice {
            state: seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03),
        };
        dice.roll();
        dice
    }

    fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is far below 2^64: the bias does not matter here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'t, T>(&mut self, table: &'t [T]) -> &'t T {
        &table[self.place(table.len())]
    }

    pub(crate) fn word(&mut self, table: &[&'static str]) -> &'static str {
        table[self.place(table.len())]
    }

    /// `N` different entries in random order; the table has at least as many.
    pub(crate) fn some<T: Copy, const N: usize>(&mut self, table: &[T]) -> [T; N] {
        let mut rest = table.to_vec();
        std::array::from_fn(|_| {
            let place = self.place(rest.len());
            rest.swap_remove(place)
        })
    }

    /// Up to `count` different entries in random order.
    pub(crate) fn sample<T: Copy>(&mut self, table: &[T], count: u64) -> Vec<T> {
        let mut rest = table.to_vec();
        let mut drawn = Vec::new();
        while (drawn.len() as u64) < count && !rest.is_empty() {
            let place = self.place(rest.len());
            drawn.push(rest.swap_remove(place));
        }
        drawn
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a usize")
    }
}

#[cfg(test)]
mod tests;
