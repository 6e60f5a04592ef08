use valor::*;

#[vlugin]
pub async fn on_create(_cx: &mut Context) {}

fn main() {}
