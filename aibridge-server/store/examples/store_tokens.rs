//! Creates two access tokens in a temporary store, and revokes one, as the command line does. Then authenticates their
//! bearers, as a gateway does.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_store::{Options, Store, StoreError, StoreOptions, Tokens};
use secrecy::SecretString;
use std::error::Error;
use std::time::Duration;

async fn authenticate(options: StoreOptions, presented: &[SecretString]) -> Result<(), StoreError> {
    let store = Store::open(options).await?;
    store.probe(Duration::from_secs(5)).await?;
    for token in presented {
        match store.authenticate(token).await? {
            Some(bearer) => println!("admitted: {}, groups {:?}", bearer.user, bearer.groups),
            None => println!("refused"),
        }
    }
    store.close().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let options = StoreOptions::from(&Options::new(directory.path().join("aibridge.db")));

    let tokens = Tokens::open(options.clone())?;
    let day = Duration::from_secs(24 * 60 * 60);
    let (_, of_ada) = tokens.create_member("ada", &["research".to_owned()], Some(day), false)?;
    let (row, of_bob) = tokens.create("bob", None)?;
    tokens.revoke(row.id)?;
    for row in tokens.list()? {
        println!("{} {}: expires {:?}, revoked {:?}", row.user, row.hint, row.expires_at, row.revoked_at);
    }
    let unknown = SecretString::from("aib_unknown");
    tokio::runtime::Runtime::new()?.block_on(authenticate(options, &[of_ada, of_bob, unknown]))?;
    Ok(())
}
