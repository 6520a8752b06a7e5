"""pyproject.toml, requirements.lock and environment.yml describe one environment."""

import re
import tomllib
from collections.abc import Callable

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ecommerce_lakehouse import doctor
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.spark import jars

PYPROJECT = (PROJECT / "pyproject.toml").read_text()
LOCK = (PROJECT / "requirements.lock").read_text()
CONDA = (PROJECT / "environment.yml").read_text()

NAMED = {
    "pyspark",
    "delta-spark",
    "jupyterlab",
    "papermill",
    "nbval",
    "seaborn",
    "matplotlib",
    "pandas",
}
"""What the notebooks are written in and run by: never only somebody else's dependency."""

NOT_PYTHON_PACKAGES = {"python", "openjdk", "pip"}
"""What conda brings besides."""

OTHER_NAMES = {"matplotlib-base": "matplotlib", "python-duckdb": "duckdb"}
"""conda-forge's name for a package, where it is another."""


def declared(pyproject: str) -> dict[str, Requirement]:
    """The direct dependencies, those of the tests among them."""
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"].values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return {canonicalize_name(one.name): one for one in map(Requirement, texts)}


def locked(lock: str) -> dict[str, set[str]]:
    """Every locked package with its versions: one, or one for each Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def conda_pins(conda: str) -> dict[str, str]:
    """Every package environment.yml names, from either installer, with what follows its name."""
    listed: list[str] = []
    for entry in yaml.safe_load(conda)["dependencies"]:
        listed += entry["pip"] if isinstance(entry, dict) else [entry]
    split = (re.fullmatch(r"([A-Za-z0-9._-]+)\s*(.*)", one) for one in listed if one != "-e .")
    pairs = {found[1]: found[2] for found in split if found}
    return {canonicalize_name(OTHER_NAMES.get(name, name)): pin for name, pin in pairs.items()}


def lock_against_pyproject(pyproject: str, lock: str) -> list[str]:
    """Direct dependencies that the lock lacks, or has in a version that is not allowed."""
    versions = locked(lock)
    problems = []
    for name, requirement in declared(pyproject).items():
        if name not in versions:
            problems.append(f"{name} is not in the lock")
        for version in versions.get(name, ()):
            if not requirement.specifier.contains(version):
                problems.append(f"{name} {version} is locked, {requirement} is declared")
    return problems


def conda_against_lock(pyproject: str, lock: str, conda: str) -> list[str]:
    """Direct dependencies environment.yml lacks, and pins that are not the lock's."""
    pins, versions = conda_pins(conda), locked(lock)
    problems = [f"{name} is missing" for name in declared(pyproject) if name not in pins]
    for name, pin in pins.items():
        if name not in NOT_PYTHON_PACKAGES and pin not in {
            f"=={v}" for v in versions.get(name, ())
        }:
            problems.append(f"{name}{pin} is not what is locked")
    if "-e ." not in re.findall(r"^ +- (.+)$", conda, re.MULTILINE):
        problems.append("the project itself is not installed")
    return problems


def unsafe_in_lock(lock: str) -> list[str]:
    """Addresses and options of one machine, and packages that anybody could have replaced."""
    problems = re.findall(r"^.*(?:://|--index-url|--extra-index-url|--find-links).*$", lock, re.M)
    for entry in re.split(r"^(?=\S)", lock, flags=re.MULTILINE):
        name = entry.split("==")[0].strip()
        if name and not name.startswith(("#", "-")) and "--hash=sha256:" not in entry:
            problems.append(f"{name} has no hash")
    return problems


def pythons(pyproject: str, conda: str) -> set[str]:
    """The range of Python versions, as each file has it."""
    return {tomllib.loads(pyproject)["project"]["requires-python"], conda_pins(conda)["python"]}


def test_every_direct_dependency_is_locked_at_an_allowed_version() -> None:
    assert lock_against_pyproject(PYPROJECT, LOCK) == []


