//! The door to where tickets come from: files today; mailboxes and helpdesks behind the same types.
