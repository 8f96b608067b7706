ATTACH 'visits.parquet' AS visits;
