ATTACH 'patients.parquet' AS patients;
ATTACH 'deaths.arrow' AS deaths;
