//! The valor daemon: supervises sandboxed plugins and serves them under one HTTP API.

pub mod app;
pub mod config;
pub mod control;
pub mod egress;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod link;
pub mod logging;
pub mod plane;
pub mod plugin;
pub mod routes;
pub mod store;
pub mod supervisor;
pub mod sys;
pub mod web;
