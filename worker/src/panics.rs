//! Panics without their message: what panicked may have had chart text in its hands.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on a panic in this process logs where it happened and nothing of what it says.
pub fn hide_messages() {
    panic::set_hook(Box::new(|info| {
        let place = place(info);
        log::error!("a thread panicked at {place}");
    }));
}

/// Runs `work` and says where it panicked if it did. It must leave nothing half done that
/// anybody looks at afterwards.
///
/// The message of the panic is lost on purpose.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_message| {
        PLACE.with_borrow_mut(|place| match place.as_str() {
            "" => "an unknown place".to_owned(),
            _ => std::mem::take(place),
        })
    })
}

/// Where a panic happened; remembered for the thread that catches it.
fn place(info: &panic::PanicHookInfo<'_>) -> String {
    let place = info
        .location()
        .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
    PLACE.set(place.clone());
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_known_by_its_place_alone() {
        // Other tests of this process want to see their messages.
        let shown = panic::take_hook();
        hide_messages();
        let line = line!() + 1;
        let place = caught(|| panic!("Mr. Smith has gout")).unwrap_err();
        panic::set_hook(shown);
        assert_eq!(place, format!("{}:{line}", file!()));
        assert_eq!(caught(|| 5), Ok(5));
    }
}
