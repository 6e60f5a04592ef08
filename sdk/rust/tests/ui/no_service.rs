use valor::*;

#[vlugin]
pub fn service(_cx: &Context) -> String {
    String::new()
}

fn main() {}
