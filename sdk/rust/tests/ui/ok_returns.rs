use valor::*;

mod json {
    use valor::*;

    #[derive(Debug)]
    pub struct Own;

    impl From<Own> for http::Error {
        fn from(_: Own) -> Self {
            http::Error::from_str(http::StatusCode::IM_A_TEAPOT, "own")
        }
    }

    #[allow(dead_code)]
    pub async fn on_request(_request: http::Request) -> Result<(http::StatusCode, http::Json<Vec<u8>>), Own> {
        Err(Own)
    }
}

#[vlugin]
pub async fn on_create(cx: &mut Context) -> Result<(), Box<dyn std::error::Error>> {
    cx.set::<u16>(cx.config::<String>()?.parse()?);
    Ok(())
}

pub async fn on_request(cx: &Context, request: http::Request) -> http::Result<String> {
    let _ = json::on_request;
    let number: u16 = request.url().path()[1..].parse()?;
    Ok(format!("{}", cx.get::<u16>() + number))
}

fn main() {
    let plugin = test::start(vlugin(), "40");
    assert_eq!(plugin.get("/2").text(), "42");
    assert_eq!(plugin.get("/x").status(), http::StatusCode::InternalServerError);
}
