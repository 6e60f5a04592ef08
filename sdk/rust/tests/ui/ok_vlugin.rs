use valor::*;

#[vlugin]
pub fn plugin() -> impl Vlugin {
    h(|request: http::Request, _cx: &Context| async move { Ok(http::Response::from(request.url().path().to_owned())) })
}

fn main() {
    assert_eq!(test::start(vlugin(), ()).get("/there").text(), "/there");
}
