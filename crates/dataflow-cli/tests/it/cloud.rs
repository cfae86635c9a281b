//! Object stores and Google Sheets from the command line, and what a build without them says.

#[cfg(not(all(feature = "google-sheets", feature = "object-stores")))]
#[test]
fn a_build_without_them_names_the_feature() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, feature) in [
        (["compare", "s3://logs/access.log"], "object-stores"),
        (["ingest", "gs://logs/2026/"], "object-stores"),
        (["compare", "sheets:abc"], "google-sheets"),
        (["compare", "--sheet=sheets:abc?range=results"], "google-sheets"),
    ] {
        let output = crate::run(folder.path(), &arguments);
        let message = crate::stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(&format!("build it with the cargo feature `{feature}`")), "{message}");
    }
}

#[cfg(feature = "google-sheets")]
mod sheets {
    use std::fs;

    use serde_json::{Value, json};

    use crate::server::{Request, Server, reply};
    use crate::{run, stderr, stdout};

    /// Made for tests; it opens nothing.
    const KEY: &str = include_str!("../../../dataflow-remote/tests/it/service_account_key.pem");

    /// Six hours of minutes, and a place for results that is not there yet.
    fn answer(request: &Request) -> Value {
        if request.path() == "/token" {
            return json!({"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600});
        }
        assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
        if request.path().contains("/values/") && request.line.starts_with("GET") {
            let minute = |minute: i32| json!([34881.0 + f64::from(minute) / 1440.0, 1_000 + minute * 37 % 500]);
            let rows: Vec<Value> = std::iter::once(json!(["time", "requests"])).chain((0..360).map(minute)).collect();
            return json!({"values": rows});
        }
        json!({"properties": {"timeZone": "Europe/Berlin"}, "sheets": [{"properties": {"title": "Load"}}]})
    }

    #[test]
    fn a_sheet_is_compared_and_the_costs_are_added_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let server =
            Server::new(|request, stream| reply(stream, "200 OK", &[], answer(request).to_string().as_bytes()));
        fs::create_dir(folder.join("secret")).expect("made");
        let token = server.url("/token");
        let key =
            json!({"type": "service_account", "private_key": KEY, "client_email": "me@example", "token_uri": token});
        fs::write(folder.join("secret/ggsheet_credentials.json"), key.to_string()).expect("written");
        let variables = format!("GOOGLE_SHEET_ID=abc\nGOOGLE_SHEETS_URL={}\n", server.url(""));
        fs::write(folder.join(".env"), variables).expect("written");
        let arguments = ["compare", "sheets:?range=Load", "--policies", "fixed,reactive", "--sheet"];
        let table = stdout(folder, &[&arguments[..], &["sheets:?range=results"]].concat());
        assert!(table.contains("sheets:?range=Load") && table.contains("1995-06-30T22:00:00Z"), "{table}");
        let requests = server.requests();
        let added = requests.iter().find(|request| request.path().contains(":append")).expect("rows are added");
        let added: Value = serde_json::from_str(&added.body).expect("JSON");
        let rows = added["values"].as_array().expect("rows");
        assert_eq!(rows.len(), 3, "names and two policies");
        assert_eq!(
            (&rows[0][2], &rows[1][2], &rows[2][1]),
            (&json!("policy"), &json!("fixed"), &json!("sheets:?range=Load"))
        );
        assert!(rows[1][3].as_f64().is_some_and(|cost| cost > 0.0), "costs are numbers");
        let refused = run(folder, &["compare", "sheets:?range=Lood"]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains("did you mean Load?") && !stderr(&refused).contains("t0ken"));
    }
}
