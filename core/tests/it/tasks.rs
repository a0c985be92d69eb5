//! The engine of the asynchronous bindings: order, cancellation, deadlines, one
//! wake-up for many results, and systems that start no thread.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::scene::alone::alone;
use crate::scene::{self, Scene};
use untorn::fault::{Op, Plan, os_code};
use untorn::tasks::{
    EventLoop, Order, Outcome, Placement, Source, Task, TaskQueue, Wake, WatchOrder,
};
use untorn::{CallOptions, Error, ErrorKind, FileLock, FollowItem, Journal};

/// Longer than anything takes here: a test that gets so far has failed.
const LONG: Duration = Duration::from_secs(20);

/// An event loop that only counts its wake-ups.
struct Loop {
    woken: mpsc::Sender<()>,
}

impl EventLoop for Loop {
    type Value = String;
    type Failure = Error;
    type Promise = &'static str;

    fn wake(&self) -> bool {
        self.woken.send(()).is_ok()
    }

    fn failure(error: Error) -> Error {
        error
    }
}

struct Stage {
    queue: Arc<TaskQueue<Loop>>,
    woken: mpsc::Receiver<()>,
    path: Arc<Path>,
}

type Results = Vec<(u32, Result<String, Error>)>;

impl Stage {
    fn new() -> Stage {
        let queue = TaskQueue::new();
        let (wake, woken) = mpsc::channel();
        queue.open(Arc::new(Loop { woken: wake }));
        Stage {
            queue,
            woken,
            path: Path::new("some/file").into(),
        }
    }

    fn begin(&self) -> Arc<Task<Loop>> {
        self.queue.begin("work", &self.path, None)
    }

    fn run(
        &self,
        order: Order,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<String> + Send + 'static,
    ) -> Arc<Task<Loop>> {
        let task = self.begin();
        task.run(Placement::new(order), work, |text| text);
        task
    }

    fn try_once(&self, order: Order, text: &'static str) -> Arc<Task<Loop>> {
        let placement = Placement {
            try_once: true,
            ..Placement::new(order)
        };
        let task = self.begin();
        task.run(placement, move |_| Ok(text.to_owned()), |text| text);
        task
    }

    /// What has gathered by now.
    fn taken(&self, limit: usize) -> Results {
        let outcomes = self.queue.take(limit).into_iter();
        outcomes
            .map(|(id, outcome)| {
                self.queue.end(id).expect("it has not ended before");
                match outcome {
                    Outcome::Done(text) => (id, Ok(text)),
                    Outcome::Failed(error) => (id, Err(error)),
                    Outcome::Appended(at) => (id, Ok(at.offset.to_string())),
                }
            })
            .collect()
    }

    /// The next results, as a loop takes them.
    fn results(&self, count: usize) -> Results {
        let mut results = Vec::new();
        while results.len() < count {
            self.woken.recv_timeout(LONG).expect("woken within 20 s");
            results.extend(self.taken(usize::MAX));
        }
        assert_eq!(results.len(), count);
        results
    }

    fn result(&self) -> Result<String, Error> {
        self.results(1).remove(0).1
    }

    fn error(&self) -> Error {
        self.result().expect_err("it fails")
    }
}

fn file(name: &str) -> Order {
    Order::File(PathBuf::from(name))
}

/// Work that goes on until it gets the order to end, and says when it has begun.
fn blocked() -> (
    impl FnOnce(&CallOptions<'_>) -> untorn::Result<String> + Send + 'static,
    mpsc::Receiver<()>,
    mpsc::Sender<()>,
) {
    let (begin, begun) = mpsc::channel();
    let (go, wait) = mpsc::channel();
    let work = move |_: &CallOptions<'_>| {
        begin.send(()).unwrap();
        wait.recv().unwrap();
        Ok("blocked".to_owned())
    };
    (work, begun, go)
}

