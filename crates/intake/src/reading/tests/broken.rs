//! Files that are too large, damaged, gone or not what was planned.

use super::*;

fn lines(count: usize) -> Vec<u8> {
    let mut content = Vec::new();
    for n in 0..count {
        writeln!(
            content,
            "{{\"id\":{n},\"text\":\"{}\"}}",
            "cough ".repeat(n % 50 + 1)
        )
        .unwrap();
    }
    content
}

#[test]
fn what_is_larger_than_a_chart_may_be_is_passed_over() {
    let options = ReadOptions::default().with_max_chart_bytes(30);
    check_with(
        &options,
        "a.txt",
        &[b'a'; 31],
        &["a.txt!larger than the limit of 30 bytes"],
    );
    let content = format!(
        "{{\"id\":1,\"text\":\"a\"}}\n{}\n{{\"id\":2,\"text\":\"b\"}}\n",
        "x".repeat(40)
    );
    check_with(
        &options,
        "a.jsonl",
        content.as_bytes(),
        &[
            "1=a",
            "a.jsonl#line-at-byte-20!larger than the limit of 30 bytes",
            "2=b",
        ],
    );
    let content = format!("id,text\n1,a\n2,\"{}\"\n3,b\n", "x\n".repeat(40));
    check_with(
        &options,
        "a.csv",
        content.as_bytes(),
        &[
            "1=a",
            "a.csv#line-at-byte-12!larger than the limit of 30 bytes",
            "3=b",
        ],
    );
}

#[test]
fn a_line_of_fifty_megabytes_is_never_held() {
    let mut content = b"{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"".to_vec();
    content.resize(50 << 20, b'y');
    content.extend_from_slice(b"\"}\n{\"id\":3,\"text\":\"c\"}\n");
    let too_large = "!larger than the limit of 16777216 bytes";
    let compressed = format!("a.jsonl.zst#line-1{too_large}");
    check("a.jsonl.zst", &zst(&content), &["1=a", &compressed, "3=c"]);
    let plain = format!("a.jsonl#line-at-byte-20{too_large}");
    check("a.jsonl", &content, &["1=a", &plain, "3=c"]);

    // Ranges that lie within the long line: none of them waits for its end.
    let put = put("a.jsonl", &content);
    let options = ReadOptions::default();
    assert_eq!(put.read((0, 1 << 20), &options), ["1=a", &plain]);
    assert!(put.read((1 << 20, 2 << 20), &options).is_empty());
    assert_eq!(put.read((2 << 20, content.len() as u64), &options), ["3=c"]);
}

#[test]
fn records_are_framed_the_same_however_the_blocks_fall() {
    // Larger than a block of the buffer, with lines that straddle its ends.
    let content = lines(20_000);
    let expected: Vec<String> = (0..20_000_usize)
        .map(|n| format!("{n}={}", "cough ".repeat(n % 50 + 1)))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let put = put("a.jsonl", &content);
    assert_eq!(
        put.read(extent_of(&put.source), &ReadOptions::default()),
        expected
    );
}

#[test]
fn a_truncated_compressed_file_keeps_the_charts_before_the_damage() {
    for (name, whole) in [
        ("a.jsonl.gz", gz(&lines(9_000))),
        ("a.jsonl.zst", zst(&lines(9_000))),
    ] {
        let put = put(name, &whole[..whole.len() / 2]);
        let options = ReadOptions::default();
        let read = put.read(extent_of(&put.source), &options);
        let (last, charts) = read.split_last().unwrap();
        assert!(
            charts.len() > 1_000 && charts.len() < 8_000,
            "{name}: {}",
            charts.len()
        );
        for (n, chart) in charts.iter().enumerate() {
            assert!(chart.starts_with(&format!("{n}=cough")), "{name}");
        }
        let reason = "compressed file is truncated or damaged from here on";
        assert_eq!(*last, format!("{name}#from-line-{}!{reason}", charts.len()));
    }
    check(
        "n.jsonl.gz",
        b"not gzip",
        &["n.jsonl.gz!compressed file is truncated or damaged from here on"],
    );
    check(
        "n.jsonl.zst",
        b"not zstd",
        &["n.jsonl.zst!compressed file is truncated or damaged from here on"],
    );
    check(
        "e.jsonl.gz",
        b"",
        &["e.jsonl.gz!compressed file is truncated or damaged from here on"],
    );
}

