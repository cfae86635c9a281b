//! `dataflow data`: named data sets of others, fetched once and read as `data:NAME`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dataflow_remote::data_set::{self, ALL, DataSet, Event, FetchError, FetchOptions, Fetched, Folder};
use dataflow_remote::{Patience, Variables};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Format};
use crate::progress::Progress;
use crate::quantity::grouped;
use crate::table::Table;

/// List and fetch named data sets, which are then read as data:NAME
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow data list\n  \
    dataflow data fetch nasa-jul95\n  \
    dataflow compare data:nasa-jul95 --time-zone America/New_York")]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every data set: what it is, its size, licence, checksum and source, and whether it was fetched
    #[command(after_help = "Example:\n  dataflow data list --format json")]
    List {
        /// How the list is printed
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        folder: FolderArgument,
    },
    /// Fetch data sets; what was received before an interruption is gone on with
    ///
    /// The checksum of the content is compared where it is known. A proxy is told by HTTPS_PROXY, HTTP_PROXY and
    /// NO_PROXY, certificates to trust by SSL_CERT_FILE; the Hugging Face hub by HF_ENDPOINT, and who asks it by HF_TOKEN.
    #[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
    #[command(after_help = "Examples:\n  \
        dataflow data fetch nasa-jul95 nasa-aug95\n  \
        dataflow data fetch nasa-jul95 --mirror https://mirror.example/traces")]
    Fetch {
        /// Names of data sets, as `dataflow data list` shows them
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
        /// Address below which the file is, instead of where it usually is
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// Fetch once more what is there already
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        folder: FolderArgument,
    },
    /// Print the path of a data set that was fetched
    #[command(after_help = "Example:\n  zcat \"$(dataflow data path nasa-jul95)\" | head")]
    Path {
        /// The name of the data set
        name: String,
        #[command(flatten)]
        folder: FolderArgument,
    },
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
struct FolderArgument {
    /// Folder of all data sets [default: DATAFLOW_DATA_DIR, else dataflow in the user's folder for data]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl FolderArgument {
    fn open(&self, variables: &Variables) -> Result<Folder, Failure> {
        match &self.folder {
            Some(folder) => Ok(Folder::at(folder)),
            None => Folder::of_user(variables).map_err(Failure::Input),
        }
    }
}

/// Lists, fetches or finds data sets.
///
/// # Errors
/// When there is no such data set, or it cannot be fetched.
pub(crate) fn run(arguments: &DataArguments, quiet: bool) -> Result<(), Failure> {
    let variables = Variables::read();
    match &arguments.action {
        Action::List { format, folder } => list(&folder.open(&variables)?, *format),
        Action::Fetch { names, mirror, force, folder } => {
            let sets: Vec<&DataSet> = names.iter().map(|name| named(name)).collect::<Result<_, _>>()?;
            let options = FetchOptions { mirror: mirror.clone(), force: *force, patience: Patience::default() };
            let folder = folder.open(&variables)?;
            sets.into_iter().try_for_each(|set| fetch(set, &folder, &variables, &options, quiet))
        }
        Action::Path { name, folder } => {
            let set = named(name)?;
            let path = folder.open(&variables)?.fetched_path(set);
            let path = path.map_err(|problem| Failure::Input(format!("{}: {problem}", set.name)))?;
            output::print(&format!("{}\n", path.display()))
        }
    }
}

fn named(name: &str) -> Result<&'static DataSet, Failure> {
    DataSet::named(name).map_err(Failure::Input)
}

/// Fetches one data set, with a bar.
fn fetch(
    set: &DataSet,
    folder: &Folder,
    variables: &Variables,
    options: &FetchOptions,
    quiet: bool,
) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    let bar = progress.bytes("fetching");
    let tell = |event: Event<'_>| match event {
        Event::Receiving { received, total } => bar.begin(received, total),
        Event::Received { bytes } => bar.add(bytes),
        Event::Checking => bar.say("checking"),
        Event::Waiting { problem, wait } if !quiet => {
            let seconds = wait.as_secs_f64();
            bar.above(|| output::warn(&format!("{}: {problem}; another attempt in {seconds} s", set.name)));
        }
        Event::Waiting { .. } => {}
    };
    let fetched = data_set::fetch(set, folder, variables, options, &tell);
    drop(bar);
    let fetched = fetched.map_err(|error| match error {
        FetchError::Usage(message) => Failure::Input(message),
        FetchError::Failed(message) => Failure::Work(message),
    })?;
    if !quiet {
        output::note(&told(set, folder, fetched.as_ref()));
    }
    Ok(())
}

