//! The looks of a note: headings, lists, line width. One page keeps to one habit.

use super::super::Dice;
use super::super::case::Case;

pub(super) struct Page {
    text: String,
    heading: Heading,
    bullet: Bullet,
    width: Option<usize>,
    signature: String,
}

#[derive(Clone, Copy)]
enum Heading {
    Capitals,
    Colon,
    SameLine,
    Underlined,
    Hashes,
}

#[derive(Clone, Copy)]
enum Bullet {
    Number,
    Dash,
    Star,
    Hash,
    Plain,
}

impl Page {
    pub(super) fn new(dice: &mut Dice) -> Page {
        let headings = [
            Heading::Capitals,
            Heading::Colon,
            Heading::SameLine,
            Heading::Underlined,
            Heading::Hashes,
        ];
        let bullets = [
            Bullet::Number,
            Bullet::Number,
            Bullet::Dash,
            Bullet::Star,
            Bullet::Hash,
            Bullet::Plain,
        ];
        Page {
            text: String::with_capacity(4096),
            heading: *dice.pick(&headings),
            bullet: *dice.pick(&bullets),
            width: *dice.pick(&[None, None, Some(72), Some(80), Some(100)]),
            signature: super::parts::signature(dice),
        }
    }

    pub(super) fn title(&mut self, title: &str, case: &Case) {
        self.text.push_str(&match self.heading {
            Heading::Capitals | Heading::Underlined => title.to_uppercase(),
            Heading::Hashes => format!("# {title}"),
            Heading::Colon | Heading::SameLine => title.to_owned(),
        });
        self.text.push_str(&format!(
            "\nPatient: {}   MRN: {}\nDate of service: {}\n",
            case.name, case.record, case.date
        ));
    }

    pub(super) fn section(&mut self, heading: &str, body: &str) {
        let same_line = matches!(self.heading, Heading::SameLine)
            || (body.len() < 60 && matches!(self.heading, Heading::Colon | Heading::Capitals));
        self.heading(heading, same_line);
        let indent = if same_line { heading.len() + 2 } else { 0 };
        self.wrapped(body.trim(), indent);
    }

    /// A section of entries; nothing at all when there are none.
    pub(super) fn list(&mut self, heading: &str, items: Vec<String>) {
        if items.is_empty() {
            return;
        }
        self.heading(heading, false);
        for (place, item) in items.iter().enumerate() {
            let mark = match self.bullet {
                Bullet::Number => format!("{}. ", place + 1),
                Bullet::Dash => "- ".to_owned(),
                Bullet::Star => "* ".to_owned(),
                Bullet::Hash => "# ".to_owned(),
                Bullet::Plain => String::new(),
            };
            self.text.push_str(&mark);
            self.wrapped(item.trim(), mark.len());
        }
    }

    fn heading(&mut self, heading: &str, same_line: bool) {
        self.text.push('\n');
        match self.heading {
            Heading::Capitals => self.text.push_str(&format!("{}:", heading.to_uppercase())),
            Heading::Colon | Heading::SameLine => self.text.push_str(&format!("{heading}:")),
            Heading::Hashes => self.text.push_str(&format!("## {heading}")),
            Heading::Underlined => {
                self.text
                    .push_str(&format!("{heading}\n{}", "-".repeat(heading.len())));
            }
        }
        self.text.push(if same_line { ' ' } else { '\n' });
    }

    fn wrapped(&mut self, body: &str, mut column: usize) {
        let width = self.width.unwrap_or(usize::MAX);
        for (place, word) in body.split(' ').enumerate() {
            if place > 0 && column.saturating_add(word.len() + 1) > width {
                self.text.push('\n');
                column = 0;
            } else if place > 0 {
                self.text.push(' ');
                column = column.saturating_add(1);
            }
            self.text.push_str(word);
            column = column.saturating_add(word.len());
        }
        self.text.push('\n');
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str(&format!("\n{}\n", self.signature));
        self.text
    }
}