#[test]
fn a_compressed_file_cannot_grow_without_end() {
    let options = ReadOptions::default().with_max_inside_bytes(1_000_000);
    let bomb = [lines(3), vec![b'z'; 20 << 20]].concat();
    for (name, bomb) in [("b.jsonl.gz", gz(&bomb)), ("b.jsonl.zst", zst(&bomb))] {
        let last = format!("{name}#from-line-3!decompresses to more than 1000000 bytes");
        let put = put(name, &bomb);
        let read = put.read(extent_of(&put.source), &options);
        assert_eq!(read.len(), 4);
        assert_eq!(read[3], last);
    }
    // Also when it grows little by little.
    let put = put("s.jsonl.gz", &gz(&lines(40_000)));
    let read = put.read(extent_of(&put.source), &options);
    assert!(read.len() > 1_000 && read.len() < 10_000, "{}", read.len());
    assert!(
        read.last()
            .unwrap()
            .ends_with("!decompresses to more than 1000000 bytes")
    );
}

/// Reads after `change` was done to the file, and expects one row that says this.
#[track_caller]
fn check_changed(name: &str, change: impl Fn(&Path), reason: &str) {
    let put = put(name, &lines(3));
    change(&put.folder.path().join(name));
    let (begin, end) = extent_of(&put.source);
    let options = ReadOptions::default();
    assert_eq!(
        put.read((begin, end), &options),
        [format!("{name}!{reason}")]
    );
    if name.ends_with("jsonl") {
        let expected = [format!("{name}#from-byte-30!{reason}")];
        assert_eq!(put.read((30, end), &options), expected);
    }
    let split = split_point(put.folder.path(), &put.source, (begin, end), &options).unwrap();
    assert_eq!(split, None);
}

#[test]
fn a_file_that_is_not_what_was_planned_is_not_mixed_in() {
    const CHANGED: &str = "file changed after the run was planned";
    const VANISHED: &str = "file vanished after the run was planned";
    for name in ["a.txt", "a.jsonl", "a.csv", "a.jsonl.gz"] {
        check_changed(name, |path| fs::remove_file(path).unwrap(), VANISHED);
        check_changed(name, |path| fs::write(path, "shorter").unwrap(), CHANGED);
        // Same size, other time of change.
        let touch = |path: &Path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        };
        check_changed(name, touch, CHANGED);
        let pipe = |path: &Path| {
            fs::remove_file(path).unwrap();
            let mode = rustix::fs::Mode::from(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)
                .unwrap();
        };
        check_changed(name, pipe, CHANGED);
        let folder = |path: &Path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        };
        check_changed(name, folder, CHANGED);
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_there() {
    let content = lines(20_000);
    let put = put("a.jsonl", &content);
    let options = ReadOptions::default();
    let extent = extent_of(&put.source);
    let mut reader = ShardReader::new(put.folder.path(), &put.source, extent, &options);
    assert!(reader.next_chart().unwrap().unwrap().outcome.is_ok());
    // Same length, other text: the bytes behind the first block are not the planned ones.
    let path = put.folder.path().join("a.jsonl");
    let other = String::from_utf8(content)
        .unwrap()
        .replace("cough", "fever");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    (&file).write_all(other.as_bytes()).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let read = in_words(reader);
    let ((_, last), charts) = read.split_last().unwrap();
    assert!(!charts.is_empty() && charts.iter().all(|(_, chart)| !chart.contains("fever")));
    assert!(
        last.ends_with("!file changed after the run was planned"),
        "{last}"
    );
}

#[test]
fn a_file_that_may_not_be_read_is_a_row() {
    let put = put("a.txt", b"text");
    let path = put.folder.path().join("a.txt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    // Root may read it all the same.
    let expected = match fs::File::open(&path) {
        Ok(_) => "a.txt=text",
        Err(_) => "a.txt!permission denied",
    };
    assert_eq!(put.read((0, 1), &ReadOptions::default()), [expected]);
}

#[test]
fn when_the_whole_input_is_gone_no_chart_is_to_blame() {
    let put = put("a.txt", b"text");
    let (options, root) = (ReadOptions::default(), put.folder.path().to_owned());
    let source = put.source.clone();
    drop(put);
    let error = ShardReader::new(&root, &source, (0, 1), &options)
        .next_chart()
        .unwrap_err();
    assert_eq!(error.to_string(), "cannot read a chart file");
}

#[test]
fn a_path_never_leads_out_of_the_input() {
    let put = put("a.txt", b"text");
    let ShardSource::Files(mut files) = put.source.clone() else {
        panic!("a text file")
    };
    for path in [
        &b"../a.txt"[..],
        b"/etc/hostname",
        b"x/../a.txt",
        b"./a.txt",
        b"",
    ] {
        files[0].path = path.to_vec();
        let source = ShardSource::Files(files.clone());
        let options = ReadOptions::default();
        let read = in_words(ShardReader::new(
            put.folder.path(),
            &source,
            (0, 1),
            &options,
        ));
        assert!(
            read[0].1.ends_with("!path leads out of the input"),
            "{read:?}"
        );
    }
}