/// What a fetch did, in a sentence.
fn told(set: &DataSet, folder: &Folder, fetched: Option<&Fetched>) -> String {
    let path = folder.path(set);
    let Some(fetched) = fetched else {
        return format!("{} is in {} already; --force fetches it once more", set.name, path.display());
    };
    let check = match set.sha256 {
        Some(_) => "its SHA-256 is the one known".to_owned(),
        None => format!("no checksum is known to compare with; its SHA-256 is {}", fetched.sha256),
    };
    format!(
        "{} is in {}: {} lines, {} bytes unpacked; {check}. Read it as data:{}",
        set.name,
        path.display(),
        grouped(fetched.lines as f64),
        grouped(fetched.unpacked_bytes as f64),
        set.name
    )
}

/// A data set as programs are told it.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    set: &'static DataSet,
    address: String,
    /// Why this build cannot fetch it, where it cannot.
    needs_feature: Option<&'static str>,
    path: String,
    is_fetched: bool,
    fetched: Option<Fetched>,
}

const COLUMNS: [&str; 8] = ["name", "what", "unpacked bytes", "lines", "SHA-256", "licence", "source", "fetched"];

fn list(folder: &Folder, format: Format) -> Result<(), Failure> {
    const SETS: &[DataSet] = &ALL;
    let listed: Vec<Listed> = SETS
        .iter()
        .map(|set| Listed {
            set,
            address: set.address(),
            needs_feature: set.lacks_feature().then_some("hub"),
            path: folder.path(set).display().to_string(),
            is_fetched: folder.fetched_path(set).is_ok(),
            fetched: folder.record(set),
        })
        .collect();
    let text = match format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&listed).map_err(|error| Failure::Work(error.to_string()))?;
            format!("{json}\n")
        }
        Format::Csv => csv_of(&listed)?,
        Format::Markdown => table_of(&listed).markdown(),
        Format::Table => {
            let mut text = listed.iter().map(described).collect::<Vec<_>>().join("\n");
            text.push_str("\n`dataflow data fetch NAME` fetches one; then `dataflow compare data:NAME` reads it.\n");
            text
        }
    };
    output::print(&text)
}

/// What is known of the content: of what was fetched where there is no word of the source.
fn facts(listed: &Listed) -> [String; 3] {
    let number = |known: Option<u64>, found: Option<u64>| {
        known.or(found).map_or_else(|| "unknown".to_owned(), |number| grouped(number as f64))
    };
    let found = listed.fetched.as_ref();
    let sha256 = match (listed.set.sha256, found) {
        (Some(known), _) => known.to_owned(),
        (None, Some(found)) => format!("none known to compare with; that of what was fetched is {}", found.sha256),
        (None, None) => "none known to compare with".to_owned(),
    };
    [
        number(listed.set.unpacked_bytes, found.map(|found| found.unpacked_bytes)),
        number(listed.set.lines, found.map(|found| found.lines)),
        sha256,
    ]
}

fn state(listed: &Listed) -> String {
    match (listed.is_fetched, listed.needs_feature) {
        (true, _) => listed.path.clone(),
        (false, Some(feature)) => format!("no; needs the cargo feature `{feature}`, or --mirror"),
        (false, None) => "no".to_owned(),
    }
}

/// A paragraph for people.
fn described(listed: &Listed) -> String {
    let [bytes, lines, sha256] = facts(listed);
    let set = listed.set;
    format!(
        "{}\n  what      {}\n  size      {bytes} bytes unpacked, {lines} lines\n  SHA-256   {sha256}\n  licence   {}\n  \
         source    {}, {}\n  fetched   {}\n",
        set.name,
        set.title,
        set.licence,
        set.source,
        listed.address,
        state(listed)
    )
}

fn cells(listed: &Listed) -> Vec<String> {
    let [bytes, lines, sha256] = facts(listed);
    let set = listed.set;
    let texts = [set.name, set.title, &bytes, &lines, &sha256, set.licence];
    let source = format!("{}, {}", set.source, listed.address);
    texts.into_iter().map(str::to_owned).chain([source, state(listed)]).collect()
}

fn table_of(listed: &[Listed]) -> Table {
    let mut table = Table::new(COLUMNS);
    for one in listed {
        table.push(&cells(one));
    }
    table
}

fn csv_of(listed: &[Listed]) -> Result<String, Failure> {
    let wrong = |error: String| Failure::Work(error);
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(COLUMNS).map_err(|error| wrong(error.to_string()))?;
    for one in listed {
        rows.write_record(cells(one)).map_err(|error| wrong(error.to_string()))?;
    }
    let bytes = rows.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}
