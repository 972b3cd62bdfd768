//! WebSockets: the upgrade of a request, and a socket that numbers its frames, asks whether its client is still there,
//! and ends with a reason.

mod protocol;
mod socket;
mod upgrade;

pub use protocol::bearer;
pub use socket::{End, INCOMING_BYTES_MAX, Socket, bounds};
pub use upgrade::Upgrade;
