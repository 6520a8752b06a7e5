"""What a session is made of, whatever else is installed on the machine."""

import json
import subprocess
import sys
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse.spark.java import ensure_java, without_a_jvm
from ecommerce_lakehouse.spark.settings import COMPILER_DIRECTIVES


def test_python_workers_are_of_this_environment(spark: SparkSession) -> None:
    """Not of the first python3 on the PATH, which may be of another version."""
    numbers = spark.sparkContext.parallelize([1], 1)
    assert numbers.map(lambda _: sys.executable).collect() == [sys.executable]


def test_java_leaves_the_compilers_of_spark_after_a_first_look(spark: SparkSession) -> None:
    """They are at work for two seconds; to compile them thoroughly takes Java ten."""
    gateway: Any = spark.sparkContext._gateway
    beans = gateway.jvm.java.lang.management.ManagementFactory.getRuntimeMXBean()
    option = f"-XX:CompilerDirectivesFile={COMPILER_DIRECTIVES}"
    assert option in list(beans.getInputArguments())
    unlock = "-XX:+UnlockDiagnosticVMOptions"
    command = [str(ensure_java()), unlock, option, "-XX:+CompilerDirectivesPrint", "-version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "org/codehaus/*.*" in told
    assert "Exclude:true" in told.partition("c2 directives:")[2].partition("\n")[2]


def test_little_data_has_little_pages() -> None:
    """A join of five rows would begin with 8 MB, in a Java that has 600."""
    code = (
        "from ecommerce_lakehouse import get_spark\n"
        "print(get_spark(raw_bytes=1000).conf.get('spark.buffer.pageSize'))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=without_a_jvm(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1m"


A_PROCESS = """
import json, os
from py4j.java_gateway import JavaObject
from ecommerce_lakehouse import get_spark

spark = get_spark()
held = [spark.range(number) for number in range(100)]
server = JavaObject("GATEWAY_SERVER", spark.sparkContext._gateway._gateway_client)
known = list(server.getGateway().getBindings().keySet())
print(json.dumps([[rows._jdf._target_id for rows in held], known]), flush=True)
os._exit(0)  # as a kernel ends: without a word to Java
"""


@pytest.mark.usefixtures("jvm")
def test_a_process_that_has_ended_holds_nothing_in_a_shared_jvm() -> None:
    """Else run after run of the notebooks would fill its memory."""
    command = [sys.executable, "-c", A_PROCESS]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in "12"]
    (held, known), (_, known_later) = [json.loads(run.stdout) for run in runs]
    assert len(held) == 100 and set(held) <= set(known)
    assert not set(held) & set(known_later)
