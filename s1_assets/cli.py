"""`s1`: the command line. Each verb calls one function of the floors below and prints what it says."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s1_assets.errors import S1Error
from s1_assets.resources.terminal import inert

if TYPE_CHECKING:
    from s1_assets.automation.commands import RunOrder

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def _in_project(env_file: Path | None = None, load_env: bool = True, begin: bool | None = None) -> Iterator[None]:
    """Work in the project root; our own errors are one message on standard error and exit status 1, no traceback.

    Args:
        begin: If told, any folder will do where there is no project: one with a ledger, or, if true, one without too.
    """
    from s1_assets.resources.project import enter_project

    try:
        if begin is None:
            enter_project(env_file, load_env)
        else:
            from s1_assets.resources.anywhere import enter_project_or_folder

            enter_project_or_folder(begin)
        yield
    except S1Error as error:
        click.echo(f"s1: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo(
            "s1: interrupted; what was answered is in the ledger, and the same command goes on from here", err=True
        )
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="s1_assets")
def main() -> None:
    """Questions in, verified reasoning data sets out. A paid answer is paid once."""


def _about_a_run(verb: Callable[..., None]) -> Callable[..., None]:
    """Options that say what is made."""
    options = [
        click.option("--sources", metavar="A,B", help="Only these sources; default: all that are enabled."),
        click.option(
            "--select",
            "selection",
            default="s1k",
            show_default=True,
            help="A job, or a Dagster selection: 'raw_traces*' with all that follows.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            help="At most N questions per source: a seeded prefix of the full run.",
        ),
        click.option(
            "--set",
            "assignments",
            metavar="ASSET.FIELD=VALUE",
            multiple=True,
            help="An option of an asset; repeatable.",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            help="Options from a .json, .toml or .yaml file.",
        ),
        click.option("--env", "env_file", type=click.Path(path_type=Path), help="Read this file instead of .env."),
    ]
    for option in reversed(options):
        verb = option(verb)
    return verb


@main.command()
@_about_a_run
@click.option("--yes", is_flag=True, help="Agree beforehand to what the run costs.")
@click.option("--retry-failed", is_flag=True, help="Ask calls that failed for good once more.")
@AS_JSON
def run(env_file: Path | None, **typed: Any) -> None:
    """Make the graph for all enabled sources. Run it again: only what has changed is made."""
    order = _ordered(typed)
    with _in_project(env_file):
        from s1_assets.automation.commands import run_command
        from s1_assets.definitions import defs

        sys.exit(run_command(order(), defs))


@main.command()
@_about_a_run
@AS_JSON
def estimate(env_file: Path | None, **typed: Any) -> None:
    """Tell what `s1 run` with these options would ask and cost; nothing is asked."""
    order = _ordered(typed)
    with _in_project(env_file):
        from s1_assets.automation.commands import estimate_command
        from s1_assets.definitions import defs

        sys.exit(estimate_command(order(), defs))


@main.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Tell who is asking models now, and what was spent."""
    with _in_project():
        from rich.console import Console

        from s1_assets.automation.status import show_status, tell_status
        from s1_assets.resources.house import House

        show_status(tell_status(House()), as_json, Console(soft_wrap=True))


def _ordered(typed: dict[str, Any]) -> "Callable[[], RunOrder]":
    """The order that was typed, as the project's root sees it once we are there."""
    sources, config_file = typed.pop("sources"), typed.pop("config_file")
    here = None if config_file is None else config_file.absolute()
    named = None if sources is None else tuple(name.strip() for name in sources.split(",") if name.strip())

    def order() -> "RunOrder":
        from s1_assets.automation.commands import RunOrder

        return RunOrder(sources=named, config_file=here, **typed)

    return order


@main.command(hidden=True)
def worker() -> None:
    """Make runs for `s1 run`, which starts this and tells it what to do."""
    with _in_project(load_env=False):
        from s1_assets.automation.worker import serve
        from s1_assets.definitions import defs

        serve(defs())


@main.command()
@click.argument("row_id", metavar="ID")
@AS_JSON
def why(row_id: str, as_json: bool) -> None:
    """The whole life of a row: ID is a question, trace or attempt id, SOURCE:FILE#LINE, or a unique prefix."""
    with _in_project():
        from s1_assets.resources.house import House
        from s1_assets.resources.why import life_as_text, tell_life

        life = tell_life(House(), row_id)
        if as_json:
            _print_json(life.as_json())
            return
        click.echo(f"{life.id} is {inert(life.outcome)}")
        for heading, lines in life_as_text(life).items():
            click.echo(f"\n{heading}")
            for line in lines:
                click.echo(f"  {inert(line)}")


