//! A worker as a process: its pipe and its signals.

use std::ffi::OsString;
use std::process::{ExitCode, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use worker::command::{WorkerArguments, run_process};

use crate::master::{INSTANCE, LIMIT, RUN};
use crate::world::World;

/// The first argument of this program when it is to be a worker.
pub(crate) const WORKER: &str = "worker-process";

pub(crate) fn worker(_: Vec<OsString>) -> ExitCode {
    run_process(WorkerArguments {
        run: RUN.to_owned(),
        instance: INSTANCE.to_owned(),
        slots: 1,
        runtime_dir: None,
    })
}

async fn start(world: &World) -> (Child, ChildStdin) {
    let mut child = Command::new("/proc/self/exe")
        .arg(WORKER)
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let master = &world.master;
    let line = format!(
        "{{\"master\":\"{}\",\"pin\":\"{}\",\"token\":\"{}\"}}\n",
        master.address,
        master.pin,
        master.token.reveal_hex()
    );
    pipe.write_all(line.as_bytes()).await.unwrap();
    (child, pipe)
}

async fn exit_code(mut child: Child) -> Option<i32> {
    let status = tokio::time::timeout(LIMIT, child.wait()).await.unwrap();
    status.unwrap().code()
}

pub(crate) async fn a_worker_process_ends_with_its_pipe() {
    let mut world = World::new().await;
    world.write("a.txt", "stuck");
    let (child, pipe) = start(&world).await;
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    session.hear_started(1).await;
    drop(pipe);
    assert_eq!(exit_code(child).await, Some(1));
    while session.hear().await {}
    assert!(!session.leaving);
}

pub(crate) async fn a_worker_process_leaves_when_it_is_told() {
    let mut world = World::new().await;
    world.write("a.txt", "wait");
    let (child, _pipe) = start(&world).await;
    let engine = world.exec();
    let mut session = world.begin(engine).await;
    session.lease(vec![world.files(1, &["a.txt"])]).await;
    session.hear_started(1).await;
    let process = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    // Ctrl-C is for the master to act on.
    kill_process(process, Signal::INT).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    let credit = session.credit;
    world.go();
    assert_eq!(session.report().await.shard, 1);
    session.goodbye().await;
    assert!(credit > 0);
    assert_eq!(exit_code(child).await, Some(0));
}
