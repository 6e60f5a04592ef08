use valor::*;

#[vlugin]
pub async fn on_create(_cx: &Context) {}

pub async fn on_request(_request: http::Request) -> &'static str {
    "OK"
}

fn main() {}
