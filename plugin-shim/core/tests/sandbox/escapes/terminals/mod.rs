//! A terminal that was left open: standard input is one in these tests.

mod console;
mod control;
mod discipline;
mod let_go;
mod other_end;
mod paste;
mod push_input;
mod settings;
mod size;

acts! {
    console
    control
    discipline
    let_go
    other_end
    paste
    push_input
    settings
    size
}