#[test]
fn tasks_of_one_file_handle_or_step_end_in_the_order_of_the_calls() {
    for order in [
        file("a"),
        Order::Handle("b".into()),
        Order::Step("c".into()),
    ] {
        let stage = Stage::new();
        for n in 0..1000 {
            stage.run(order.clone(), move |_| Ok(n.to_string()));
        }
        let ended = stage.results(1000);
        let texts: Vec<_> = ended.into_iter().map(|(_, text)| text.unwrap()).collect();
        let expected: Vec<_> = (0..1000).map(|n: i32| n.to_string()).collect();
        assert_eq!(texts, expected, "{order:?}");
    }
}

#[test]
fn tasks_of_other_files_do_not_wait() {
    let stage = Stage::new();
    let (work, begun, go) = blocked();
    stage.run(file("slow"), work);
    begun.recv_timeout(LONG).unwrap();
    for order in [
        file("other"),
        Order::Unordered,
        Order::Immediate,
        Order::Read,
    ] {
        stage.run(order, |_| Ok("at once".to_owned()));
        assert_eq!(stage.result().unwrap(), "at once");
    }
    go.send(()).unwrap();
    assert_eq!(stage.result().unwrap(), "blocked");
}

#[test]
fn one_that_tries_once_is_refused_behind_others_and_not_behind_what_was_taken() {
    let stage = Stage::new();
    let (work, begun, go) = blocked();
    stage.run(file("tried"), work);
    begun.recv_timeout(LONG).unwrap();
    stage.try_once(file("tried"), "too soon");
    let error = stage.error();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    stage.try_once(Order::Busy, "never");
    assert_eq!(stage.error().kind(), ErrorKind::Locked);
    go.send(()).unwrap();
    for _ in 0..1000 {
        stage.result().unwrap();
        // Its thread may still be on its way back from the last.
        stage.try_once(file("tried"), "done");
    }
    assert_eq!(stage.result().unwrap(), "done");
}

#[test]
fn one_that_is_cancelled_while_it_is_queued_ends_at_once_and_does_no_work() {
    let stage = Stage::new();
    let (work, begun, go) = blocked();
    stage.run(file("queued"), work);
    begun.recv_timeout(LONG).unwrap();
    let queued = stage.run(file("queued"), |_| unreachable!("it was cancelled"));
    queued.cancel();
    let (id, result) = stage.results(1).remove(0);
    assert_eq!(id, queued.id());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(queued.is_cancelled() && queued.is_over());
    stage.run(file("queued"), |_| Ok("behind it".to_owned()));
    go.send(()).unwrap();
    let ended = stage.results(2);
    assert_eq!(ended[0].1.as_deref().unwrap(), "blocked");
    assert_eq!(ended[1].1.as_deref().unwrap(), "behind it");
}

/// A lock that this test holds, and a task that waits for it.
fn waits_for_a_lock(stage: &Stage, scene: &Scene) -> (untorn::LockGuard, Arc<Task<Loop>>) {
    let path = scene.path("f");
    let guard = FileLock::acquire(&path).unwrap();
    let (begin, begun) = mpsc::channel();
    let task = stage.run(file("f"), move |call| {
        begin.send(()).unwrap();
        let guard = FileLock::options().acquire_with(&path, call)?;
        Ok(guard.path().to_string_lossy().into_owned())
    });
    begun.recv_timeout(LONG).unwrap();
    (guard, task)
}

#[test]
fn one_that_is_cancelled_while_it_waits_ends_its_wait() {
    let (stage, scene) = (Stage::new(), Scene::new());
    let (guard, task) = waits_for_a_lock(&stage, &scene);
    task.cancel();
    assert_eq!(stage.error().kind(), ErrorKind::Cancelled);
    drop(guard);
    // Nothing of it is left in the lock's queue.
    drop(FileLock::acquire(scene.path("f")).unwrap());
}

