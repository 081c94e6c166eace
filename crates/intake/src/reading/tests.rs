//! Every kind of input file, whole and in pieces, sound and broken.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::csv::CsvColumns;
use crate::extent::{extent_of, split_point};
use crate::input::Input;
use crate::listing::Listed;

mod broken;
mod pieces;

/// A folder with one input file, as it was listed.
struct Put {
    folder: tempfile::TempDir,
    source: ShardSource,
}

fn put(name: &str, content: &[u8]) -> Put {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join(OsStr::from_bytes(name.as_bytes())),
        content,
    )
    .unwrap();
    let mut objects = Input::open(folder.path()).unwrap().list(None);
    let Some(Listed::Object(listed)) = objects.next() else {
        panic!("not listed: {name}")
    };
    Put {
        source: listed.source(),
        folder,
    }
}

impl Put {
    fn read(&self, extent: (u64, u64), options: &ReadOptions) -> Vec<String> {
        let reader = ShardReader::new(self.folder.path(), &self.source, extent, options);
        in_words(reader)
            .into_iter()
            .map(|(_, words)| words)
            .collect()
    }
}

/// Position and `id=text`, with ` meta` where there is one, or `id!reason`.
fn in_words(mut reader: ShardReader<'_>) -> Vec<(u64, String)> {
    let mut words = Vec::new();
    while let Some(read) = reader.next_chart().unwrap() {
        let word = match &read.outcome {
            Ok(Chart { text, meta: None }) => format!("{}={text}", read.id),
            Ok(Chart {
                text,
                meta: Some(meta),
            }) => format!("{}={text} {meta}", read.id),
            Err(reason) => format!("{}!{}", read.id, reason.as_reason()),
        };
        words.push((read.position, word));
    }
    assert!(
        reader.next_chart().unwrap().is_none(),
        "a reader that is over stays over"
    );
    words
}

/// Writes a file and expects these charts of it; also chart by chart by their positions,
/// and after splitting the extent as long as that goes.
#[track_caller]
fn check_with(options: &ReadOptions, name: &str, content: &[u8], expected: &[&str]) {
    let put = put(name, content);
    let extent = extent_of(&put.source);
    let root = put.folder.path();
    let read = in_words(ShardReader::new(root, &put.source, extent, options));
    assert_eq!(
        read.iter().map(|(_, words)| words).collect::<Vec<_>>(),
        expected,
        "{name}"
    );
    assert_eq!(put.read_split(extent, options), expected, "{name}, split");
}

impl Put {
    fn read_split(&self, (begin, end): (u64, u64), options: &ReadOptions) -> Vec<String> {
        match split_point(self.folder.path(), &self.source, (begin, end), options).unwrap() {
            None => self.read((begin, end), options),
            Some(middle) => {
                assert!(begin < middle && middle < end);
                let first = self.read_split((begin, middle), options);
                let second = self.read_split((middle, end), options);
                assert!(
                    !first.is_empty() && !second.is_empty(),
                    "a split side without charts"
                );
                [first, second].concat()
            }
        }
    }
}

