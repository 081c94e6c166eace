use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::attempt::{LeaseId, Term};
use crate::engines::EngineChoice;
use crate::reading::ReadEnd;

/// Finds nothing, and stumbles as the text of a chart says.
#[derive(Default)]
struct Stumbling {
    asked: u32,
}

impl Engine for Stumbling {
    fn code(
        &mut self,
        chart: &ChartText<'_>,
        out: &mut EndingWriter,
    ) -> Result<ChartEnd, EngineError> {
        self.asked += 1;
        let row = Chart {
            chart_id: chart.id,
            meta: None,
        };
        match chart.text {
            "panic" => panic!("Mr. Smith has gout"),
            "panic once" if self.asked == 1 => panic!("Mr. Smith has gout"),
            "cancelled once" if self.asked == 1 => return Err(EngineError::Cancelled),
            "half" => {
                out.coded(row, None)?;
                panic!("in the middle");
            }
            _ => out.coded(row, None)?,
        }
        Ok(ChartEnd::Coded { findings: 0 })
    }
}

struct World {
    engines: Engines,
    endings: Endings,
    cancel: Arc<Cancel>,
    events: Events,
    told: Mutex<UnboundedReceiver<Event>>,
}

fn world() -> World {
    let (events, told) = unbounded_channel();
    World {
        engines: Engines::new(EngineChoice::Noop),
        endings: Endings::new("r1".parse().unwrap(), "w0001".into(), "/".into(), None),
        cancel: Arc::new(Cancel::new().unwrap()),
        events: Events(events),
        told: Mutex::new(told),
    }
}

impl World {
    fn coding(&self) -> Coding<'_> {
        Coding {
            engines: &self.engines,
            endings: &self.endings,
            cancel: &self.cancel,
            events: &self.events,
        }
    }

    fn told(&self) -> Option<Event> {
        self.told.lock().unwrap().try_recv().ok()
    }
}

fn attempt() -> Arc<Attempt> {
    let id = LeaseId {
        shard: 1,
        master_epoch: 1,
        counter: 1,
    };
    let term = Term::new(Instant::now(), Duration::from_secs(3600));
    Arc::new(Attempt::new(id, Arc::new(term)))
}

fn read<'a>(text: &'a str, unreadable: Option<&'a str>) -> Read<'a> {
    let chart = ChartText {
        id: "a",
        text,
        meta: None,
    };
    Read { chart, unreadable }
}

/// Codes charts of these texts; what was written, and how often the engine was asked.
fn code(texts: &[&str]) -> (Result<Shard, Stop>, u32) {
    let (world, mut engine) = (world(), Stumbling::default());
    let coding = world.coding();
    let coded = coding.begin(&attempt(), 1).and_then(|mut shard| {
        for text in texts {
            coding.code(&mut engine, &mut shard, &read(text, None))?;
        }
        Ok(shard)
    });
    (coded, engine.asked)
}

#[test]
fn a_chart_that_makes_the_engine_panic_is_quarantined_at_its_third_time() {
    let (coded, asked) = code(&["panic", "fine"]);
    let Ok(shard) = coded else { panic!("stopped") };
    assert_eq!(asked, 4);
    assert_eq!(
        (shard.counts.charts, shard.counts.charts_quarantined),
        (2, 1)
    );
    let bytes = world()
        .endings
        .encode(shard.attempt.id(), shard.writer, shard.counts);
    let rows = results::read_rows("it", bytes.unwrap().0).unwrap();
    let reasons: Vec<_> = rows.map(|row| row.unwrap().reason).collect();
    let reason = reasons[0].as_deref().unwrap();
    assert!(
        reason.contains("panicked at") && !reason.contains("Smith"),
        "{reason}"
    );
    assert_eq!(reasons[1], None);
}

#[test]
fn a_chart_is_given_to_the_engine_again() {
    for text in ["panic once", "cancelled once"] {
        let (coded, asked) = code(&[text]);
        let Ok(shard) = coded else { panic!("stopped") };
        assert_eq!((asked, shard.counts.charts_quarantined), (2, 0));
        assert_eq!(shard.writer.rows(), 1);
    }
}

#[test]
fn rows_of_half_a_chart_are_never_kept() {
    let (coded, asked) = code(&["fine", "half"]);
    assert!(matches!(coded, Err(Stop::Failed(FailureKind::Engine, _))));
    assert_eq!(asked, 2);
}

#[test]
fn an_unreadable_chart_is_not_shown_to_the_engine() {
    let (world, mut engine) = (world(), Stumbling::default());
    let coding = world.coding();
    let Ok(mut shard) = coding.begin(&attempt(), 1) else {
        panic!("stopped");
    };
    let unreadable = read("", Some("no text"));
    assert!(coding.code(&mut engine, &mut shard, &unreadable).is_ok());
    assert_eq!((engine.asked, shard.counts.charts_quarantined), (0, 1));
}

/// How the stage ends a shard whose only chunk is empty and ends like this.
fn ended_by(end: ReadEnd) -> (bool, Vec<Event>) {
    let world = world();
    let (chunks, read) = sync_channel(1);
    let (used, _reused) = channel();
    let (finished, endings) = sync_channel(1);
    let mut chunk = Chunk::default();
    chunk.attempt = Some(attempt());
    chunk.begins = true;
    chunk.end = Some(end);
    chunks.send(chunk).unwrap();
    drop(chunks);
    world.coding().code_all(0, &read, &used, &finished);
    let events = std::iter::from_fn(|| world.told()).collect();
    (endings.try_recv().is_ok(), events)
}

#[test]
fn only_what_was_read_to_its_end_gets_an_ending() {
    assert!(ended_by(ReadEnd::Whole).0);

    let (ending, events) = ended_by(ReadEnd::Gone);
    assert!(!ending, "charts may be missing");
    assert!(matches!(
        &events[..],
        [Event::Started { .. }, Event::Ended(ended)] if ended[0].1 == Outcome::Dropped
    ));

    let failed = ReadEnd::Failed(FailureKind::Environment, "no such disk".into());
    let (ending, events) = ended_by(failed);
    assert!(!ending);
    let kind = FailureKind::Environment;
    assert!(matches!(
        &events[..],
        [Event::Started { charts: 0, .. }, Event::Ended(ended)]
            if ended[0].1 == Outcome::Failed(kind, "no such disk".into())
    ));
}
