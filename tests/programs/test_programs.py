"""The `lakehouse` command and the jobs: what they answer when something is wrong."""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import nbformat
import pytest

from ecommerce_lakehouse import cli, doctor, jobs, paths
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.lessons import export as lesson_export
from ecommerce_lakehouse.lessons import notebook
from ecommerce_lakehouse.lessons import run as lesson_run
from ecommerce_lakehouse.operations import build
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.spark import jars, java, jvm
from ecommerce_lakehouse.spark.java import without_a_jvm

ENTITIES = ("customers", "orders", "order_items", "products")


class Answer(NamedTuple):
    """What a program gave back."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def answer_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Call a program's own entry point with arguments, as its script does."""

    def call(main: Callable[[], None], *arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["program", *arguments])
        capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            said = capsys.readouterr()
            return Answer(int(end.code or 0), said.out, said.err)
        said = capsys.readouterr()
        return Answer(0, said.out, said.err)

    return call


@pytest.fixture
def lakehouse(answer_of: Command) -> Command:
    return lambda *arguments: answer_of(cli.main, *arguments)


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input has to be found before a JVM, a kernel or a Spark session is started."""

    def started(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(lesson_run, "warm_jvm", started)
    monkeypatch.setattr(lesson_run, "run_notebook", started)
    monkeypatch.setattr(build, "get_spark", started)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a data folder `data`, and a regular file `file` where no folder can be."""
    (tmp_path / "data").mkdir()
    for entity in ENTITIES:
        shutil.copy(EXAMPLE_DATA / f"raw_{entity}.csv", tmp_path / "data")
    (tmp_path / "file").write_text("not a folder")
    return tmp_path


def rename_a_column(data: Path) -> None:
    """`order_date`, the third column of raw_orders.csv, becomes `ordered_on`."""
    path = data / "raw_orders.csv"
    path.write_text(path.read_text().replace("order_date", "ordered_on", 1))