@main.command()
@click.argument("table", metavar="ASSET[:PARTITION]")
@click.option("--head", "count", type=click.IntRange(min=0), default=5, show_default=True, help="Rows to print.")
@click.option("--out", type=click.Path(path_type=Path), help="Write all rows to FILE.jsonl, .csv or .parquet instead.")
@AS_JSON
def show(table: str, count: int, out: Path | None, as_json: bool) -> None:
    """Print the first rows of a table, or write it to a file."""
    out = None if out is None else out.absolute()
    with _in_project():
        from s1_assets.resources.house import House
        from s1_assets.resources.show import head, open_table, write_file

        version, rows = open_table(House(), table)
        if out is not None:
            click.echo(f"{write_file(rows, out):,} rows written to {out}")
        elif as_json:
            _print_json(head(rows, count))
        else:
            known = f", version {version.number}, data version {version.content_hash}" if version else ""
            click.echo(f"{table}: {rows.count_rows():,} rows{known}")
            for row in head(rows, count):
                click.echo()
                for name, value in row.items():
                    click.echo(f"  {name:<22}{inert(value, 160)}")


@main.group(invoke_without_command=True)
@click.option("--all", "all_sources", is_flag=True, help="Disabled ones too.")
@AS_JSON
@click.pass_context
def sources(context: click.Context, all_sources: bool, as_json: bool) -> None:
    """List the sources of the catalogue; see also the verbs below."""
    if context.invoked_subcommand is not None:
        return
    with _in_project():
        from s1_assets.resources.catalogue_view import list_sources
        from s1_assets.resources.house import House

        house = House()
        listed = [row for row in list_sources(house) if all_sources or row["enabled"]]
        if as_json:
            _print_json(listed)
            return
        for row in listed:
            mark = "on " if row["enabled"] else "off"
            stored = "" if row["rows"] is None else f"{row['rows']:,} rows"
            click.echo(
                f"{mark} {row['source']:<28}{row['kind']:<15}{row['licence']:<14}{stored:<12}{inert(row['title'], 60)}"
            )
        if not all_sources:
            hidden = len(house.catalogue.sources) - len(listed)
            click.echo(f"{hidden} more are packaged and off: s1 sources --all")


@sources.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["table", "huggingface", "reasoning_gym"]), required=True)
@click.option("--location", "--name", "location", required=True, help="Path, glob or URL; data set's name; family.")
@click.option("--licence", default="unknown", show_default=True, help="SPDX identifier of the questions' licence.")
@click.option("--question", "question_field", help="Column that holds the question.")
@click.option("--answer", "answer_field", help="Column that holds the right answer.")
@click.option("--grader", default="exact", show_default=True)
@click.option(
    "--set", "assignments", metavar="KEY=VALUE", multiple=True, help="Any further key of the entry; repeatable."
)
@click.option("--replace", is_flag=True, help="Overwrite an entry of this name.")
def add(
    name: str,
    kind: str,
    location: str,
    licence: str,
    question_field: str | None,
    answer_field: str | None,
    grader: str,
    assignments: tuple[str, ...],
    replace: bool,
) -> None:
    """Add a source to the user's catalogue and enable it."""
    with _in_project():
        from s1_assets.automation.reload import reload_running_ui
        from s1_assets.resources.catalogue_view import add_source, entry_options
        from s1_assets.resources.house import House

        fields = {"question": question_field, "reference_answer": answer_field}
        named = {
            "kind": kind,
            "title": name,
            "enabled": True,
            "location": location,
            "licence": licence,
            "language": "en",
            "subject": "unknown",
            "grader": grader,
            "fields": {key: value for key, value in fields.items() if value} or None,
        }
        written = add_source(House(), name, entry_options(named, assignments), replace)
        click.echo(f"{name} is written to {written}. Look at its first rows: s1 sources check {name}")
        click.echo(reload_running_ui())


@sources.command()
@click.argument("name")
def enable(name: str) -> None:
    """Make a source a partition."""
    _switch(name, enabled=True)


@sources.command()
@click.argument("name")
def disable(name: str) -> None:
    """Leave a source out; its tables stay."""
    _switch(name, enabled=False)


def _switch(name: str, enabled: bool) -> None:
    with _in_project():
        from s1_assets.automation.reload import reload_running_ui
        from s1_assets.resources.catalogue_view import set_enabled
        from s1_assets.resources.house import House

        written = set_enabled(House(), name, enabled)
        click.echo(f"{name} is {'on' if enabled else 'off, its tables stay'} ({written})")
        click.echo(reload_running_ui())


@sources.command()
@click.argument("name")
@AS_JSON
def check(name: str, as_json: bool) -> None:
    """Read ten rows of a source and show how its fields are mapped."""
    with _in_project():
        from s1_assets.resources.catalogue_view import check_source
        from s1_assets.resources.house import House

        rows = check_source(House(), name)
        if as_json:
            _print_json(rows)
            return
        for row in rows:
            click.echo()
            for key, value in row.items():
                click.echo(f"  {key:<18}{inert(value, 160)}")
        usable = sum("set_aside" not in row for row in rows)
        click.echo(f"\n{usable} of {len(rows)} rows read are usable")
        if not usable:
            sys.exit(1)


@main.command()
@click.option("--keep", type=click.IntRange(min=1), default=1, show_default=True, help="Versions kept of every table.")
def prune(keep: int) -> None:
    """Drop old versions of tables, and files that no version names."""
    with _in_project():
        from s1_assets.resources.house import House

        pruned = House().tables.prune(keep)
        click.echo(f"{pruned.versions:,} versions and {pruned.files:,} files dropped, {pruned.bytes:,} bytes freed")


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


