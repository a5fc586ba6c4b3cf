//! Who holds money: a desk in a process of a machine, and the agent at it.
//!
//! A hold names its owner, so that another desk can tell whether it was left behind: a process of
//! this machine is looked up, one of another machine has until its lease runs out.

use std::fmt;

/// The owner of a hold, as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The machine since it was started, and the group of processes that see one another; `-`
    /// where the system does not say.
    machine: String,
    /// The process and when it began, so that a number used again is not taken for it.
    process: u32,
    began: u64,
    /// The desk in the process.
    desk: String,
    /// Whose drafts they are.
    pub agent: String,
}

/// What became of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is this desk.
    Us,
    /// Its process runs on this machine.
    Alive,
    /// Its process has ended.
    Dead,
    /// Another machine's: only the lease tells.
    Unknown,
}

impl Owner {
    /// Returns this process as an owner.
    pub(super) fn us(desk: &str, agent: &str) -> Self {
        let process = std::process::id();
        Self {
            machine: machine().unwrap_or_else(|| "-".to_owned()),
            process,
            began: began(process).unwrap_or(0),
            desk: desk.to_owned(),
            agent: agent.to_owned(),
        }
    }

    /// Reads an owner back; none for words of another kind.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = text.splitn(5, ' ');
        Some(Self {
            machine: words.next()?.to_owned(),
            process: words.next()?.parse().ok()?,
            began: words.next()?.parse().ok()?,
            desk: words.next()?.to_owned(),
            agent: words.next()?.to_owned(),
        })
    }

    /// Returns the number of its process.
    pub(super) const fn process(&self) -> u32 {
        self.process
    }

    /// Tells what became of it, as seen from the desk of that name.
    pub(super) fn fate(&self, desk: &str) -> Fate {
        if self.desk == desk {
            return Fate::Us;
        }
        if self.began == 0 || machine().as_ref() != Some(&self.machine) {
            return Fate::Unknown;
        }
        if began(self.process) == Some(self.began) {
            Fate::Alive
        } else {
            Fate::Dead
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            machine,
            process,
            began,
            desk,
            agent,
        } = self;
        write!(f, "{machine} {process} {began} {desk} {agent}")
    }
}

/// Names the machine since its start, and the space in which its process numbers are counted.
#[cfg(target_os = "linux")]
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), space.display()))
}

/// Returns when a process began, in ticks since the machine did; none when it is gone. One that
/// has ended and only waits to be noticed is gone too.
#[cfg(target_os = "linux")]
fn began(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in brackets and may hold anything.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    let state = fields.next()?;
    // The 22nd field of all; the state is the third.
    let began = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(began)
}

/// Elsewhere only leases tell.
#[cfg(not(target_os = "linux"))]
const fn machine() -> Option<String> {
    None
}

/// Elsewhere only leases tell.
#[cfg(not(target_os = "linux"))]
const fn began(_process: u32) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_back_with_its_agents_whole_name() {
        let owner = Owner::us("desk-1", "Maya Öz von X");

        assert_eq!(Owner::read(&owner.to_string()), Some(owner));
        assert_eq!(Owner::read("4711@1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_known_by_its_number_and_its_beginning() {
        let us = Owner::us("desk-1", "maya");
        let earlier = Owner {
            began: us.began - 1,
            ..us.clone()
        };
        let elsewhere = Owner {
            machine: "another/pid:[1]".to_owned(),
            ..us.clone()
        };

        assert_eq!(us.fate("desk-1"), Fate::Us);
        assert_eq!(us.fate("desk-2"), Fate::Alive);
        assert_eq!(earlier.fate("desk-2"), Fate::Dead);
        assert_eq!(elsewhere.fate("desk-2"), Fate::Unknown);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_was_killed_is_gone() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        assert!(began(child.id()).is_some());

        child.kill().unwrap();
        child.wait().unwrap();

        assert_eq!(began(child.id()), None);
    }
}
