use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

use super::*;

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Both ways, each with the folder that its temporaries would be seen in.
fn ways(root: &Path) -> Vec<Temporaries> {
    let folder = make_folder(&open_folder(root).unwrap(), "tmp").unwrap();
    vec![Temporaries::Unnamed, Temporaries::Named(folder)]
}

#[test]
fn the_first_wins_and_nothing_is_left() {
    for way in 0..2 {
        let root = tempfile::tempdir().unwrap();
        let temporaries = ways(root.path()).remove(way);
        let folder = make_folder(&open_folder(root.path()).unwrap(), "objects").unwrap();
        let created = |bytes| temporaries.create(&folder, "a", bytes).unwrap();
        assert_eq!(created(b"first"), Created::New);
        assert_eq!(created(b"second"), Created::Exists);
        assert_eq!(fs::read(root.path().join("objects/a")).unwrap(), b"first");
        assert_eq!(names(&root.path().join("objects")), ["a"]);
        assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    }
}

#[test]
fn one_of_many_links_wins_with_its_own_bytes() {
    for way in 0..2 {
        let root = tempfile::tempdir().unwrap();
        let temporaries = ways(root.path()).remove(way);
        let folder = make_folder(&open_folder(root.path()).unwrap(), "objects").unwrap();
        for round in 0..20 {
            let name = format!("o{round}");
            let barrier = Barrier::new(8);
            let won: Vec<u8> = std::thread::scope(|scope| {
                let writers: Vec<_> = (0..8_u8)
                    .map(|me| {
                        let (temporaries, folder, name) = (&temporaries, &folder, &name);
                        let barrier = &barrier;
                        scope.spawn(move || {
                            let written = temporaries.written(folder.as_fd(), &[me]).unwrap();
                            barrier.wait();
                            (me, written.link(folder, name).unwrap())
                        })
                    })
                    .collect();
                let ended = writers.into_iter().map(|w| w.join().unwrap());
                ended
                    .filter(|(_, created)| *created == Created::New)
                    .map(|(me, _)| me)
                    .collect()
            });
            assert_eq!(won.len(), 1);
            let path = root.path().join("objects").join(&name);
            assert_eq!(fs::read(path).unwrap(), won);
        }
        assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    }
}

#[test]
fn a_start_removes_what_the_dead_left_and_nothing_of_the_living() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(TEMPORARIES);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("left"), b"by a dead process").unwrap();
    let folder = open_folder(&path).unwrap();
    let living = Temporary::named(folder.as_fd()).unwrap();
    Temporaries::probe(root.path()).unwrap();
    let Temporary::Named { name, .. } = &living else {
        panic!("asked for a named one");
    };
    assert_eq!(names(&path), [name.as_str()]);
    drop(living);
    assert_eq!(names(&path), [""; 0]);
}

#[test]
fn others_may_not_read() {
    for way in 0..2 {
        let root = tempfile::tempdir().unwrap();
        let temporaries = ways(root.path()).remove(way);
        let folder = make_folder(&open_folder(root.path()).unwrap(), "objects").unwrap();
        temporaries.create(&folder, "a", b"").unwrap();
        for path in ["objects", "objects/a"] {
            let of = fs::metadata(root.path().join(path)).unwrap();
            assert_eq!(of.permissions().mode() & 0o007, 0, "{path}");
        }
    }
}