#[test]
fn a_deadline_ends_the_wait_and_the_error_names_the_holder() {
    let (stage, scene) = (Stage::new(), Scene::new());
    let (guard, task) = waits_for_a_lock(&stage, &scene);
    task.expire(Duration::from_millis(30));
    let error = stage.error();
    assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
    assert!(error.to_string().contains("30ms"), "{error}");
    assert!(!task.is_cancelled());
    drop(guard);
}

#[test]
fn a_deadline_ends_one_that_is_queued() {
    let stage = Stage::new();
    let (work, begun, go) = blocked();
    stage.run(file("late"), work);
    begun.recv_timeout(LONG).unwrap();
    let queued = stage.run(file("late"), |_| unreachable!("its time was up"));
    queued.expire(Duration::from_millis(7));
    let error = stage.error();
    assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
    go.send(()).unwrap();
    assert_eq!(stage.result().unwrap(), "blocked");
}

/// The release of a lock must not be taken back.
#[test]
fn one_that_is_done_always_is_done_though_it_was_cancelled() {
    let stage = Stage::new();
    let (work, begun, go) = blocked();
    stage.run(Order::Step("held".into()), work);
    begun.recv_timeout(LONG).unwrap();
    let release = stage.begin();
    let placement = Placement {
        always: true,
        ..Placement::new(Order::Step("held".into()))
    };
    release.run(placement, |_| Ok("released".to_owned()), |text| text);
    release.cancel();
    go.send(()).unwrap();
    let ended = stage.results(2);
    assert_eq!(ended[1].1.as_deref().unwrap(), "released");
    assert!(release.is_cancelled());
}

#[test]
fn a_panic_is_an_error_and_those_behind_it_go_on() {
    let stage = Stage::new();
    stage.run(file("panics"), |_| panic!("a bug of the test"));
    stage.run(file("panics"), |_| Ok("next".to_owned()));
    let ended = stage.results(2);
    let error = ended[0].1.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("a bug of the test"), "{error}");
    assert_eq!(ended[1].1.as_deref().unwrap(), "next");
}

#[test]
fn many_results_wake_the_loop_once() {
    let stage = Stage::new();
    let (end, ended) = mpsc::channel();
    for n in 0..1000 {
        stage.run(file("many"), move |_| Ok(n.to_string()));
    }
    stage.run(file("many"), move |_| {
        Ok(end.send(()).map(|()| "last".to_owned()).unwrap())
    });
    ended.recv_timeout(LONG).unwrap();
    stage.woken.recv_timeout(LONG).unwrap();
    assert!(stage.woken.try_recv().is_err(), "woken once for all");
    let mut taken = stage.taken(usize::MAX);
    if taken.len() == 1000 {
        // The last is on its way.
        taken.extend(stage.results(1));
    }
    assert_eq!(taken.len(), 1001);
    stage.run(file("many"), |_| Ok("again".to_owned()));
    assert_eq!(stage.result().unwrap(), "again");
}

#[test]
fn a_burst_is_taken_in_parts() {
    let stage = Stage::new();
    // Ended on this thread, so that all have ended now.
    for _ in 0..25 {
        let task = stage.begin();
        assert!(task.start());
        task.complete(Ok(Outcome::Done(task.id().to_string())));
    }
    let mut sizes = Vec::new();
    let mut all = Vec::new();
    while stage.woken.try_recv().is_ok() {
        let part = stage.taken(10);
        sizes.push(part.len());
        all.extend(part.into_iter().map(|(id, _)| id));
    }
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(all, (0..25).collect::<Vec<_>>());
}

