//! What the master answers on its port: who may call what ([`roles`]), and the translation
//! between the wire and the controller's own words. No decision is made here.

pub(crate) mod admin;
pub(crate) mod enroll;
pub mod roles;
pub(crate) mod work;

mod convert;
