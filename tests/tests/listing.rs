//! What cannot be listed is not silently left out: it has a row, and the run is not complete.

use tests::place::Place;

#[test]
fn a_link_to_nothing_that_is_named_like_a_chart_is_quarantined() {
    let place = Place::new(env!("CARGO_BIN_EXE_dayfly-under-test"));
    place.write("good.txt", "Hypertension.");
    for (name, counts) in [("gone.txt", true), ("gone.bak", false)] {
        let link = std::os::unix::fs::symlink("nowhere", place.input().join(name));
        link.expect("a link can be made");
        let done = place.complete(place.run_command(&["--workers", "1"]));
        let done = done.expect(if counts { 3 } else { 0 });
        assert_eq!(
            done.json()["charts_quarantined"],
            u64::from(counts),
            "{name}"
        );
        std::fs::remove_file(place.input().join(name)).expect("a link can be removed");
    }
}
