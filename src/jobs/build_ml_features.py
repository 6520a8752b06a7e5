"""The feature table and its Parquet export, from gold.

Run it with:  spark-submit src/jobs/build_ml_features.py --date 2024-06-30
"""

from ecommerce_lakehouse.jobs import main

if __name__ == "__main__":
    main("The feature table and its Parquet export, from gold.", "ml")
