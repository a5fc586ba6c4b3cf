//! The harness' floor: the smallest proxy that passes an answer on, without translation, ledger or
//! receipts. What it costs says how fast the machine is at this moment.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{
    mock::{Mock, free_port},
    served::{cpu_us, harness},
};

/// The floor at work; ended when dropped.
pub(crate) struct Floor {
    child: Child,
    pub(crate) base: String,
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Floor {
    /// Starts it in front of the mock.
    pub(crate) fn start(mock: &Mock) -> Self {
        let port = free_port();
        let upstream = mock.base.trim_start_matches("http://");
        let child = Command::new(harness())
            .args(["floor", "--port", &port.to_string()])
            .args(["--upstream", upstream])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the floor starts");
        std::thread::sleep(Duration::from_millis(500));
        Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Returns the processor time it has used, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        cpu_us(self.child.id())
    }
}