#[test]
fn promises_stay_with_their_tasks_and_numbers_are_used_again() {
    let stage = Stage::new();
    let tasks = [stage.begin(), stage.begin()];
    stage.queue.attach(0, "first");
    stage.queue.attach(1, "second");
    assert!(tasks[1].start());
    tasks[1].complete(Ok(Outcome::Done(String::new())));
    assert_eq!(stage.queue.take(9).len(), 1);
    let ended = stage.queue.end(1).unwrap();
    assert_eq!((ended.task.id(), ended.promise), (1, Some("second")));
    assert!(stage.queue.end(1).is_none() && stage.queue.task(1).is_none());
    assert_eq!(stage.begin().id(), 1);
    assert_eq!(
        stage.queue.with_promise(0, |promise| *promise),
        Some("first")
    );
    tasks[0].cancel();
}

#[test]
fn what_is_gathered_in_a_turn_runs_at_its_end() {
    let stage = Stage::new();
    let ran = Arc::new(Mutex::new(Vec::new()));
    for n in 0..3 {
        let ran = Arc::clone(&ran);
        let first = stage.queue.gather(move || ran.lock().unwrap().push(n));
        assert_eq!(first, n == 0);
    }
    assert!(ran.lock().unwrap().is_empty());
    stage.queue.flush();
    assert_eq!(*ran.lock().unwrap(), [0, 1, 2]);
    let again = Arc::clone(&ran);
    assert!(stage.queue.gather(move || again.lock().unwrap().push(3)));
    // Also where the loop does not turn any more.
    stage.queue.close();
    assert_eq!(*ran.lock().unwrap(), [0, 1, 2, 3]);
}

#[test]
fn a_loop_that_is_closed_with_tasks_pending_keeps_no_lock() {
    let (stage, scene) = (Stage::new(), Scene::new());
    let path = scene.path("taken");
    let (guard, waiting) = waits_for_a_lock(&stage, &scene);
    let survivor = {
        let (work, begun, go) = blocked();
        let task = stage.begin();
        task.outlive_loop();
        let (end, ended) = mpsc::channel();
        let work = move |call: &CallOptions<'_>| {
            let text = work(call)?;
            end.send(call_is_cancelled(call)).unwrap();
            Ok(text)
        };
        task.run(Placement::new(file("survives")), work, |text| text);
        begun.recv_timeout(LONG).unwrap();
        (task, go, ended)
    };
    // Its result, which no caller takes, is a lock.
    let (queue, woken) = lock_queue();
    let task = queue.begin("lock", &stage.path, None);
    let own = path.clone();
    task.run(
        Placement::new(Order::Unordered),
        move |call| FileLock::options().acquire_with(&own, call),
        |guard| guard,
    );
    woken.recv_timeout(LONG).unwrap();
    assert!(
        FileLock::options()
            .timeout(Some(Duration::ZERO))
            .acquire(&path)
            .is_err()
    );
    queue.close();
    drop(
        FileLock::options()
            .timeout(Some(Duration::ZERO))
            .acquire(&path)
            .unwrap(),
    );

    stage.queue.close();
    assert!(!stage.queue.is_open());
    // The one that waits gives up; the other goes on.
    while !waiting.is_over() {
        std::thread::yield_now();
    }
    drop(guard);
    let (task, go, ended) = survivor;
    assert!(!task.token().is_cancelled());
    go.send(()).unwrap();
    assert!(!ended.recv_timeout(LONG).unwrap());
    drop(FileLock::acquire(scene.path("f")).unwrap());
}

/// A call that tries once sees nothing but its token.
fn call_is_cancelled(call: &CallOptions<'_>) -> bool {
    let dir = tempfile::tempdir().unwrap();
    FileLock::options()
        .acquire_with(dir.path().join("free"), call)
        .is_err()
}

struct LockLoop(mpsc::Sender<()>);

impl EventLoop for LockLoop {
    type Value = untorn::LockGuard;
    type Failure = Error;
    type Promise = ();

    fn wake(&self) -> bool {
        self.0.send(()).is_ok()
    }

    fn failure(error: Error) -> Error {
        error
    }
}

fn lock_queue() -> (Arc<TaskQueue<LockLoop>>, mpsc::Receiver<()>) {
    let queue = TaskQueue::new();
    let (wake, woken) = mpsc::channel();
    queue.open(Arc::new(LockLoop(wake)));
    (queue, woken)
}

