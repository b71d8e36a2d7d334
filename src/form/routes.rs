//! The form over HTTP: pages for browsers that run no script. Whatever is typed comes in the body of a POST.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tabir_crypto::Code;
use tabir_crypto::receipt::Receipt;

use super::Form;
use super::fields::{Asked, Fields, Report, What, new_once};
use super::pages::{self, View};
use super::service::Found;
use super::trouble::{Trouble, explain};
use super::words::{Language, fill, of_tag, t};
use crate::http::form::{FormError, read};
use crate::http::openapi::{OpenApiRouter, routes};
use crate::page::routes::with_headers;
use crate::sealing::Refusal;

/// Where the form begins.
pub const BASE: &str = "/form";
/// No script at all, from nowhere; the style and the icon of this server; forms that go to it alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// The largest body that is read: a text far beyond the limit comes back to be shortened.
const MAX_BODY: usize = 1 << 20;
/// The longest receipt that is looked at: nine words with many blanks.
const MAX_RECEIPT: usize = 500;
/// The page's own style, and what the form needs beside it.
const STYLE: &str = concat!(include_str!("../../web/src/page/style.css"), "\n", include_str!("form.css"));
/// The page's icon: it says nothing.
const ICON: &str = include_str!("../../web/src/page/icon.svg");

type Shared = State<Arc<Form>>;

/// Not compressed: a receipt and what somebody else may have chosen stand in one page, whose length would tell of it.
pub fn router(form: Arc<Form>) -> OpenApiRouter {
    let router = OpenApiRouter::default()
        .routes(routes!(first))
        .routes(routes!(start))
        .routes(routes!(show, send))
        .routes(routes!(write))
        .routes(routes!(style))
        .routes(routes!(icon))
        .with_state(form);
    with_headers(router, POLICY)
}

fn page(status: u16, html: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn nothing(form: &Form, l: Language) -> Response {
    page(404, pages::said(l, form.demo(), &t(l, "trouble.nothing")))
}

/// The first page, in Indonesian.
#[utoipa::path(get, path = "/form", tag = "form", operation_id = "form_first", responses(
    (status = 200, content_type = "text/html", body = String, description = "the page"),
))]
async fn first(State(form): Shared) -> Response {
    page(200, pages::start(Language::Id, form.demo()))
}

/// The first page.
#[utoipa::path(get, path = "/form/{language}", tag = "form", operation_id = "form_start",
    params(("language" = String, Path, description = "`id` or `en`")),
    responses(
        (status = 200, content_type = "text/html", body = String, description = "the page"),
        (status = 404, content_type = "text/html", body = String, description = "no such language"),
))]
async fn start(State(form): Shared, Path(tag): Path<String>) -> Response {
    match of_tag(&tag) {
        Some(l) => page(200, pages::start(l, form.demo())),
        None => nothing(&form, Language::Id),
    }
}

/// The fields of a report, those of a receipt, or the empty page of the quick exit.
#[utoipa::path(get, path = "/form/{language}/{page}", tag = "form", operation_id = "form_show",
    params(
        ("language" = String, Path, description = "`id` or `en`"),
        ("page" = String, Path, description = "`report`, `case` or `exit`"),
    ),
    responses(
        (status = 200, content_type = "text/html", body = String, description = "the page"),
        (status = 404, content_type = "text/html", body = String, description = "no such page"),
))]
async fn show(State(form): Shared, Path((tag, name)): Path<(String, String)>) -> Response {
    let Some(l) = of_tag(&tag) else { return nothing(&form, Language::Id) };
    match name.as_str() {
        "report" => report_page(&form, l, 200, &Report::of(&Fields::new(Vec::new())), &[]),
        "case" => page(200, pages::back(l, form.demo(), "", &[])),
        "exit" => {
            let mut left = page(200, pages::exit(l));
            let all = HeaderValue::from_static("\"cache\", \"storage\"");
            left.headers_mut().insert(HeaderName::from_static("clear-site-data"), all);
            left
        }
        _ => nothing(&form, l),
    }
}