@main.command()
@click.argument("questions", metavar="QUESTIONS")
@click.option("--model", metavar="PROVIDER:MODEL", help="The model that is asked; default: S1_TEACHER.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the answers here, as JSON lines.")
@click.option("--question-field", metavar="NAME", help="Column that holds the question.")
@click.option("--role", type=click.Choice(["teacher", "student", "judge"]), default="teacher", show_default=True)
@click.option("--samples", type=click.IntRange(1, 1_000), default=1, show_default=True, help="Answers per question.")
@click.option("--system", "system_prompt", metavar="TEXT", help="The system's message.")
@click.option("--template", metavar="TEXT", help="Text around the question; {question} is its place.")
@click.option("--prompt", metavar="NAME|FILE", help="A packaged prompt, or a file with {question} in it.")
@click.option("--max-output-tokens", type=int, help="Thinking and answer together.")
@click.option("--temperature", type=float)
@click.option("--thinking-budget", type=int, help="Tokens of thought.")
@click.option("--thinking-level", metavar="LEVEL", help="none, minimal, low, medium, high or xhigh.")
@click.option("--keys", type=click.Path(path_type=Path), help="A file of API keys, one per line.")
@click.option("--budget", "budget_usd", type=click.FloatRange(min=0), metavar="USD", help="Stop before this is passed.")
@click.option("--retry-failed", is_flag=True, help="Ask calls that failed for good once more.")
@click.option("--yes", is_flag=True, help="Agree beforehand to what it costs.")
@click.option(
    "--layout",
    type=click.Choice(["jsonl", "s1-collector"]),
    default="jsonl",
    show_default=True,
    help="s1-collector: that program's files, into OUTPUT_DIR; --out may be left out.",
)
@AS_JSON
def ask(questions: str, out: Path | None, keys: Path | None, prompt: str | None, **typed: Any) -> None:
    """Ask a model every question of a file (JSONL, JSON, CSV, Parquet, or .txt with one a line), in any folder."""
    if "://" not in questions:
        questions = str(Path(questions).expanduser().absolute())
    out, keys = (None if path is None else path.expanduser().absolute() for path in (out, keys))
    if prompt is not None and Path(prompt).expanduser().is_file():
        prompt = str(Path(prompt).expanduser().absolute())
    names = ("system_prompt", "template", "max_output_tokens", "temperature", "thinking_budget", "thinking_level")
    options = {"prompt": prompt, **{name: typed.pop(name) for name in names}}
    with _in_project(begin=True):
        from s1_assets.automation.ask import AskOrder
        from s1_assets.automation.ask import ask as ask_all

        sys.exit(ask_all(AskOrder(questions, out=out, keys=keys, options=options, **typed)))


@main.group()
def ledger() -> None:
    """Look at, move and check the ledger of paid answers."""


@ledger.command()
@AS_JSON
def stats(as_json: bool) -> None:
    """Tell calls, tokens and cost by model, state and asset."""
    with _in_project(begin=False):
        from s1_assets.automation import ledger_verbs

        sys.exit(ledger_verbs.stats(as_json))


@ledger.command()
@click.argument("file", metavar="FILE.jsonl")
@click.option("--model", metavar="PROVIDER:MODEL", help="Only calls to this model.")
@click.option("--ok-only", is_flag=True, help="Only complete answers.")
def export(file: str, model: str | None, ok_only: bool) -> None:
    """Write calls as JSON lines; - writes to standard output."""
    to = file if file == "-" else str(Path(file).expanduser().absolute())
    with _in_project(begin=False):
        from s1_assets.automation import ledger_export

        sys.exit(ledger_export.export(to, model, ok_only))


@ledger.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_name", metavar="NAME", help="Of the file; default: told from its content.")
@click.option("--prompts", type=click.Path(path_type=Path), help="The input file of an OpenAI batch.")
@click.option("--as", "model", metavar="PROVIDER:MODEL", help="The name to keep them under; default: replay:NAME.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be kept.")
def import_(path: Path, format_name: str | None, prompts: Path | None, model: str | None, dry_run: bool) -> None:
    """Keep answers that were paid elsewhere, so that they are not paid again."""
    path, prompts = path.expanduser().absolute(), prompts and prompts.expanduser().absolute()
    with _in_project(begin=True):
        from s1_assets.automation.ledger_import import ImportOrder, import_answers

        sys.exit(import_answers(ImportOrder(path, format_name, prompts, model, dry_run)))


@ledger.command()
@AS_JSON
def verify(as_json: bool) -> None:
    """Check that every row is whole and has the key of its request."""
    with _in_project(begin=False):
        from s1_assets.automation import ledger_verbs

        sys.exit(ledger_verbs.verify(as_json))


@ledger.command("prune")
@click.option("--failed", is_flag=True, help="Drop failed calls too, so that they are asked again.")
def prune_ledger(failed: bool) -> None:
    """Drop what processes that are gone left behind; never an answer."""
    with _in_project(begin=False):
        from s1_assets.automation import ledger_verbs

        sys.exit(ledger_verbs.prune(failed))


if __name__ == "__main__":
    main()