/// The loop is gone when the first result comes.
#[test]
fn a_loop_that_can_not_be_woken_is_closed() {
    let Stage { queue, woken, path } = Stage::new();
    drop(woken);
    let task = queue.begin("work", &path, None);
    task.run(
        Placement::new(Order::Unordered),
        |_| Ok(String::new()),
        |text| text,
    );
    while queue.is_open() {
        std::thread::yield_now();
    }
    assert!(queue.take(1).is_empty());
}

/// Watches a journal.
struct News {
    follow: Mutex<untorn::Follow>,
    looks: Arc<AtomicUsize>,
}

impl News {
    fn of(journal: &Journal) -> News {
        News {
            follow: Mutex::new(journal.follow(None).unwrap()),
            looks: Arc::default(),
        }
    }
}

impl Source for News {
    type Found = String;

    fn look(&self) -> untorn::Result<Option<String>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let now = CallOptions::new().timeout(Some(Duration::ZERO));
        let mut follow = self.follow.lock().unwrap();
        let found = follow.next(&now)?;
        if follow.is_closed() {
            return Ok(Some("closed".to_owned()));
        }
        Ok(found.map(|found| match found {
            FollowItem::Record(record) => String::from_utf8(record.bytes).unwrap(),
            other => format!("{other:?}"),
        }))
    }

    fn wake_once(&self, wake: Wake) -> Option<Duration> {
        self.follow.lock().unwrap().wake_once(wake)
    }
}

fn watch(stage: &Stage, news: News, limit: Option<Duration>) -> Arc<Task<Loop>> {
    let task = stage.begin();
    task.watch(news, WatchOrder::new(), limit, |found| {
        found.unwrap_or_else(|| "nothing".to_owned())
    });
    task
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_followers_have_no_threads() {
    let (stage, scene) = (Stage::new(), Scene::new());
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let journals: Vec<_> = (0..1000)
        .map(|n| scene::journal(&scene.path(&format!("j{n}"))))
        .collect();
    for journal in &journals {
        watch(&stage, News::of(journal), None);
    }
    for journal in &journals {
        journal.append(b"[1]").unwrap();
    }
    let found = stage.results(1000);
    assert!(
        found
            .iter()
            .all(|(_, text)| text.as_deref().unwrap() == "[1]")
    );
    // Other tests of this program start some, too.
    assert!(threads() < before + 100, "{} threads", threads());
}

/// A source without news, which is looked at once an hour.
struct Silent {
    looks: Arc<AtomicUsize>,
}

impl Source for Silent {
    type Found = String;

    fn look(&self) -> untorn::Result<Option<String>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(None)
    }

    fn wake_once(&self, _: Wake) -> Option<Duration> {
        Some(Duration::from_secs(3600))
    }
}

#[test]
fn a_follower_that_sleeps_is_cancelled_at_once() {
    let stage = Stage::new();
    let looks = Arc::<AtomicUsize>::default();
    let source = Silent {
        looks: Arc::clone(&looks),
    };
    let task = stage.begin();
    task.watch(source, WatchOrder::new(), None, |_| unreachable!("no news"));
    while looks.load(Ordering::SeqCst) < 1 {
        std::thread::yield_now();
    }
    task.cancel();
    assert_eq!(stage.error().kind(), ErrorKind::Cancelled);
    // The task does not keep its source, and so not its files either.
    let until = Instant::now() + LONG;
    while Arc::strong_count(&looks) > 1 {
        assert!(Instant::now() < until, "the source is kept");
        std::thread::yield_now();
    }
}

