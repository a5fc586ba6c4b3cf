//! The screen: what an agent looks at all day. Sees no door; acts through the desk.
