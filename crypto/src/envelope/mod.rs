//! The sealed identity: an inner envelope to the council inside an outer one to the warden.
