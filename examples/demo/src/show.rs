//! The show itself: start all, kill some, replace them, wait for the rest.

use super::crew::{Event, Member, Task};
use super::table::grouped;
use super::transcript::{Random, Transcript};
use super::{Language, OnInterrupt, Options};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a writer may take to finish its last call once time is up.
const GRACE: Duration = Duration::from_secs(60);

/// How much longer than asked the show goes on until a writer of each language has
/// appended and was killed: on a busy machine an interpreter takes seconds to start.
const OVERTIME: Duration = Duration::from_secs(120);

pub struct Played {
    pub members: Vec<Member>,
    pub faults: Vec<String>,
    /// From the start of the first writer to the word that ended them.
    pub lasted: Duration,
}

struct Show<'a> {
    task: &'a Task,
    languages: &'a [Language],
    records: usize,
    members: Vec<Member>,
    faults: Vec<String>,
    random: Random,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

pub fn play(
    task: &Task,
    languages: &[Language],
    options: &Options,
    transcript: &Transcript,
    on_interrupt: &OnInterrupt,
) -> Result<Played> {
    let (sender, events) = channel();
    let interrupted = sender.clone();
    on_interrupt(Box::new(move || {
        let _ = interrupted.send(Event::Interrupted);
    }));
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
    let mut show = Show {
        task,
        languages,
        records: transcript.fingerprints.len(),
        members: Vec::new(),
        faults: Vec::new(),
        // When the kills come is meant to differ from run to run.
        random: Random::new(seed),
        sender,
        events,
    };
    let began = Instant::now();
    for writer in 0..options.writers as usize {
        show.start(writer % languages.len())?;
    }
    show.kill_and_replace(began, Duration::from_secs(options.seconds))?;
    let lasted = began.elapsed();
    std::fs::write(task.stop(), "")?;
    show.finish()?;
    Ok(Played {
        members: show.members,
        faults: show.faults,
        lasted,
    })
}

impl Show<'_> {
    fn start(&mut self, language: usize) -> Result<()> {
        let how = &self.languages[language];
        let nth = self.members.iter().filter(|m| m.language == language);
        let name = format!("{}-{}", how.name, nth.count() + 1);
        let start = self.random.below(self.records);
        let number = self.members.len();
        let member = Member::start(
            number,
            (language, how),
            name,
            start,
            self.task,
            &self.sender,
        )?;
        self.members.push(member);
        Ok(())
    }

    /// Until shortly before the end, so that others append after the last kill; longer
    /// if a language has not had its turn.
    fn kill_and_replace(&mut self, began: Instant, length: Duration) -> Result<()> {
        let bar = bar(length);
        let last_kill = length
            .mul_f64(0.8)
            .min(length - Duration::from_millis(1500));
        let mut next_kill = self.pause();
        let mut turn = 0;
        loop {
            let now = began.elapsed();
            let waiting = self.languages_without_a_kill();
            if now >= length && (waiting.is_empty() || now >= length + OVERTIME) {
                break;
            }
            bar.set_position(now.as_millis().min(length.as_millis()) as u64);
            bar.set_message(self.message());
            if now >= next_kill {
                next_kill = now + self.pause();
                if now < last_kill {
                    self.kill_one_of(turn % self.languages.len())?;
                    turn += 1;
                } else if let Some(&language) = waiting.first() {
                    self.kill_one_of(language)?;
                }
            }
            // Often enough for the bar to move and the kills to be on time.
            match self.events.recv_timeout(Duration::from_millis(20)) {
                Ok(Event::Interrupted) => self.interrupted()?,
                Ok(Event::Ended(number)) => self.ended(number)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if !self.faults.is_empty() {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn languages_without_a_kill(&self) -> Vec<usize> {
        let killed = |language: usize| {
            let mut ours = self.members.iter().filter(|m| m.language == language);
            ours.any(|m| m.killed && m.appended() > 0)
        };
        (0..self.languages.len()).filter(|&l| !killed(l)).collect()
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(100 + self.random.below(250) as u64)
    }

    /// A writer that has not appended yet is spared: it would prove nothing.
    fn kill_one_of(&mut self, language: usize) -> Result<()> {
        let candidates: Vec<usize> = (0..self.members.len())
            .filter(|&i| {
                let member = &self.members[i];
                member.language == language && member.is_running() && member.appended() > 0
            })
            .collect();
        if candidates.is_empty() {
            return Ok(());
        }
        let victim = candidates[self.random.below(candidates.len())];
        let fault = self.members[victim].kill()?;
        self.faults.extend(fault);
        self.start(language)
    }

    fn ended(&mut self, number: usize) -> Result<()> {
        let fault = self.members[number].wait()?;
        self.faults.extend(fault);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let deadline = Instant::now() + GRACE;
        while self.members.iter().any(Member::is_running) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Interrupted) => self.interrupted()?,
                Ok(Event::Ended(number)) => self.ended(number)?,
                Err(_) => {
                    let stuck = self.members.iter().filter(|m| m.is_running());
                    let names: Vec<&str> = stuck.map(|m| m.name.as_str()).collect();
                    let names = names.join(", ");
                    bail!("still running {} s after the end: {names}", GRACE.as_secs());
                }
            }
        }
        for language in self.languages_without_a_kill() {
            // The check would pass without having checked anything.
            let name = self.languages[language].name;
            self.faults.push(format!(
                "no writer in {name} appended and was killed: try more --seconds"
            ));
        }
        Ok(())
    }

    fn interrupted(&mut self) -> Result<()> {
        self.members.clear();
        bail!("interrupted; the writers were ended")
    }

    fn message(&self) -> String {
        let appended: u64 = self.members.iter().map(Member::appended).sum();
        let killed = self.members.iter().filter(|m| m.killed).count();
        format!(
            "{} appends acknowledged, {killed} writers killed",
            grouped(appended)
        )
    }
}

fn bar(length: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length.as_millis() as u64).with_style(style)
}

/// The bar while the journal is checked, which for a fast machine is a long one.
pub fn reading(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:30} {bytes} of {total_bytes} read by a plain JSON reader",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}