#[test]
fn a_follower_ends_when_its_time_is_up_or_its_journal_is_closed() {
    let (stage, scene) = (Stage::new(), Scene::new());
    let journal = scene::journal(&scene.path("j"));
    for limit in [Duration::ZERO, Duration::from_millis(20)] {
        watch(&stage, News::of(&journal), Some(limit));
        assert_eq!(stage.result().unwrap(), "nothing");
    }
    watch(&stage, News::of(&journal), Some(LONG));
    watch(&stage, News::of(&journal), None);
    journal.close().unwrap();
    for (_, text) in stage.results(2) {
        assert_eq!(text.unwrap(), "closed");
    }
}

/// A source of which the system tells nothing.
struct Deaf {
    looks: AtomicUsize,
}

impl Source for Deaf {
    type Found = String;

    fn look(&self) -> untorn::Result<Option<String>> {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        Ok((looks == 5).then(|| "the sixth look".to_owned()))
    }

    fn wake_once(&self, _: Wake) -> Option<Duration> {
        Some(Duration::from_millis(2))
    }
}

#[test]
fn where_the_system_tells_nothing_it_is_looked_at_now_and_then() {
    let stage = Stage::new();
    let source = Deaf {
        looks: AtomicUsize::new(0),
    };
    stage
        .begin()
        .watch(source, WatchOrder::new(), None, |found| found.unwrap());
    assert_eq!(stage.result().unwrap(), "the sixth look");
}

const EAGAIN: i32 = 11;

#[test]
fn where_no_thread_can_be_started_waits_are_refused_and_reads_are_done() {
    if !alone(
        module_path!(),
        "where_no_thread_can_be_started_waits_are_refused_and_reads_are_done",
    ) {
        return;
    }
    let plan = Plan::new().fail_every(Op::StartThread, EAGAIN);
    let ((), calls) = plan.run(|| {
        let (stage, scene) = (Stage::new(), Scene::new());
        for order in [file("f"), Order::Handle("h".into()), Order::Unordered] {
            stage.run(order, |_| unreachable!("it had no thread"));
            let error = stage.error();
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert_eq!(error.raw_os_error(), Some(os_code(EAGAIN)));
            assert!(error.to_string().contains("no thread"), "{error}");
        }
        let here = std::thread::current().id();
        for order in [Order::Step("s".into()), Order::Read, Order::Immediate] {
            stage.run(order, move |_| {
                assert_eq!(std::thread::current().id(), here);
                Ok("done".to_owned())
            });
            assert_eq!(stage.result().unwrap(), "done");
        }
        let journal = scene::journal(&scene.path("j"));
        watch(&stage, News::of(&journal), None);
        assert_eq!(stage.error().kind(), ErrorKind::Io);
    });
    assert!(calls.contains(&Op::StartThread));
    // It was for that moment only.
    let stage = Stage::new();
    stage.run(file("f"), |_| Ok("later".to_owned()));
    assert_eq!(stage.result().unwrap(), "later");
}

/// The pool's only thread does all, keeps the time, and waits for nothing.
#[test]
fn where_one_thread_can_be_started_all_is_queued() {
    if !alone(
        module_path!(),
        "where_one_thread_can_be_started_all_is_queued",
    ) {
        return;
    }
    let (stage, scene) = (Stage::new(), Scene::new());
    let plan = Plan::new().fail_every(Op::StartThread, EAGAIN);
    let ((), _) = plan.run(|| {
        for n in 0..300 {
            stage.run(file(&n.to_string()), move |_| Ok(n.to_string()));
        }
        let journals: Vec<_> = (0..200)
            .map(|n| scene::journal(&scene.path(&n.to_string())))
            .collect();
        for journal in &journals {
            watch(&stage, News::of(journal), None);
        }
        stage.begin().watch(
            Deaf {
                looks: AtomicUsize::new(0),
            },
            WatchOrder::new(),
            None,
            |found| found.unwrap(),
        );
        for journal in &journals {
            journal.append(b"[1]").unwrap();
        }
        for (_, text) in stage.results(501) {
            text.unwrap();
        }
    });
}