def swap_two_columns(data: Path) -> None:
    """The same columns as expected, in another order."""
    path = data / "raw_products.csv"
    path.write_text(path.read_text().replace("cost_price,list_price", "list_price,cost_price", 1))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file and folder below a folder."""
    paths = folder.rglob("*")
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in paths}


def is_one_clear_message(answer: Answer) -> bool:
    """Bad input: exit code 2, stdout empty, a few lines on stderr, no stack trace of any kind."""
    lines = answer.err.strip().splitlines()
    traces = ("Traceback", "\tat ", "Exception", "Py4J", "WARN")
    return (
        answer.code == 2
        and not answer.out
        and 0 < len(lines) <= 6
        and not any(trace in answer.err for trace in traces)
    )


# lakehouse run --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--as-of", "2024-02-31"], 'as_of_date is "2024-02-31"'),
        (["--as-of", "30.06.2024"], 'as_of_date is "30.06.2024"'),
        (["--from", "12"], 'no notebook "12"'),
        (["--to", "charts"], "Notebooks: 01_bronze, "),
        (["--from", "05", "--to", "03"], "--from 05 comes after --to 03"),
        (["--data-dir", "{folder}/nowhere"], "no folder {folder}/nowhere"),
        (["--data-dir", "{folder}/file"], "no folder {folder}/file"),
        (["--lakehouse-dir", "{folder}/file"], "{folder}/file/ cannot be written"),
        (["--lakehouse-dir", "{folder}/file/x/y"], "--lakehouse-dir FOLDER"),
        (["--artifacts-dir", "{folder}/file/x"], "--artifacts-dir FOLDER"),
        (["--output-dir", "{folder}/file/x"], "--output-dir FOLDER"),
        (["--output-dir", str(notebook.FOLDER)], "holds the notebooks themselves"),
        (["--update", "--data-dir", "{folder}/data"], "lakehouse run --update"),
        (["--update", "--as-of", "2024-06-30"], "lakehouse run --update"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("nothing_starts")
def test_a_bad_option_is_one_message_and_nothing_is_written(
    lakehouse: Command, folder: Path, arguments: list[str], said: str
) -> None:
    before = contents(folder)
    places = ["--lakehouse-dir", f"{folder}/lake", "--artifacts-dir", f"{folder}/art"]
    if "--update" in arguments:
        places = []
    answer = lakehouse("run", *places, *(text.format(folder=folder) for text in arguments))
    assert is_one_clear_message(answer), answer
    assert said.format(folder=folder) in answer.err
    assert contents(folder) == before


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.usefixtures("nothing_starts")
def test_a_missing_csv_is_named(lakehouse: Command, folder: Path, entity: str) -> None:
    (folder / "data" / f"raw_{entity}.csv").unlink()
    answer = lakehouse("run", "--data-dir", f"{folder}/data")
    assert is_one_clear_message(answer), answer
    assert f"{folder}/data/raw_{entity}.csv is missing" in answer.err


@pytest.mark.usefixtures("nothing_starts")
def test_a_renamed_column_is_named_with_its_file_and_place(
    lakehouse: Command, folder: Path
) -> None:
    rename_a_column(folder / "data")
    answer = lakehouse("run", "--data-dir", f"{folder}/data")
    assert is_one_clear_message(answer), answer
    assert 'raw_orders.csv: column 3 is "ordered_on", expected "order_date"' in answer.err


@pytest.mark.usefixtures("nothing_starts")
def test_the_header_of_a_later_delivery_is_checked_too(lakehouse: Command, folder: Path) -> None:
    (folder / "data" / "raw_orders_2024-07.csv").write_text("order_id,customer_id\n")
    answer = lakehouse("run", "--data-dir", f"{folder}/data")
    assert is_one_clear_message(answer), answer
    assert "raw_orders_2024-07.csv: column 3 is missing" in answer.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda raw: raw.replace(b"\n", b"\r"), "lines do not end in LF or CRLF", id="CR"
        ),
        pytest.param(
            lambda raw: raw.decode().encode("utf-16"), "it is not UTF-8 text", id="16 bits"
        ),
        pytest.param(
            lambda raw: b"x" * 200_000 + raw, f'column 1 is "{"x" * 40}…"', id="no line at all"
        ),
        pytest.param(lambda raw: b"", "the file has no header", id="empty"),
    ],
)
@pytest.mark.usefixtures("nothing_starts")
def test_a_file_that_is_no_csv_with_lines_is_refused(
    lakehouse: Command, folder: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    file = folder / "data" / "raw_orders.csv"
    file.write_bytes(change(file.read_bytes()))
    answer = lakehouse("run", "--data-dir", f"{folder}/data")
    assert is_one_clear_message(answer), answer
    assert "raw_orders.csv: " in answer.err
    assert said in answer.err


@pytest.mark.usefixtures("nothing_starts")
def test_a_csv_that_cannot_be_read_is_named(lakehouse: Command, folder: Path) -> None:
    (folder / "data" / "raw_orders.csv").unlink()
    (folder / "data" / "raw_orders.csv").mkdir()
    answer = lakehouse("run", "--data-dir", f"{folder}/data")
    assert is_one_clear_message(answer), answer
    assert f"{folder}/data/raw_orders.csv cannot be read" in answer.err


@pytest.mark.parametrize("arguments", [["run", "--nope"], ["run", "03"], ["nope"], ["doctor", "x"]])
@pytest.mark.usefixtures("nothing_starts")
def test_an_option_or_command_that_is_none_is_refused(
    lakehouse: Command, arguments: list[str]
) -> None:
    answer = lakehouse(*arguments)
    assert answer.code == 2
    assert arguments[-1] in answer.err
    assert "Traceback" not in answer.err


def test_the_installed_command_ends_with_the_same_code_and_message() -> None:
    """What a shell sees, not only what the function returns."""
    script = Path(sys.executable).with_name("lakehouse")
    done = subprocess.run(
        [script, "run", "--as-of", "2024-02-31"], capture_output=True, text=True, check=False
    )
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert is_one_clear_message(answer), answer


def test_the_help_says_all_that_it_has_to_say(lakehouse: Command) -> None:
    """Square brackets are text, and each option tells its default."""
    assert "[ok], or [fix] with the command" in lakehouse("doctor", "--help").out
    told = " ".join(lakehouse("run", "--help").out.split())
    assert "[default: (the project's data_seeds/shop)]" in told
    assert "--as-of, --date DAY" in told
    assert "[default: 2000; x>=1]" in lakehouse("generate", "--help").out


def test_the_version_is_the_installed_one(lakehouse: Command) -> None:
    assert lakehouse("--version") == Answer(0, f"{version('ecommerce-lakehouse')}\n", "")


EMPTY = [
    *(("run", option) for option in ("--data-dir", "--lakehouse-dir", "--artifacts-dir")),
    *(("run", option) for option in ("--as-of", "--from", "--to", "--output-dir")),
    *(("build", option) for option in ("--data-dir", "--lakehouse-dir", "--artifacts-dir")),
    *(("build", option) for option in ("--date", "--master")),
    *(("maintain", "--lakehouse-dir"), ("restore", "--to"), ("generate", "--out")),
    *(("report", option) for option in ("--out", "--artifacts-dir")),
]


@pytest.mark.parametrize(("command", "option"), EMPTY)
@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.usefixtures("nothing_starts")
def test_an_option_that_is_given_and_empty_is_no_missing_one(
    lakehouse: Command, command: str, option: str, value: str
) -> None:
    """As from a variable that is not set: the demo shop must not take the place of one's own."""
    answer = lakehouse(command, option, value)
    assert is_one_clear_message(answer), answer
    assert re.search(rf"^.*{option}.* is given and empty\.", answer.err, re.MULTILINE)


