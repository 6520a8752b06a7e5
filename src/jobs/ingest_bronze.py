"""The bronze tables, from the raw files.

Run it with:  spark-submit src/jobs/ingest_bronze.py --date 2024-06-30
"""

from ecommerce_lakehouse.jobs import main

if __name__ == "__main__":
    main("The bronze tables, from the raw files.", "bronze")