/// A report, which is sealed as it arrives; or a receipt, whose case is shown. Nothing of either stands in an address.
#[utoipa::path(post, path = "/form/{language}/{page}", tag = "form", operation_id = "form_send",
    params(
        ("language" = String, Path, description = "`id` or `en`"),
        ("page" = String, Path, description = "`report` or `case`"),
    ),
    request_body(content = std::collections::HashMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, content_type = "text/html", body = String, description = "the receipt, or the case"),
        (status = 400, content_type = "text/html", body = String, description = "what is wrong, with everything that was typed"),
        (status = 404, content_type = "text/html", body = String, description = "no such page, or no such case"),
        (status = 413, content_type = "text/html", body = String, description = "too long"),
        (status = 415, content_type = "text/html", body = String, description = "not a form"),
        (status = 503, content_type = "text/html", body = String, description = "come again, with everything that was typed"),
))]
async fn send(State(form): Shared, Path((tag, name)): Path<(String, String)>, request: Request) -> Response {
    let Some(l) = of_tag(&tag) else { return nothing(&form, Language::Id) };
    let fields = match fields(&form, l, request).await {
        Ok(fields) => fields,
        Err(refused) => return refused,
    };
    match name.as_str() {
        "report" => report(&form, l, &fields).await,
        "case" => match receipt(l, &fields) {
            Ok(receipt) => case_page(&form, l, &receipt, None, None).await,
            Err(trouble) => page(400, pages::back(l, form.demo(), &typed_receipt(&fields), &[trouble])),
        },
        _ => nothing(&form, l),
    }
}

/// An answer, a message, a rating, a dispute, or the erasure of a case, with its receipt.
#[utoipa::path(post, path = "/form/{language}/case/{what}", tag = "form", operation_id = "form_write",
    params(
        ("language" = String, Path, description = "`id` or `en`"),
        ("what" = String, Path, description = "`answer`, `message`, `rating`, `dispute` or `erase`"),
    ),
    request_body(content = std::collections::HashMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, content_type = "text/html", body = String, description = "the case, and that it was done"),
        (status = 400, content_type = "text/html", body = String, description = "what is wrong, with everything that was typed"),
        (status = 404, content_type = "text/html", body = String, description = "nothing of this name, or no such case"),
        (status = 409, content_type = "text/html", body = String, description = "the case has changed meanwhile"),
        (status = 413, content_type = "text/html", body = String, description = "too long"),
        (status = 415, content_type = "text/html", body = String, description = "not a form"),
        (status = 503, content_type = "text/html", body = String, description = "come again, with everything that was typed"),
))]
async fn write(State(form): Shared, Path((tag, name)): Path<(String, String)>, request: Request) -> Response {
    let Some(l) = of_tag(&tag) else { return nothing(&form, Language::Id) };
    let Some(what) = What::of(&name) else { return nothing(&form, l) };
    let fields = match fields(&form, l, request).await {
        Ok(fields) => fields,
        Err(refused) => return refused,
    };
    let receipt = match receipt(l, &fields) {
        Ok(receipt) => receipt,
        Err(trouble) => return page(400, pages::back(l, form.demo(), &typed_receipt(&fields), &[trouble])),
    };
    let asked = Asked::of(what, &fields);
    let wrong = Form::check_asked(l, &asked);
    if !wrong.is_empty() {
        return case_page(&form, l, &receipt, Some((asked, 400, wrong)), None).await;
    }
    match form.write(&receipt, &asked).await {
        Ok(()) => case_page(&form, l, &receipt, None, Some(what)).await,
        Err(refusal) => {
            let (status, trouble) = explain(l, &form, &refusal);
            case_page(&form, l, &receipt, Some((asked, status, vec![trouble])), None).await
        }
    }
}

/// The style.
#[utoipa::path(get, path = "/form/style.css", tag = "form", operation_id = "form_style", responses(
    (status = 200, content_type = "text/css", body = String, description = "the style"),
))]
async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// The icon.
#[utoipa::path(get, path = "/form/icon.svg", tag = "form", operation_id = "form_icon", responses(
    (status = 200, content_type = "image/svg+xml", body = String, description = "the icon"),
))]
async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

