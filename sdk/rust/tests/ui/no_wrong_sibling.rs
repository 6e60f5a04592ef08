use valor::*;

pub async fn on_create(_cx: &mut Context) -> u8 {
    1
}

#[vlugin]
pub async fn on_request(_request: http::Request) -> &'static str {
    "OK"
}

fn main() {}