def test_an_empty_folder_of_a_job_is_no_missing_one(answer_of: Command) -> None:
    answer = answer_of(job("bronze"), "--data-dir", "")
    assert is_one_clear_message(answer), answer


@pytest.mark.parametrize("option", ["--data-dir", "--lakehouse-dir", "--artifacts-dir"])
@pytest.mark.usefixtures("nothing_starts")
def test_a_home_of_nobody_is_no_folder(lakehouse: Command, option: str) -> None:
    answer = lakehouse("run", option, "~nosuchuser/x")
    assert is_one_clear_message(answer), answer
    assert "~nosuchuser is nobody's home" in answer.err


@pytest.mark.parametrize("find", [paths.from_shell, paths.resolve])
def test_a_tilde_is_a_home_or_an_error(
    monkeypatch: pytest.MonkeyPatch, find: Callable[[str], str]
) -> None:
    """Without a home, `~/x` was a folder at the root, or one that is thrown away."""
    monkeypatch.setenv("HOME", "/home/zoe")
    assert find("~/x") == "/home/zoe/x"
    assert find("./~x").endswith("/~x")
    with pytest.raises(InputError, match="~nosuchuser is nobody's home"):
        find("~nosuchuser/x")
    for home in ("", str(paths.lent_home())):
        monkeypatch.setenv("HOME", home)
        for folder in ("~", "~/x"):
            with pytest.raises(InputError, match="~ is nobody's home"):
                find(folder)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["tidy", "--check"], ["export", "--check"], ["report", "--out", sys.executable]],
)
def test_a_command_that_needs_no_spark_does_not_load_it(arguments: list[str]) -> None:
    heavy = "{'pyspark', 'pandas', 'numpy', 'matplotlib', 'papermill'}"
    code = f"""
import sys
from ecommerce_lakehouse import cli
sys.argv = ["lakehouse", *{arguments!r}]
try:
    cli.main()
finally:
    assert not {heavy} & set(sys.modules), sorted({heavy} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "AssertionError" not in done.stderr, done.stderr


# Notebooks that fail --------------------------------------------------------------------


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of code cells, with a text cell before each."""
    v4 = nbformat.v4
    notebook = v4.new_notebook()
    for source in cells:
        notebook.cells += [v4.new_markdown_cell("Text."), v4.new_code_cell(source)]
    nbformat.write(notebook, path)


