"""Every table, from the raw files to the features.

Run it with:  spark-submit src/pipeline.py --date 2024-06-30
"""

from ecommerce_lakehouse.jobs import main

if __name__ == "__main__":
    main("Every table, from the raw files to the features.")