/// The fields that were sent, or the page that says why there are none.
async fn fields(form: &Form, l: Language, request: Request) -> Result<Fields, Response> {
    let said = |status, key| page(status, pages::said(l, form.demo(), &t(l, key)));
    match read(request, MAX_BODY).await {
        Ok(pairs) => Ok(Fields::new(pairs)),
        Err(FormError::TooLong) => Err(said(413, "trouble.huge")),
        Err(FormError::Kind) => Err(said(415, "trouble.form")),
    }
}

fn report_page(form: &Form, l: Language, status: u16, report: &Report, troubles: &[Trouble]) -> Response {
    match form.host.categories() {
        Ok(categories) => {
            let needed = form.config.stock == 0;
            page(status, pages::report(l, form.demo(), needed, &categories, report, troubles))
        }
        Err(_) => page(503, pages::said(l, form.demo(), &t(l, "trouble.policy"))),
    }
}

async fn report(form: &Form, l: Language, fields: &Fields) -> Response {
    let report = Report::of(fields);
    // The other language's button: nothing is sent on, and nothing is wrong yet.
    if fields.has("look") {
        return report_page(form, l, 200, &report, &[]);
    }
    let wrong = form.check(l, &report);
    if !wrong.is_empty() {
        return report_page(form, l, 400, &report, &wrong);
    }
    match form.report(l, &report).await {
        Ok(sent) => page(200, pages::receipt(l, form.demo(), &sent)),
        Err(refusal) => {
            let (status, trouble) = explain(l, form, &refusal);
            report_page(form, l, status, &report, &[trouble])
        }
    }
}

/// What was typed as a receipt, where it is short enough to be one.
fn typed_receipt(fields: &Fields) -> String {
    Some(fields.text("receipt")).filter(|typed| typed.len() <= MAX_RECEIPT).unwrap_or_default()
}

/// A receipt, or which of its words is mistyped.
fn receipt(l: Language, fields: &Fields) -> Result<Receipt, Trouble> {
    Receipt::parse(&typed_receipt(fields)).map_err(|error| match (error.code(), error.culprit()) {
        (Code::Groups, _) => Trouble::of(l, "back.groups", "receipt"),
        (_, Some(n)) => {
            let text = fill(l, "back.group", &[("n", &n.to_string())]);
            Trouble { field: Some("receipt"), text }
        }
        _ => Trouble::of(l, "back.wrong", "receipt"),
    })
}

/// The case as it is now, with what was done, or what could not be done and why.
async fn case_page(
    form: &Form,
    l: Language,
    receipt: &Receipt,
    failed: Option<(Asked, u16, Vec<Trouble>)>,
    done: Option<What>,
) -> Response {
    let code = receipt.text();
    let found = match form.read(receipt).await {
        Ok(found) => found,
        Err(refusal) => {
            let (status, mut trouble) = explain(l, form, &refusal);
            if matches!(refusal, Refusal::Gateway(_)) {
                trouble.field = Some("receipt");
            }
            return page(status, pages::back(l, form.demo(), code.expose(), &[trouble]));
        }
    };
    let failed = failed.map(|(asked, status, troubles)| (fitting(asked, &found), status, troubles));
    let status = failed.as_ref().map_or(200, |(_, status, _)| *status);
    let new = new_once();
    let view = View {
        l,
        receipt: code.expose(),
        // The same again is the same write; after one that was done, the next is another.
        once: failed.as_ref().map_or(new.as_str(), |(asked, _, _)| asked.once.as_str()),
        now: form.host.setup().clock.now(),
        needed: form.config.stock == 0,
        asked: failed.as_ref().map(|(asked, _, troubles)| (asked, troubles.as_slice())),
        done,
    };
    page(status, pages::case(&view, form.demo(), &found))
}

/// A text whose place in the page is gone stands in the other one: an answer whose question was answered elsewhere, a
/// message where a question came in between.
fn fitting(asked: Asked, found: &Found) -> Asked {
    let what = match (asked.what, found.case.open_question().is_some()) {
        (What::Answer, false) => What::Message,
        (What::Message, true) => What::Answer,
        (what, _) => what,
    };
    Asked { what, ..asked }
}
