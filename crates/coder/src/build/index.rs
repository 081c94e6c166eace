//! The indexes: main Alphabetic Index, external causes, Table of Neoplasms, Table of Drugs and Chemicals.
//! All share one XML format: nested terms with a code, or with a row of cells.

use super::tabular::squeeze;
use super::xml::Element;

/// An index line: its titles from the main term inwards, and where it leads.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) titles: Vec<String>,
    pub(crate) code: Option<String>,
    /// Cells by column, as in the official heading: 2 is the first.
    pub(crate) cells: Vec<(u8, String)>,
}

/// All lines of an index.
pub(crate) fn lines(index: &Element) -> Vec<Line> {
    let mut all = Vec::new();
    for root in index.all("ICD10CM.index") {
        for letter in root.all("letter") {
            for main in letter.all("mainTerm") {
                walk(main, &mut Vec::new(), &mut all);
            }
        }
    }
    all
}

fn walk(term: &Element, titles: &mut Vec<String>, all: &mut Vec<Line>) {
    titles.push(squeeze(term.child_text("title").unwrap_or_default()));
    let cells = term
        .all("cell")
        .filter_map(|c| Some((c.key.parse().ok()?, clean(&c.text)?)))
        .collect::<Vec<_>>();
    let code = term.child_text("code").and_then(clean);
    if code.is_some() || !cells.is_empty() {
        all.push(Line {
            titles: titles.clone(),
            code,
            cells,
        });
    }
    for child in term.all("term") {
        walk(child, titles, all);
    }
    titles.pop();
}

/// The code of a cell, without the dash that stands for missing characters. None for an empty cell.
fn clean(cell: &str) -> Option<String> {
    let code = cell.trim().trim_end_matches(['-', '.', '*', '†']).trim();
    let fits = code.len() >= 3 && code.chars().next().is_some_and(|c| c.is_ascii_uppercase());
    fits.then(|| code.to_owned())
}

/// The ways of writing one title: without words in parentheses, alternatives apart ("abdomen, abdominal").
pub(crate) fn alternatives(title: &str) -> Vec<String> {
    let plain = super::terms::without_brackets(title);
    let plain = plain
        .trim_end_matches(" NEC")
        .trim_end_matches(" NOS")
        .trim();
    let parts: Vec<&str> = plain
        .split(',')
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect();
    if parts.len() > 1 && parts.iter().all(|p| !p.contains(' ')) {
        parts.into_iter().map(str::to_owned).collect()
    } else {
        vec![plain.replace(',', " ")]
    }
}
