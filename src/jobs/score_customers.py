"""Models fitted on what the day knew, and their scores of every customer, from all layers.

Run it with:  spark-submit src/jobs/score_customers.py --date 2024-06-30
"""

from ecommerce_lakehouse.jobs import run_job, score

if __name__ == "__main__":
    run_job("Models fitted on what the day knew, and their scores of every customer.", score)
