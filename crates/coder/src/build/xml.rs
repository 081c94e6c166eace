//! The XML of the official files as a small tree: they are read once, when a terminology is built.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::BuildError;

/// An element with its own text (that of inline elements such as `nemod` included) and its children.
#[derive(Debug, Default, Clone)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The children of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of the first child of that name.
    pub(crate) fn child_text<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.children
            .iter()
            .find(|c| c.name == name)
            .map(|c| c.text.trim())
    }
}

/// Reads a whole file. `file` names it in errors.
pub(crate) fn parse(file: &'static str, content: &[u8]) -> Result<Element, BuildError> {
    let content = str::from_utf8(content).map_err(|_| BuildError::Text(file))?;
    let failed = |source| BuildError::Xml { file, source };
    let mut reader = Reader::from_str(content);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(failed)? {
            Event::Start(tag) => {
                // "char" of a 7th character and "col" of a cell are all the attributes that matter.
                let key = tag
                    .attributes()
                    .flatten()
                    .find(|a| matches!(a.key.as_ref(), "char" | "col"))
                    .map(|a| a.value.into_owned())
                    .unwrap_or_default();
                let name = tag.name().as_ref().to_owned();
                open.push(Element {
                    name,
                    key,
                    ..Element::default()
                });
            }
            Event::Text(text) => {
                if let Some(last) = open.last_mut() {
                    last.text.push_str(&text);
                }
            }
            Event::GeneralRef(entity) => {
                if let Some(last) = open.last_mut() {
                    last.text.push_str(match &*entity {
                        "amp" => "&",
                        "lt" => "<",
                        "gt" => ">",
                        "apos" => "'",
                        "quot" => "\"",
                        _ => " ",
                    });
                }
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { continue };
                let Some(parent) = open.last_mut() else {
                    continue;
                };
                if done.name == "nemod" {
                    // Nonessential words: kept in parentheses, which the term forms leave out.
                    parent.text.push_str(&format!(" {} ", done.text));
                }
                parent.children.push(done);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.into_iter().next().ok_or(BuildError::Empty(file))
}
