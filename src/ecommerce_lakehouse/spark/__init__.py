"""Spark: its Java, its JARs, its settings and its sessions."""

from ecommerce_lakehouse.spark.submit import spark_submit

__all__ = ["spark_submit"]
