//! The one binary.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    tabir::cli::main().await
}