#[track_caller]
fn check(name: &str, content: &[u8], expected: &[&str]) {
    check_with(&ReadOptions::default(), name, content, expected);
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zst(content: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(content, 1).unwrap()
}

#[test]
fn a_text_file_is_one_chart() {
    check("a b.txt", b"Cough.\r\n", &["a b.txt=Cough.\r\n"]);
    check("m.txt", b"\xef\xbb\xbfCough.", &["m.txt=Cough."]);
    check("e.txt", b"", &["e.txt!empty chart"]);
    check("w.txt", b" \n\t\r\n", &["w.txt!empty chart"]);
    check("l.txt", b"caf\xe9", &["l.txt!not valid UTF-8"]);
    check(
        "u.txt",
        b"\xff\xfec\0",
        &["u.txt!byte order mark of another encoding, UTF-16LE"],
    );
    check(
        "n.txt",
        b"c\0o\0",
        &["n.txt!NUL in the text: binary, or another encoding"],
    );
}

#[test]
fn a_spec_can_name_another_encoding() {
    let options = |label| ReadOptions::default().with_encoding(label).unwrap();
    let latin = options("windows-1252");
    check_with(&latin, "l.txt", b"caf\xe9", &["l.txt=café"]);
    check_with(
        &latin,
        "m.txt",
        b"\xef\xbb\xbfx",
        &["m.txt!byte order mark of another encoding, UTF-8"],
    );
    check_with(&latin, "l.jsonl", b"{\"id\":1,\"text\":\"\xe9\"}", &["1=é"]);
    check_with(&latin, "l.csv", b"id,text\n\xe0,\"\"\"\xe9\"\n", &["à=\"é"]);
    let utf16 = options("utf-16");
    check_with(&utf16, "l.txt", b"c\0o\0", &["l.txt=co"]);
    check_with(&utf16, "b.txt", b"\xfe\xff\0c\0o", &["b.txt=co"]);
    check_with(&utf16, "o.txt", b"c\0o", &["o.txt!not valid UTF-16LE"]);
    check_with(
        &utf16,
        "l.jsonl",
        b"{\0",
        &["l.jsonl!line files cannot be read as UTF-16LE"],
    );
    let error = ReadOptions::default()
        .with_encoding("ebcdic-037")
        .unwrap_err();
    assert!(error.to_string().contains("ebcdic-037"));
}

#[test]
fn lines_of_json() {
    check(
        "a.jsonl",
        b"{\"id\":\"x\",\"text\":\"one\"}\r\n\n  \n{\"text\":\"two\\n\\u00e9\",\"more\":[1,{}],\"id\":7,\"meta\":{ \"e\":1}}\n{\"id\":\"x\",\"text\":\"one\",\"meta\":null}",
        &["x=one", "7=two\né { \"e\":1}", "x=one"],
    );
    check(
        "m.jsonl",
        b"\xef\xbb\xbf{\"id\":-1.50,\"text\":\"a\"}\n",
        &["-1.50=a"],
    );
    check("e.jsonl", b"", &[]);
    check("e.jsonl.gz", &gz(b""), &[]);
}

#[test]
fn lines_that_are_no_charts_say_why_and_where() {
    let lines: [(&str, &str); 12] = [
        ("nonsense", "!line is not a JSON object"),
        ("[\"a\",\"b\",1]", "!line is not a JSON object"),
        ("{\"id\":1,\"text\":\"a\"} x", "!line is not a JSON object"),
        (
            "{\"id\":1,\"id\":2,\"text\":\"a\"}",
            "!line is not a JSON object",
        ),
        ("{\"text\":\"a\"}", "!no id"),
        ("{\"id\":\"\",\"text\":\"a\"}", "!no id"),
        ("{\"id\":null,\"text\":\"a\"}", "!no id"),
        (
            "{\"id\":{\"a\":1},\"text\":\"a\"}",
            "!id is neither text nor a number",
        ),
        ("{\"id\":1}", "1!no text"),
        ("{\"id\":1,\"text\":null}", "1!no text"),
        ("{\"id\":1,\"text\":[\"a\",{}]}", "1!text is not a string"),
        ("{\"id\":1,\"text\":\" \"}", "1!empty chart"),
    ];
    for (line, expected) in lines {
        let id = if expected.starts_with('!') {
            "a.jsonl#line-at-byte-22"
        } else {
            ""
        };
        let good = "{\"id\":0,\"text\":\"ok\"}";
        let content = format!("{good}\r\n{line}\n{good}");
        check(
            "a.jsonl",
            content.as_bytes(),
            &["0=ok", &format!("{id}{expected}"), "0=ok"],
        );
    }
    check(
        "b.jsonl",
        b"{\"id\":1,\"text\":\"\xff\"}",
        &["b.jsonl#line-at-byte-0!not valid UTF-8"],
    );
    check(
        "c.jsonl.gz",
        &gz(b"\n\nx\n"),
        &["c.jsonl.gz#line-2!line is not a JSON object"],
    );
}

#[test]
fn compressed_lines_also_in_several_members() {
    let one = b"{\"id\":1,\"text\":\"a\"}\n{\"id\":2,";
    let two = b"\"text\":\"b\"}\n\n{\"id\":3,\"text\":\"c\"}";
    let expected = ["1=a", "2=b", "3=c"];
    check("a.jsonl.gz", &gz(&[&one[..], two].concat()), &expected);
    check("b.jsonl.gz", &[gz(one), gz(two)].concat(), &expected);
    check("c.jsonl.zst", &[zst(one), zst(two)].concat(), &expected);
}

#[test]
fn csv_columns_are_named_by_the_spec() {
    check(
        "a.csv",
        b"id,text\n1,a\n2,\"b\nc, \"\"d\"\"\"\n",
        &["1=a", "2=b\nc, \"d\""],
    );
    check("m.csv", b"\xef\xbb\xbf\"text\",x,id\r\na,,1\r\n", &["1=a"]);
    let columns = CsvColumns {
        id: "NoteID".to_owned(),
        text: "Body".to_owned(),
        meta: vec!["Enc".to_owned(), "Day".to_owned()],
    };
    let options = ReadOptions::default().with_csv_columns(columns);
    check_with(
        &options,
        "b.csv",
        b"Day,Body,NoteID,Enc\n3,\"say \"\"a\"\"\",n1,\"e\"\"1\"\n",
        &["n1=say \"a\" {\"Day\":\"3\",\"Enc\":\"e\\\"1\"}"],
    );
    let header = "b.csv!CSV header has no column \"NoteID\"";
    check_with(&options, "b.csv", b"id,text\n1,a\n", &[header]);
    check_with(&options, "b.csv", b"", &[header]);
    check(
        "c.csv",
        b"id,text,id\n1,a\n",
        &["c.csv!CSV header has column \"id\" 2 times"],
    );
}

#[test]
fn csv_records_that_are_no_charts() {
    check(
        "a.csv",
        b"id,text\n1,a\n2\n3,b,c\n,d\n5,\n6,\xff\n7,e\n",
        &[
            "1=a",
            "a.csv#line-at-byte-12!CSV record has 1 fields, header 2",
            "a.csv#line-at-byte-14!CSV record has 3 fields, header 2",
            "a.csv#line-at-byte-20!no id",
            "5!empty chart",
            "6!not valid UTF-8",
            "7=e",
        ],
    );
    check(
        "b.csv",
        b"id,text\n1,a\n2,\"b\n3,c\n",
        &[
            "1=a",
            "b.csv#line-at-byte-12!CSV file ends inside a quoted field",
        ],
    );
}

#[test]
fn debugging_shows_no_text_and_no_id() {
    let put = put(
        "a.jsonl",
        b"{\"id\":\"miller\",\"text\":\"miller\",\"meta\":\"miller\"}",
    );
    let options = ReadOptions::default();
    let mut reader = ShardReader::new(put.folder.path(), &put.source, (0, 9), &options);
    let read = reader.next_chart().unwrap().unwrap();
    let printed = format!("{read:?} {:?}", read.outcome);
    assert!(
        !printed.contains("miller") && printed.contains("position"),
        "{printed}"
    );
}