@pytest.fixture
def three_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Small notebooks in place of the nine; the second fails in its second code cell."""
    folder = tmp_path / "three notebooks"
    folder.mkdir()
    write_notebook(folder / "01_a.ipynb", "print('one')")
    write_notebook(folder / "02_b.ipynb", "x = 1", "{}['no such key']", "print('after')")
    write_notebook(folder / "03_c.ipynb", "print('three')")
    monkeypatch.setattr(notebook, "FOLDER", folder)
    monkeypatch.setattr(lesson_run, "warm_jvm", contextlib.nullcontext)
    monkeypatch.setattr(lesson_run, "tell_run", lambda folders, layers: ["Looked back."])
    yield folder


def test_a_failing_cell_is_named_and_nothing_runs_after_it(
    lakehouse: Command, three_notebooks: Path, tmp_path: Path
) -> None:
    before = contents(three_notebooks)
    copies = tmp_path / "copies"
    answer = lakehouse("run", "--output-dir", str(copies))
    assert answer.code == 1
    assert "02_b, cell 2: KeyError: 'no such key'" in answer.err
    assert "{}['no such key']" in answer.err
    assert f"{copies}/02_b.ipynb" in answer.err
    assert "Traceback" not in answer.err
    assert sorted(path.name for path in copies.iterdir()) == ["01_a.ipynb", "02_b.ipynb"]
    assert "one" in str(nbformat.read(copies / "01_a.ipynb", as_version=4).cells)
    assert "'text': 'after" not in str(nbformat.read(copies / "02_b.ipynb", as_version=4).cells)
    assert contents(three_notebooks) == before


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        ("errors import InputError as E", ["There is no order.", "Name a day."], 2),
        ("errors import LakehouseError as E", ["There is no order.", "Name a day."], 1),
        ("layers.quality import QualityError as E", ["Not published.", "orders: a key: 1 of 2"], 1),
    ],
)
def test_an_error_for_people_is_told_whole_and_data_is_not_the_notebooks_fault(
    lakehouse: Command,
    three_notebooks: Path,
    tmp_path: Path,
    error: str,
    said: list[str],
    code: int,
) -> None:
    row = "Row(table='orders', check='a key', severity='error', rows=2, broken=1)"
    given = f"[{row}]" if "Quality" in error else "'There is no order.', 'Name a day.'"
    cell = f"from pyspark.sql import Row\nfrom ecommerce_lakehouse.{error}\nraise E({given})"
    write_notebook(three_notebooks / "01_a.ipynb", cell)
    answer = lakehouse("run", "--output-dir", str(tmp_path / "copies"))
    assert answer.code == code
    assert f"01_a, cell 1: {said[0]}\n{said[1]}" in answer.err
    assert ("raise E" in answer.err) == (code == 1)


def test_an_error_that_ipython_cannot_print_is_named_by_its_last_line(
    lakehouse: Command, three_notebooks: Path, tmp_path: Path
) -> None:
    """As Python 3.13.0 has it for some errors: no error output, only lines on stderr."""
    quiet = "def quiet(*_, **__):\n    print('KeyError: it broke', file=__import__('sys').stderr)\n"
    code = quiet + "get_ipython().set_custom_exc((KeyError,), quiet)\n{}['no such key']"
    write_notebook(three_notebooks / "01_a.ipynb", code)
    answer = lakehouse("run", "--output-dir", str(tmp_path / "copies"))
    assert answer.code == 1
    assert "01_a, cell 1: KeyError: it broke" in answer.err


def test_a_part_of_the_notebooks_runs_and_leaves_them_as_they_were(
    lakehouse: Command, three_notebooks: Path, tmp_path: Path
) -> None:
    before = contents(three_notebooks)
    copies = tmp_path / "copies"
    answer = lakehouse("run", "--from", "3", "--to", "03_c", "--output-dir", str(copies))
    assert answer.code == 0, answer
    assert re.match(r"  03_c +1/1 cells +\d+\.\d s\n1 notebook in", answer.out), answer.out
    assert [path.name for path in copies.iterdir()] == ["03_c.ipynb"]
    assert contents(three_notebooks) == before


# Jobs -----------------------------------------------------------------------------------


def job(*layers: str) -> Callable[[], None]:
    return lambda: jobs.main("A job.", *layers)


@pytest.mark.usefixtures("nothing_starts")
def test_a_folder_is_meant_from_where_a_job_is_typed(
    answer_of: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `lakehouse build` has it."""
    monkeypatch.chdir(folder)
    answer = answer_of(job("bronze"), "--data-dir", "nowhere")
    assert f"no folder {folder}/nowhere" in answer.err


@pytest.mark.parametrize(
    ("layer", "arguments", "said"),
    [
        ("gold", ["--date", "2024-02-31"], 'as_of_date is "2024-02-31"'),
        ("bronze", ["--data-dir", "{folder}/nowhere"], "no folder {folder}/nowhere"),
        ("silver", ["--lakehouse-dir", "{folder}/file/x"], "--lakehouse-dir FOLDER"),
        ("ml", ["--artifacts-dir", "{folder}/file/x"], "--artifacts-dir FOLDER"),
    ],
)
@pytest.mark.usefixtures("nothing_starts")
def test_a_job_finds_a_bad_flag_before_spark_starts(
    answer_of: Command, folder: Path, layer: str, arguments: list[str], said: str
) -> None:
    before = contents(folder)
    given = ["--lakehouse-dir", f"{folder}/lake", "--artifacts-dir", f"{folder}/art"]
    given += [text.format(folder=folder) for text in arguments]
    answer = answer_of(job(layer), *given)
    assert is_one_clear_message(answer), answer
    assert said.format(folder=folder) in answer.err
    assert contents(folder) == before