def test_conda_users_get_the_locked_versions_of_every_direct_dependency() -> None:
    assert conda_against_lock(PYPROJECT, LOCK, CONDA) == []


def test_every_locked_file_is_hashed_and_no_index_is_named() -> None:
    assert unsafe_in_lock(LOCK) == []


def test_what_the_notebooks_are_written_in_is_declared() -> None:
    assert NAMED - declared(PYPROJECT).keys() == set()


def test_both_installers_take_the_same_pythons() -> None:
    assert len(pythons(PYPROJECT, CONDA)) == 1


def test_conda_brings_a_java_that_spark_runs_on() -> None:
    assert conda_pins(CONDA)["openjdk"] == "=17"


def test_delta_s_jars_its_python_package_and_the_doctor_name_one_version() -> None:
    versions = locked(LOCK)
    assert versions["delta-spark"] == {jars.VERSION} == {doctor.NEEDED["delta-spark"]}
    assert versions["pyspark"] == {doctor.NEEDED["pyspark"]}
    assert {release for _, _, release in jars.JARS} == {jars.VERSION}
    spark = ".".join(doctor.NEEDED["pyspark"].split(".")[:2])
    assert f"delta-spark_{spark}_2.13" in {artifact for _, artifact, _ in jars.JARS}


def test_the_bootstrap_finds_uv_in_the_lock() -> None:
    """The Makefile cuts uv's lines out of the lock to install it first."""
    assert re.search(r"^uv==\S+ \\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n)+", LOCK, re.MULTILINE)


def replaced(text: str, old: str, new: str) -> str:
    """A text with one thing changed."""
    assert old in text, f"nothing to spoil: {old}"
    return text.replace(old, new)


SPOILED: dict[str, tuple[Callable[[], list[str]], str]] = {
    "declared, not locked": (
        lambda: lock_against_pyproject(replaced(PYPROJECT, '"nbval>=0.11"', '"nbmake>=1"'), LOCK),
        "nbmake is not in the lock",
    ),
    "locked too old": (
        lambda: lock_against_pyproject(replaced(PYPROJECT, '"pytest>=8"', '"pytest>=99"'), LOCK),
        "pytest>=99 is declared",
    ),
    "locked too new": (
        lambda: lock_against_pyproject(PYPROJECT, replaced(LOCK, "\npandas==2.", "\npandas==3.")),
        "pandas 3.",
    ),
    "missing for conda": (
        lambda: conda_against_lock(PYPROJECT, LOCK, re.sub(r"\n.*seaborn.*", "", CONDA)),
        "seaborn is missing",
    ),
    "another version for conda": (
        lambda: conda_against_lock(PYPROJECT, LOCK, replaced(CONDA, "rich==", "rich==1")),
        "is not what is locked",
    ),
    "a range for conda": (
        lambda: conda_against_lock(PYPROJECT, LOCK, replaced(CONDA, "typer==", "typer>=")),
        "is not what is locked",
    ),
    "left behind for conda": (
        lambda: conda_against_lock(
            PYPROJECT, LOCK, replaced(CONDA, "  - -e .", "  - plotly==6.0\n      - -e .")
        ),
        "plotly==6.0 is not what is locked",
    ),
    "without the project": (
        lambda: conda_against_lock(PYPROJECT, LOCK, replaced(CONDA, "- -e .", "")),
        "the project itself",
    ),
    "an index in the lock": (
        lambda: unsafe_in_lock("--index-url https://mirror.invalid/simple\n" + LOCK),
        "mirror.invalid",
    ),
    "a package without hashes": (
        lambda: unsafe_in_lock(replaced(LOCK, "\nzipp==", "\nabc==1.0\nzipp==")),
        "abc has no hash",
    ),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_file_that_disagrees_is_noticed(case: str) -> None:
    """The checks above can fail."""
    check, said = SPOILED[case]
    assert said in "\n".join(check())
