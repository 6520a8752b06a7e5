"""Every check on every table as it stands, and an exit code that stops what comes after.

Run it with:  spark-submit src/jobs/check_quality.py
"""

from typing import Any

from ecommerce_lakehouse.jobs import job_command, run_job


def check(**given: Any) -> None:
    """Check the tables, in a Python that was found fit for it."""
    from ecommerce_lakehouse.operations.build import check_tables

    check_tables(**given)


if __name__ == "__main__":
    run_job("Every check on every table as it stands.", job_command(check))
