use valor::*;

#[vlugin]
pub async fn on_request(_request: http::Request) -> u8 {
    1
}

fn main() {}