@pytest.mark.usefixtures("nothing_starts")
def test_a_job_refuses_a_flag_it_does_not_know(answer_of: Command) -> None:
    answer = answer_of(job("bronze"), "--fast")
    assert answer.code == 2
    assert "--fast" in answer.err


def run_job(name: str, *arguments: str) -> Answer:
    """Run a job as a program of its own."""
    done = subprocess.run(
        [sys.executable, PROJECT / "src" / "jobs" / f"{name}.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=without_a_jvm(),
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_job_given_columns_in_another_order_builds_no_table(folder: Path) -> None:
    """Spark would read them into the wrong fields without a word."""
    swap_two_columns(folder / "data")
    answer = run_job(
        "ingest_bronze", "--data-dir", f"{folder}/data", "--lakehouse-dir", f"{folder}/lake"
    )
    assert is_one_clear_message(answer), answer
    assert 'raw_products.csv: column 4 is "list_price", expected "cost_price"' in answer.err
    assert not (folder / "lake").exists()


def test_a_job_without_the_layer_below_says_what_builds_it(folder: Path) -> None:
    """The one error here that only Spark finds, so the one test that starts it."""
    answer = run_job("build_silver", "--lakehouse-dir", f"{folder}/lake")
    assert is_one_clear_message(answer), answer
    assert f"bronze.customers is not in {folder}/lake/ yet" in answer.err
    assert "notebooks/01_bronze.ipynb" in answer.err
    assert "lakehouse run --to 01" in answer.err
    assert list((folder / "lake").rglob("*.parquet")) == []


# lakehouse generate and export ------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--customers", "0", "--out", "{folder}/shop"],
            "'--customers': Input should be greater than or equal to 1",
        ),
        (
            ["--seed", "-1", "--out", "{folder}/shop"],
            "'--seed': Input should be greater than or equal to 0",
        ),
        (["--customers", "3", "--out", "{folder}/file/shop"], "--out FOLDER"),
        (["--customers", "3", "--out", "{folder}/file"], "--out FOLDER"),
        (["--customers", "3", "--out", "{folder}/" + "x" * 256], "--out FOLDER"),
        (["--customers", "3", "--out", "{folder}/circle"], "--out FOLDER"),
        (["--customers", "3", "--out", "{folder}/circle/shop"], "--out FOLDER"),
        (["--customers", "3", "--out", "s3://bucket/shop"], "s3://bucket/shop is no folder"),
        (["--customers", "3", "--out", "file://{folder}/shop"], "/shop is no folder"),
    ],
)
def test_a_shop_that_cannot_be_made_is_one_message(
    lakehouse: Command,
    folder: Path,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    (folder / "circle").symlink_to("circle")
    before = contents(folder)
    answer = lakehouse("generate", *(text.format(folder=folder) for text in arguments))
    assert is_one_clear_message(answer), answer
    assert said in answer.err
    assert contents(folder) == before


def test_every_exported_module_is_as_its_notebook_has_it(lakehouse: Command) -> None:
    answer = lakehouse("export", "--check")
    assert answer.code == 0, answer.out


def test_a_module_edited_by_hand_is_named_and_left_alone(
    lakehouse: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = Path("src/ecommerce_lakehouse/layers")
    for part in (Path("notebooks"), layers):
        shutil.copytree(
            PROJECT / part,
            tmp_path / part,
            ignore=lambda at, names: [n for n in names if not n.endswith((".py", ".ipynb"))],
        )
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(lesson_export, "PROJECT", tmp_path)
    assert lakehouse("export").code == 0
    edited = tmp_path / layers / "gold.py"
    edited.write_text(edited.read_text() + "\nEDITED = True\n")
    answer = lakehouse("export", "--check")
    assert answer.code == 1
    assert f"differs from its notebook: {layers}/gold.py" in answer.out
    assert "silver.py" not in answer.out
    assert "EDITED" in edited.read_text()


# lakehouse doctor -------------------------------------------------------------------------


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with room to spare, whatever else it does at the moment."""
    memory = SimpleNamespace(available=8 * 2**30, total=16 * 2**30)
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=50 * 2**30))


@pytest.fixture
def spark_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else the doctor says is looked at; Spark is not started for it."""
    monkeypatch.setattr(doctor, "check_spark", lambda: doctor.Finding("Spark starts"))


def write_java(path: Path, said: str) -> Path:
    """A `java` that only knows its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{said}\"' >&2\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.usefixtures("roomy", "spark_starts")
def test_the_doctor_finds_this_environment_well(lakehouse: Command) -> None:
    answer = lakehouse("doctor")
    assert answer.code == 0, answer.out
    assert answer.out.count("[ok]") == len(doctor.ALL_CHECKS) + 1
    assert "[fix]" not in answer.out
    assert "All is well." in answer.out


def test_the_doctor_starts_what_it_vouches_for() -> None:
    command = [str(Path(sys.executable).parent / "lakehouse"), "doctor"]
    told = subprocess.run(command, env=without_a_jvm(), capture_output=True, text=True).stdout
    assert "[ok]  Spark starts, wrote a Delta table and read its 3 rows" in told
    wrong = without_a_jvm() | {"LAKEHOUSE_JAVA_OPTIONS": "-Xmx2g"}
    told = subprocess.run(command, env=wrong, capture_output=True, text=True).stdout
    assert "Not allowed to specify max heap(Xmx)" in told


def test_each_process_has_a_log_of_spark_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a Java that does not start would be told with another one's last error."""
    monkeypatch.setattr(jvm, "work_folder", lambda: tmp_path)
    assert str(os.getpid()) in jvm.log_file().name
    for age in range(jvm.KEPT_LOGS + 5):
        log = jvm.log_file().with_name(f"spark-{age}.log")
        log.touch()
        os.utime(log, (1e9 - age, 1e9 - age))
    jvm.delete_old_logs()
    left = {path.name for path in jvm.log_file().parent.iterdir()}
    assert left == {f"spark-{age}.log" for age in range(jvm.KEPT_LOGS)}


@pytest.mark.usefixtures("roomy", "spark_starts")
def test_a_foreign_spark_or_java_is_named_and_does_no_harm(
    lakehouse: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_java(tmp_path / "java 11" / "bin" / "java", "11.0.2").parents[1]
    monkeypatch.setenv("JAVA_HOME", str(old))
    monkeypatch.setenv("SPARK_HOME", "/opt/another-spark")
    answer = lakehouse("doctor")
    assert answer.code == 0, answer.out
    assert f"JAVA_HOME ({old}) is no such version and is not used" in answer.out
    assert re.search("set for other programs, and not used here: .*SPARK_HOME", answer.out)


@pytest.mark.usefixtures("roomy", "spark_starts")
def test_without_java_the_doctor_says_how_to_get_one(
    lakehouse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "candidates", lambda: [])
    answer = lakehouse("doctor")
    assert answer.code == 1
    assert "[fix] Java 17, 21 or 25 not found (no java was found)" in answer.out
    assert "apt install openjdk-17-jre-headless" in answer.out
    assert "1 to mend." in answer.out


@pytest.mark.parametrize("name", ["pyspark", "delta-spark"])
@pytest.mark.usefixtures("roomy", "spark_starts")
def test_another_version_of_spark_or_delta_is_to_be_mended(
    lakehouse: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(doctor, "version", lambda n: "9.9.9" if n == name else version(n))
    answer = lakehouse("doctor")
    assert answer.code == 1
    assert f"[fix] {name} 9.9.9, needed: {doctor.NEEDED[name]}" in answer.out
    assert "make -B setup" in answer.out


def test_too_little_memory_and_disk_are_to_be_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    little = SimpleNamespace(available=2**30, total=2**31, free=2**29)
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: little)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: little)
    assert doctor.check_memory().fix
    assert doctor.check_disk().fix


# Java -----------------------------------------------------------------------------------


@pytest.fixture
def only_our_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Java of its own, and an empty cache."""
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    found = java.candidates
    ours = str(tmp_path)
    monkeypatch.setattr(
        java, "candidates", lambda: [path for path in found() if str(path).startswith(ours)]
    )
    return tmp_path


def test_an_unsupported_java_home_gives_way_to_the_next_java(
    only_our_java: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_java(only_our_java / "old" / "bin" / "java", "1.8.0_402")
    good = write_java(only_our_java / "good" / "java", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(old.parents[1]))
    monkeypatch.setenv("PATH", str(good.parent))
    assert java.candidates() == [old, good]
    assert java.find_java() == good


def test_java_home_comes_first_also_where_it_is_found_again_further_on(
    only_our_java: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As /usr/lib/jvm is looked through after PATH, so is the cache.
    chosen = write_java(only_our_java / "cache" / "java" / "jdk" / "bin" / "java", "25.0.1")
    on_path = write_java(only_our_java / "other" / "java", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(chosen.parents[1]))
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert java.candidates() == [chosen, on_path]


@pytest.mark.parametrize("said", ["11.0.2", "26"])
def test_no_java_and_no_index_names_what_was_seen_and_what_to_install(
    only_our_java: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(only_our_java / "no packages"))
    old = write_java(only_our_java / "old" / "bin" / "java", said)
    monkeypatch.setenv("JAVA_HOME", str(old.parents[1]))
    with pytest.raises(LakehouseError, match="apt install openjdk-17-jre-headless") as caught:
        java.ensure_java()
    assert f"{old} is Java {said.partition('.')[0]}" in str(caught.value)
    assert "none could be fetched" in str(caught.value)
    assert list(java.fetched_to().iterdir()) == []


def test_a_java_that_does_not_start_is_told_in_its_own_words(
    only_our_java: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine is in the way, no other Java is fetched: it would not start either."""
    broken = only_our_java / "broken" / "bin" / "java"
    broken.parent.mkdir(parents=True)
    broken.write_text(
        "#!/bin/sh\necho 'Error occurred during initialization of VM' >&2\n"
        "echo 'Could not reserve enough space for object heap' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(broken.parents[1]))
    monkeypatch.setattr(java, "fetch_java", lambda: pytest.fail("fetched one"))
    with pytest.raises(LakehouseError, match="ulimit -v unlimited") as caught:
        java.ensure_java()
    assert "Could not reserve enough space for object heap" in str(caught.value)


# Delta's JARs ---------------------------------------------------------------------------


@pytest.fixture
def two_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds both JARs, each a few bytes."""
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path))
    digest = hashlib.sha256(b"right").hexdigest()
    monkeypatch.setattr(jars, "JARS", dict.fromkeys(jars.JARS, digest))
    (tmp_path / "jars").mkdir()
    for _, artifact, release in jars.JARS:
        (tmp_path / "jars" / f"{artifact}-{release}.jar").write_bytes(b"right")
    return tmp_path / "jars"


def ivy_brings(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    """Stand in for Ivy: it retrieves these bytes, or nothing."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if content is not None:
            artifact = command[command.index("-dependency") + 2]
            target = Path(command[command.index("-retrieve") + 1]).parent
            (target / f"{artifact}.jar").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "log\nUNRESOLVED DEPENDENCY", "")

    monkeypatch.setattr(jars.subprocess, "run", run)


def test_cached_jars_are_used_without_the_network(
    two_jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars.subprocess, "run", lambda *_, **__: pytest.fail("fetched again"))
    assert sorted(jars.delta_jars(Path("java"))) == sorted(two_jars.iterdir())


def test_half_a_jar_is_fetched_again(two_jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = sorted(two_jars.iterdir())[0]
    broken.write_bytes(b"rig")
    assert jars.missing_jars() == [broken.name]
    assert doctor.check_jars().fix == "lakehouse doctor --fetch"
    ivy_brings(monkeypatch, b"right")
    jars.delta_jars(Path("java"))
    assert broken.read_bytes() == b"right"
    assert jars.missing_jars() == []


@pytest.mark.parametrize(
    ("brought", "said"), [(b"other", "checksum differs"), (None, "UNRESOLVED DEPENDENCY")]
)
def test_a_jar_that_is_not_the_tested_one_is_not_kept(
    two_jars: Path, monkeypatch: pytest.MonkeyPatch, brought: bytes | None, said: str
) -> None:
    gone = sorted(two_jars.iterdir())[0]
    gone.unlink()
    ivy_brings(monkeypatch, brought)
    with pytest.raises(LakehouseError, match=said) as caught:
        jars.delta_jars(Path("java"))
    assert gone.name in str(caught.value)
    assert "lakehouse doctor --fetch" in str(caught.value)
    assert not gone.exists()
