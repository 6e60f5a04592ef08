use valor::*;

#[vlugin]
pub async fn handle(_request: http::Request) -> &'static str {
    "OK"
}

#[vlugin]
struct Plugin;

fn main() {}
